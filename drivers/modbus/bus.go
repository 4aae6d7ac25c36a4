package modbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/poll"
	"sentrybox/drivers/port"
)

// bus is a Run: what one goroutine knows of the units. It outlives the line being opened again.
type bus struct {
	d        *Driver
	emit     func(driver.Message)
	schedule *poll.Schedule

	p    port.Port
	link link
	done <-chan struct{} // closed when Run is to end
	buf  []byte
	// doubtful are units that missed an answer, which may still come.
	doubtful map[byte]bool
	// unsure are units whose outputs may not be as they are wanted.
	unsure   map[byte]bool
	patience patience
	// faults are what sections of a unit answer in place of data.
	faults map[byte]map[string]string
	// reopened is when the line was opened again for the last time since nobody answered.
	reopened time.Time
}

func newBus(d *Driver, emit func(driver.Message)) (*bus, error) {
	schedule, err := d.schedule()
	if err != nil {
		return nil, err
	}
	return &bus{
		d: d, emit: emit, schedule: schedule, buf: make([]byte, 512), reopened: time.Now(),
		patience: patience{config: d.config, learned: map[byte]time.Duration{}, missed: map[byte]int{}}, doubtful: map[byte]bool{}, unsure: map[byte]bool{}, faults: map[byte]map[string]string{},
	}, nil
}

// serve does what is due on an open line until ctx ends.
func (b *bus) serve(ctx context.Context, p port.Port) error {
	b.p, b.done = p, ctx.Done()
	if b.d.config.Framing == TCP {
		b.link = newTCP(p, &b.d.Tracker)
		clear(b.doubtful) // what comes late comes on the connection that was
	} else {
		b.link = newRTU(p, &b.d.Tracker, b.d.config.CharTime)
	}
	for key := range b.d.outputs {
		b.unsure[key.unit] = true
	}
	b.d.opened(p)
	defer b.d.shut()
	// An answer that is awaited when Run ends is given up, so that outputs rest at once.
	defer context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Unix(1, 0)) })()
	for ctx.Err() == nil {
		if err := b.step(ctx); err != nil {
			return err
		}
	}
	b.rest()
	return nil
}

// step gives an output its turn, does the task that is due, or waits for one.
func (b *bus) step(ctx context.Context) error {
	if t := b.d.next(); t != nil {
		err := b.set(t.Do.key, t.Do.on)
		t.Done(err)
		return fatal(err)
	}
	i, at := b.schedule.Next(time.Now())
	if time.Until(at) > 0 {
		return b.wait(ctx, at)
	}
	began := time.Now()
	err := b.do(b.d.tasks[i])
	if err := fatal(err); err != nil {
		return err
	}
	if err == nil {
		b.schedule.Answered(i, time.Now())
		return b.assert(b.d.tasks[i].unit)
	}
	return b.missed(i, began, err)
}

// fatal returns an error of the port; nil for what is a unit's own fault.
func fatal(err error) error {
	var e Exception
	if errors.Is(err, errTimeout) || errors.Is(err, errGarbled) || errors.Is(err, errNotSet) || errors.As(err, &e) {
		return nil
	}
	return err
}

