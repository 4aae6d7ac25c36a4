package modbus

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/poll"
	"sentrybox/drivers/port"
)

// Driver keeps one bus. It is a driver.Switcher.
type Driver struct {
	driver.Tracker
	driver.Life
	config  Config
	tasks   []*task
	outputs map[outputKey]Output

	mu       sync.Mutex
	line     port.Port          // nil while it is not open
	waits    bool               // the bus waits in a read that may be ended
	on       map[outputKey]bool // outputs that are to be on
	requests driver.Turns[turn]
}

type outputKey struct {
	unit   byte
	output string
}

// turn is a switch of an output that waits for its turn on the bus.
type turn struct {
	key outputKey
	on  bool
}

// lingerTime is how long outputs may take to be switched off when Run ends.
const lingerTime = 5 * time.Second

// New makes a driver.
func New(c Config) (*Driver, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("modbus: %w", err)
	}
	d := &Driver{config: c.withDefaults(), on: map[outputKey]bool{}, outputs: map[outputKey]Output{}}
	for _, u := range c.Units {
		d.tasks = append(d.tasks, plan(u)...)
		for _, o := range u.Outputs {
			d.outputs[outputKey{u.Address, o.Name}] = o
		}
	}
	return d, nil
}

// Run polls the bus until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	b, err := newBus(d, emit)
	if err != nil {
		return d.Ended(driver.Permanent(err))
	}
	linger := lingerTime
	for _, u := range d.config.Units {
		linger = max(linger, lingerTime+cmp.Or(d.config.timeout(u), maxPatience))
	}
	return d.Ended(port.KeepFor(ctx, linger, d.config.Open, &d.Tracker, func(ctx context.Context, p port.Port) error {
		return b.serve(ctx, p)
	}))
}

// Requests returns how many requests read everything once, of how many sections.
func (d *Driver) Requests() (requests, sections int) {
	for _, t := range d.tasks {
		sections += len(t.sections)
		if len(t.sections) > 0 {
			requests += len(t.reads(t.span()))
		}
	}
	return requests, sections
}

// Switch writes an output, between two requests of the bus, and tries three times. It returns
// nil when the unit has confirmed. What could not be switched on stays off; what could
// not be switched off is, as soon as the unit answers again.
func (d *Driver) Switch(ctx context.Context, device, output string, on bool) error {
	t := driver.NewTurn(ctx, turn{on: on})
	for key := range d.outputs {
		if key.output == output && name(Unit{Address: key.unit}) == device {
			t.Do.key = key
		}
	}
	if t.Do.key.unit == 0 {
		return fmt.Errorf("%w: output %q of unit %s", driver.ErrNoDevice, output, device)
	}
	d.mu.Lock()
	if d.line == nil {
		delete(d.on, t.Do.key)
		d.mu.Unlock()
		return fmt.Errorf("switch %q of unit %s: %w", output, device, driver.ErrNotRunning)
	}
	d.on[t.Do.key] = on
	d.requests = append(d.requests, t)
	d.mu.Unlock()
	d.wake()
	if err := t.Wait(); err != nil {
		d.giveUp(t.Do.key)
		d.wake()
		return fmt.Errorf("switch %q of unit %s: %w", output, device, err)
	}
	return nil
}

// giveUp has an output be off after a switch that failed, which may have been half done.
func (d *Driver) giveUp(key outputKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on[key] = false
	if d.line != nil {
		d.requests = append(d.requests, driver.NewTurn(context.Background(), turn{key: key}))
	}
}

// wanted tells whether an output is to be on.
func (d *Driver) wanted(key outputKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on[key]
}

// opened lets others have their turn, shut fails those that wait for it.
func (d *Driver) opened(p port.Port) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line = p
}

func (d *Driver) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line = nil
	d.requests.End()
}

// next takes a turn that waits; nil if none does.
func (d *Driver) next() *driver.Turn[turn] {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests.Next()
}

// idle sets how long the bus may wait in a read, which wake ends. It is false if there is something to do.
func (d *Driver) idle(ctx context.Context, until time.Time) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() != nil || len(d.requests) > 0 {
		return false, nil
	}
	d.waits = true
	return true, d.line.SetReadDeadline(until)
}

// busy ends idle.
func (d *Driver) busy() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waits = false
}

// wake ends the bus's wait, and not its reading of an answer.
func (d *Driver) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line != nil && d.waits {
		_ = d.line.SetReadDeadline(time.Unix(1, 0))
	}
}

// schedule makes the bus's schedule.
func (d *Driver) schedule() (*poll.Schedule, error) {
	var tasks []poll.Task
	for _, t := range d.tasks {
		tasks = append(tasks, poll.Task{Device: t.device(), Every: t.every})
	}
	return poll.New(tasks, time.Now())
}
