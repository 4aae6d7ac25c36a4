package uart

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/poll"
	"sentrybox/drivers/port"
)

// Driver reads one line. It is a driver.Switcher.
type Driver struct {
	driver.Tracker
	driver.Life
	config Config

	mu       sync.Mutex
	session  *session             // nil while the line is not open
	on       map[outputKey]bool   // outputs that are to be on
	outputs  map[outputKey]Output // never changes
	requests driver.Turns[[]byte] // what is to be sent to switch an output
}

type outputKey struct{ device, name string }

const (
	writeTimeout = 5 * time.Second
	lingerTime   = 2 * time.Second // to switch outputs off when Run ends
)

// New makes a driver.
func New(c Config) (*Driver, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("uart: %w", err)
	}
	c.Framing = c.Framing.withDefaults()
	d := &Driver{config: c, on: map[outputKey]bool{}, outputs: map[outputKey]Output{}}
	for _, o := range c.Outputs {
		d.outputs[outputKey{o.Device, o.Name}] = o
	}
	return d, nil
}

// Run reads the line until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(port.KeepFor(ctx, lingerTime, d.config.Open, &d.Tracker, func(ctx context.Context, p port.Port) error {
		return d.talk(ctx, p, emit)
	}))
}

// talk is what is done on an open line.
func (d *Driver) talk(ctx context.Context, p port.Port, emit func(driver.Message)) error {
	s, err := newSession(d, p, emit)
	if err != nil {
		return driver.Permanent(err)
	}
	d.open(s)
	defer d.shut()
	defer context.AfterFunc(ctx, s.wake)()
	if err := d.assert(p); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.step(ctx); err != nil {
			return err
		}
	}
	return d.rest(p)
}

func (d *Driver) open(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = s
}

// shut fails the requests that nobody will see to.
func (d *Driver) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = nil
	d.requests.End()
}

// assert sends every output's state, as a device may have been switched by nobody knows whom.
func (d *Driver) assert(p port.Port) error {
	for key, o := range d.outputs {
		d.mu.Lock()
		data := o.Off
		if d.on[key] {
			data = o.On
		}
		d.mu.Unlock()
		if err := send(p, data); err != nil {
			return err
		}
	}
	return nil
}

// rest switches off what is on.
func (d *Driver) rest(p port.Port) error {
	d.mu.Lock()
	on := d.on
	d.on = map[outputKey]bool{}
	d.mu.Unlock()
	for key := range on {
		if err := send(p, d.outputs[key].Off); err != nil {
			return err
		}
	}
	return nil
}

func send(p port.Port, data []byte) error {
	if err := p.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := p.Write(data)
	return err
}

// Switch sends what turns an output on or off, when no answer is awaited on the line. The device
// confirms nothing. An output that could not be switched off is switched off as soon as the line is back.
func (d *Driver) Switch(ctx context.Context, device, output string, on bool) error {
	key := outputKey{device, output}
	o, ok := d.outputs[key]
	if !ok {
		return fmt.Errorf("%w: %q of %q", driver.ErrNoDevice, output, device)
	}
	t := driver.NewTurn(ctx, o.Off)
	if on {
		t.Do = o.On
	}
	d.mu.Lock()
	s := d.session
	if !on || s != nil {
		d.on[key] = on
		if !on {
			delete(d.on, key)
		}
	}
	if s == nil {
		d.mu.Unlock()
		return fmt.Errorf("switch %q of %q: %w", output, device, driver.ErrNotRunning)
	}
	d.requests = append(d.requests, t)
	d.mu.Unlock()
	s.wake()
	if err := t.Wait(); err != nil {
		d.giveUp(key, o)
		s.wake()
		return fmt.Errorf("switch %q of %q: %w", output, device, err)
	}
	return nil
}

// giveUp has an output be off after a switch that failed, which may have been half done.
func (d *Driver) giveUp(key outputKey, o Output) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.on, key)
	if d.session != nil { // else it is done when the line is open again
		d.requests = append(d.requests, driver.NewTurn(context.Background(), o.Off))
	}
}

// next takes a request that waits; nil if none does.
func (d *Driver) next() *driver.Turn[[]byte] {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests.Next()
}

func (d *Driver) waiting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.requests) > 0
}

// missed says that a device did not answer, the n-th time in a row.
func (d *Driver) missed(device string, n int, within time.Duration) {
	d.Count(func(c *driver.Counts) { c.Timeouts++ })
	if n >= poll.DeadAfter {
		d.Device(device, driver.Silent, fmt.Sprintf("no answer within %v to %d questions", within, n))
	}
}
