package device

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/driver"
)

const (
	switchWithin = 8 * time.Second  // until a device has confirmed; on a bus it may have to wait for a slow one's answer
	switchAgain  = time.Second      // after it did not
	stuckAfter   = 10 * time.Second // that an output does not obey until it is told
	offWithin    = 4 * time.Second  // that is tried when the gateway stops, and
	offLast      = 3 * time.Second  // that the last try may take longer
)

// Output is a siren or a lamp.
type Output struct {
	ID, Name, Grid string
	Bus            string
	Device, Output string // as the bus's driver calls them
	MaxOn          time.Duration
	Repeat         time.Duration // it is switched on again so often while it is on; never when 0
}

// same says whether the output is switched in the same way as another.
func (o Output) same(as Output) bool {
	o.Name, o.Grid = as.Name, as.Grid
	return o == as
}

// outputs are all of them.
type outputs struct {
	mu  sync.RWMutex
	all []*output // guarded by mu
}

func newOutput(h *Hub, c Output) *output {
	o := &output{Output: c, hub: h, more: make(chan struct{}, 1), phase: Waiting, since: time.Now()}
	o.stuck = &alarm{Rule: Rule{ID: "stuck/" + c.ID, Sensor: c.ID, Kind: Fault, Grid: c.Grid, Severity: 2, Closes: true}}
	return o
}

// list returns all of them.
func (o *outputs) list() []*output {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.all
}

func (o *outputs) set(all []*output) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = all
}

func (o *outputs) find(id string) *output {
	for _, out := range o.list() {
		if out.ID == id {
			return out
		}
	}
	return nil
}

// on switches an output on, on behalf of a rule. It does not wait.
func (o *outputs) on(id string, span time.Duration, why string) {
	if out := o.find(id); out != nil {
		out.order(order{on: true, span: span, why: why})
	}
}

// order is what an output is to do.
type order struct {
	on   bool
	span time.Duration // it is off after it; MaxOn when 0
	why  string
	done func(error) // hears once whether the device has obeyed; nil for nobody
}

// output is an Output as it is now. Its run alone switches.
type output struct {
	Output // its Name and Grid are guarded by mu
	hub    *Hub
	stuck  *alarm             // guarded by the Hub's mu
	stop   context.CancelFunc // of run, as ended; guarded by the Hub's applying; nil while it does not run
	ended  chan struct{}

	mu     sync.Mutex
	driver driver.Switcher // guarded by mu, as all that follows: nil if its bus has none
	until  time.Time       // it is to be on until then
	why    string          //
	done   []func(error)   // of orders that were not carried out yet
	phase  Phase
	since  time.Time
	fault  string
	more   chan struct{} // holds a token when there is an order
}