// wait listens until it is time, so that an unplugged line is known at once.
func (b *bus) wait(ctx context.Context, until time.Time) error {
	if idle, err := b.d.idle(ctx, until); !idle || err != nil {
		return err
	}
	n, err := b.p.Read(b.buf)
	b.d.busy()
	if n > 0 {
		b.link.hear(b.buf[:n])
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// missed says that a unit did not answer.
func (b *bus) missed(i int, began time.Time, err error) error {
	now := time.Now()
	t := b.d.tasks[i]
	n := b.schedule.Missed(i, began, now)
	if n >= poll.DeadAfter {
		b.d.Device(t.device(), driver.Silent, fmt.Sprintf("%v, %d times", err, n))
		b.unsure[t.unit.Address] = len(t.unit.Outputs) > 0
	}
	for _, t := range b.d.tasks {
		if !b.schedule.Dead(t.device()) {
			return nil
		}
	}
	b.d.Enter(driver.Silent, "no unit answers")
	// A serial server may have lost the line, and an adapter hang.
	if now.Sub(b.reopened) > poll.MaxWait {
		b.reopened = now
		return port.ErrReopen
	}
	return nil
}

// do reads a task's sections and hands them on, or looks whether the unit is there. Its
// error says that the unit did not answer, or is fatal.
func (b *bus) do(t *task) error {
	if len(t.sections) == 0 {
		return b.look(t)
	}
	if !t.apart {
		err := b.read(t, t.span(), t.sections)
		var e Exception
		if !errors.As(err, &e) || len(t.sections) == 1 || e != 2 && e != 3 {
			return b.excuse(t, t.sections, err)
		}
		t.apart = true
	}
	answered := false
	for _, s := range t.sections {
		err := b.excuse(t, []Section{s}, b.read(t, s.span(), []Section{s}))
		if err != nil && (fatal(err) != nil || !answered) {
			return err
		}
		answered = answered || err == nil
	}
	return nil
}

// read reads a range and hands on the sections in it.
func (b *bus) read(t *task, s span, sections []Section) error {
	var data []byte
	for _, r := range t.reads(s) {
		part, err := b.ask(t.unit, r)
		if err != nil {
			return err
		}
		data = append(data, part...)
	}
	now := time.Now()
	for _, section := range sections {
		delete(b.faults[t.unit.Address], section.Name)
		b.d.HeardBut(t.device(), b.fault(t.unit))
		b.emit(driver.Message{Device: t.device(), Section: section.Name, Data: cut(data, s, section), At: now})
	}
	return nil
}

// excuse takes a refusal for an answer, and remembers it. Other errors, and nil, it returns.
func (b *bus) excuse(t *task, sections []Section, err error) error {
	var e Exception
	if !errors.As(err, &e) || e.absent() {
		return err
	}
	faults := b.faults[t.unit.Address]
	if faults == nil {
		faults = map[string]string{}
		b.faults[t.unit.Address] = faults
	}
	for _, s := range sections {
		faults[s.Name] = fmt.Sprintf("%v reading %s %d+%d", e, s.Table, s.Start, s.Count)
	}
	b.d.Device(t.device(), driver.Failed, b.fault(t.unit))
	b.alive()
	return nil
}

// alive says that a unit has answered, if not with data.
func (b *bus) alive() {
	if b.d.State().Phase != driver.Online {
		b.d.Enter(driver.Online, "")
	}
}

// fault returns one of a unit's faults, always the same of several.
func (b *bus) fault(u Unit) string {
	for _, s := range u.Sections {
		if f := b.faults[u.Address][s.Name]; f != "" {
			return f
		}
	}
	return ""
}

// look finds out whether a unit that is not read is there.
func (b *bus) look(t *task) error {
	o := t.unit.Outputs[0]
	var err error
	if t.unit.Quirks.Silent {
		err = b.set(outputKey{t.unit.Address, o.Name}, b.d.wanted(outputKey{t.unit.Address, o.Name}))
	} else {
		_, err = b.ask(t.unit, request{unit: t.unit.Address, table: o.Table, start: o.Address, count: 1})
	}
	var e Exception
	if err == nil || errors.As(err, &e) && !e.absent() {
		b.d.Device(t.device(), driver.Online, "")
		b.alive()
		return nil
	}
	return err
}

// ask makes an exchange, after doubt is cleared, and once more if only noise came.
func (b *bus) ask(u Unit, r request) ([]byte, error) {
	var err error
	for range 2 {
		if b.doubtful[u.Address] && !b.link.numbered() {
			if err = b.settle(u, r); err != nil {
				return nil, err
			}
		}
		var pdu []byte
		b.pause(u)
		if pdu, err = b.exchange(u, r); err == nil {
			return r.parse(pdu)
		}
		b.doubt(u, err)
		if !errors.Is(err, errGarbled) || b.schedule.Dead(name(u)) {
			break
		}
	}
	return nil, err
}

// pause leaves the line silent for as long as a unit needs it.
func (b *bus) pause(u Unit) {
	if u.Quirks.Delay == 0 {
		return
	}
	select {
	case <-time.After(u.Quirks.Delay):
	case <-b.done:
	}
}

func (b *bus) doubt(u Unit, err error) {
	if errors.Is(err, errTimeout) || errors.Is(err, errGarbled) {
		b.doubtful[u.Address] = true
		b.d.Count(func(c *driver.Counts) {
			if errors.Is(err, errTimeout) {
				c.Timeouts++
			} else {
				c.Rejected++
			}
		})
	}
}

// settle makes sure that no answer of the unit to an earlier request can come any more.
func (b *bus) settle(u Unit, r request) error {
	small := r
	if r.write == nil {
		small.count = 1
	}
	b.pause(u)
	think := b.patience.of(u) // before it is learned how short it may be
	if _, err := b.exchange(u, small); err != nil {
		b.doubt(u, err)
		return err
	}
	if small.answerLength() == r.answerLength() {
		if err := b.link.quiet(think); err != nil {
			return err
		}
	}
	delete(b.doubtful, u.Address)
	return nil
}