// reach has the output switched by the bus from now on, and told again how it is to be if
// that is another than before.
func (o *output) reach(b *bus, c Output) {
	var d driver.Switcher
	if b != nil {
		d, _ = b.Driver.(driver.Switcher)
	}
	o.mu.Lock()
	o.Name, o.Grid = c.Name, c.Grid
	if d != o.driver {
		o.driver, o.phase = d, Waiting
	}
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// start runs the output until ctx ends or halt is called.
func (o *output) start(ctx context.Context) {
	ctx, o.stop = context.WithCancel(ctx)
	ended := make(chan struct{})
	o.ended = ended
	go func() {
		defer close(ended)
		o.run(ctx)
	}()
}

// halt ends what start began, if it has, and so switches the output off.
func (o *output) halt() {
	if o.stop != nil {
		o.stop()
		<-o.ended
		o.stop = nil
	}
}

// order takes an order. The latest counts, but one to be on never makes it shorter.
func (o *output) order(x order) {
	o.mu.Lock()
	now := time.Now()
	switch span := x.span; {
	case !x.on:
		o.until = time.Time{}
	default:
		if span <= 0 || span > o.MaxOn {
			span = o.MaxOn
		}
		// MaxOn counts from when it went on, however often it is told.
		if until := now.Add(span); until.After(o.until) {
			o.until = until
		}
		if o.phase == On {
			if last := o.since.Add(o.MaxOn); o.until.After(last) {
				o.until = last
			}
		}
	}
	o.why = x.why
	if x.done != nil {
		o.done = append(o.done, x.done)
	}
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// run keeps the output as it is to be until ctx ends, and then switches it off. At first it
// is off, whatever an earlier run has left.
func (o *output) run(ctx context.Context) {
	var failing time.Time // since when the device does not obey
	for ctx.Err() == nil {
		on, next := o.wanted(time.Now())
		if o.needs(on) {
			err := o.set(ctx, on)
			if ctx.Err() != nil {
				break
			}
			if err == nil {
				failing = time.Time{}
				o.switched(on)
				continue // an order may have come meanwhile
			}
			if failing.IsZero() {
				failing = time.Now()
			}
			o.failed(err, time.Since(failing) >= stuckAfter)
			next = switchAgain
		}
		select {
		case <-ctx.Done():
		case <-o.more:
		case <-time.After(next):
		}
	}
	o.order(order{why: "the gateway stops"})
	end := time.Now().Add(offWithin)
	last, cancel := context.WithDeadline(context.WithoutCancel(ctx), end.Add(offLast))
	defer cancel()
	for time.Now().Before(end) {
		if err := o.set(last, false); err == nil {
			o.switched(false)
			return
		}
		time.Sleep(switchAgain / 4)
	}
	o.hub.Log.Error("an output could not be switched off when the gateway stopped", "output", o.ID)
}

// wanted says whether the output is to be on now, and when to look again.
func (o *output) wanted(now time.Time) (on bool, next time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !now.Before(o.until) {
		return false, time.Hour
	}
	next = o.until.Sub(now)
	if o.Repeat > 0 {
		next = min(next, o.Repeat)
	}
	return true, next
}

// needs says whether the device is to be told.
func (o *output) needs(on bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if on && o.phase == On {
		return o.Repeat > 0 || len(o.done) > 0
	}
	return on != (o.phase == On) || o.phase != On && o.phase != Off || len(o.done) > 0
}

func (o *output) set(ctx context.Context, on bool) error {
	o.mu.Lock()
	d := o.driver
	o.mu.Unlock()
	if d == nil {
		return fmt.Errorf("output %s: %w", o.ID, driver.ErrNoDevice)
	}
	ctx, cancel := context.WithTimeout(ctx, switchWithin)
	defer cancel()
	return d.Switch(ctx, o.Device, o.Output.Output, on)
}

func (o *output) switched(on bool) {
	o.mu.Lock()
	phase := Off
	if on {
		phase = On
	}
	changed := o.phase != phase || o.fault != ""
	if o.phase != phase {
		o.since = time.Now()
	}
	o.phase, o.fault = phase, ""
	done := o.done
	o.done = nil
	why := o.why
	o.mu.Unlock()
	for _, tell := range done {
		tell(nil)
	}
	if changed {
		o.hub.Log.Info("output", "output", o.ID, "on", on, "why", why)
	}
	o.tell(changed, false)
}

func (o *output) failed(err error, stuck bool) {
	o.mu.Lock()
	opening := errors.Is(err, driver.ErrNotRunning) && o.phase == Waiting && !stuck // it will be
	changed := o.fault == "" && !opening
	if !opening {
		o.fault = err.Error()
	}
	var done []func(error)
	if stuck {
		done, o.done = o.done, nil
	}
	o.mu.Unlock()
	for _, tell := range done {
		tell(err)
	}
	if changed {
		o.hub.Log.Error("an output does not obey, trying again", "output", o.ID, "error", err)
	}
	o.tell(changed, stuck)
}

func (o *output) tell(changed, stuck bool) {
	o.hub.mu.Lock()
	defer o.hub.mu.Unlock()
	if b := o.hub.buses[o.Bus]; b != nil && b.gone && !o.is(On) {
		stuck = false // the bus is told
	}
	o.hub.set(o.stuck, stuck, time.Now())
	if changed && o.hub.OnState != nil {
		o.hub.OnState(o.state())
	}
}

func (o *output) is(p Phase) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.phase == p
}

func (o *output) state() State {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := State{ID: o.ID, Type: "output", Name: o.Name, Grid: o.Grid, Bus: o.Bus, Phase: o.phase, Reason: o.why, Since: o.since}
	if o.fault != "" {
		s.Phase, s.Reason = Faulty, o.fault
	}
	return s
}
