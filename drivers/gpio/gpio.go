// Package gpio reads contacts and buttons, and switches relays, at the pins of the board itself, through the
// kernel's GPIO character device (Documentation/userspace-api/gpio/chardev.rst, version 2 of its interface, Linux
// 5.10 and later). The kernel debounces inputs and keeps others from our lines.
//
// A line goes back to whatever the board makes of it when its program is killed: a siren needs
// a pin that rests at off, and a board whose watchdog restarts it.
package gpio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// Config is a chip and its lines.
type Config struct {
	// Chip is a path, "/dev/gpiochip0", or a chip's label, "pinctrl-rp1", which stays the same when
	// chips are numbered otherwise.
	Chip    string
	Inputs  []Input
	Outputs []Output
	// Every is how often an input's state is told even if it stays; a minute if 0.
	Every time.Duration
}

// Pin is a line of the chip.
type Pin struct {
	// Name is Message.Device, or the output's.
	Name string
	// Line is the line's name in the board's device tree, "GPIO17", or its
	// number on the chip, "17".
	Line string
	// ActiveLow is on at a low level.
	ActiveLow bool
}

// Input is a contact or a button. Message.Data is one byte: 1 while it is active, 0 if not.
type Input struct {
	Pin
	// Bias is as the board is left if empty.
	Bias Bias
	// Debounce is how long a level must last, 20 ms if 0; up to 10 s.
	Debounce time.Duration
}

// Output is a relay, off when Run begins and when it ends.
type Output struct {
	Pin
	OpenDrain bool
}

// Bias is the chip's resistor at a line.
type Bias string

// The biases.
const (
	AsIs     Bias = ""
	PullUp   Bias = "up"
	PullDown Bias = "down"
	NoBias   Bias = "none"
)

const (
	defaultEvery    = time.Minute
	defaultDebounce = 20 * time.Millisecond
	maxDebounce     = 10 * time.Second
)

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Chip == "" {
		bad("no chip")
	}
	if len(c.Inputs)+len(c.Outputs) == 0 {
		bad("neither inputs nor outputs")
	}
	if c.Every < 0 {
		bad("every %v", c.Every)
	}
	names, lines := map[string]bool{}, map[string]bool{}
	pin := func(p Pin) {
		if p.Name == "" || p.Line == "" || names[p.Name] || lines[p.Line] {
			bad("pin %q at line %q: want a name and a line of its own", p.Name, p.Line)
		}
		names[p.Name], lines[p.Line] = true, true
	}
	for _, in := range c.Inputs {
		pin(in.Pin)
		if !slices.Contains([]Bias{AsIs, PullUp, PullDown, NoBias}, in.Bias) {
			bad("input %q: bias %q: want up, down or none", in.Name, in.Bias)
		}
		if in.Debounce < 0 || in.Debounce > maxDebounce {
			bad("input %q: debounce %v: want up to %v", in.Name, in.Debounce, maxDebounce)
		}
	}
	for _, out := range c.Outputs {
		pin(out.Pin)
	}
	return errors.Join(errs...)
}

// Driver has the lines of one chip. It is a driver.Switcher; its outputs' device is empty.
type Driver struct {
	driver.Tracker
	driver.Life
	config Config
	dev    string // folder of the chips
	ioctl  ioctl

	mu      sync.Mutex
	outputs map[string]*line // nil while the chip is away
}

// New makes a driver.
func New(c Config) (*Driver, error) { return build(c, "/dev", kernel) }

func build(c Config, dev string, do ioctl) (*Driver, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("gpio: %w", err)
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	return &Driver{config: c, dev: dev, ioctl: do}, nil
}

// Run reads the inputs until ctx ends. It is skipped on a machine without any chip.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for wait := port.FirstRetry; ; wait = min(2*wait, port.MaxRetry) {
		began := time.Now()
		err := d.session(ctx, emit)
		switch {
		case ctx.Err() != nil:
			return d.Ended(nil)
		case errors.Is(err, driver.ErrPermanent), errors.Is(err, driver.ErrSkipped):
			return d.Ended(err)
		case time.Since(began) > port.MaxRetry:
			wait = port.FirstRetry
		}
		d.Enter(driver.Unplugged, err.Error())
		select {
		case <-ctx.Done():
			return d.Ended(nil)
		case <-time.After(wait):
		}
	}
}

// session has the lines until one of them fails.
func (d *Driver) session(ctx context.Context, emit func(driver.Message)) error {
	chip, err := d.open()
	if err != nil {
		return err
	}
	defer chip.Close()
	outputs, err := d.takeOutputs(chip)
	if err != nil {
		return err
	}
	defer d.leave(outputs)
	inputs, err := d.takeInputs(chip)
	defer closeAll(inputs)
	if err != nil {
		return err
	}
	d.Opened()
	d.mu.Lock()
	d.outputs = outputs
	d.mu.Unlock()
	return d.watch(ctx, inputs, emit)
}

// takeOutputs takes the outputs' lines, off.
func (d *Driver) takeOutputs(chip *os.File) (map[string]*line, error) {
	outputs := map[string]*line{}
	for _, o := range d.config.Outputs {
		flags := uint64(flagOutput)
		if o.ActiveLow {
			flags |= flagActiveLow
		}
		if o.OpenDrain {
			flags |= flagOpenDrain
		}
		l, err := d.take(chip, o.Pin, flags, lineAttribute{id: attrValues, value: 0})
		if err != nil {
			d.leave(outputs)
			return nil, err
		}
		outputs[o.Name] = l
	}
	return outputs, nil
}

func (d *Driver) takeInputs(chip *os.File) (inputs []*line, err error) {
	for _, in := range d.config.Inputs {
		flags := uint64(flagInput | flagEdgeRising | flagEdgeFalling)
		if in.ActiveLow {
			flags |= flagActiveLow
		}
		switch in.Bias {
		case PullUp:
			flags |= flagPullUp
		case PullDown:
			flags |= flagPullDown
		case NoBias:
			flags |= flagNoBias
		}
		debounce := in.Debounce
		if debounce == 0 {
			debounce = defaultDebounce
		}
		l, err := d.take(chip, in.Pin, flags, lineAttribute{id: attrDebounce, value: debouncePeriod(debounce)})
		if err != nil {
			return inputs, err
		}
		inputs = append(inputs, l)
	}
	return inputs, nil
}

func (d *Driver) take(chip *os.File, p Pin, flags uint64, attr lineAttribute) (*line, error) {
	offset, err := d.find(chip, p.Line)
	if err != nil {
		return nil, err
	}
	l, err := request(d.ioctl, chip, offset, flags, attr)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, fmt.Errorf("%s line %s: %w", chip.Name(), p.Line, port.ErrBusy)
	case errors.Is(err, unix.EINVAL):
		return nil, driver.Permanent(fmt.Errorf("%s line %s cannot be what is asked of it: %w", chip.Name(), p.Line, err))
	case err != nil:
		return nil, fmt.Errorf("%s line %s: %w", chip.Name(), p.Line, err)
	}
	return l, nil
}

// leave switches outputs off and gives them back.
func (d *Driver) leave(outputs map[string]*line) {
	d.mu.Lock()
	d.outputs = nil
	d.mu.Unlock()
	for name, l := range outputs {
		if err := l.set(false); err != nil {
			d.Device(name, driver.Failed, fmt.Sprintf("left as it was: %v", err))
		}
		l.f.Close()
	}
}

func closeAll(lines []*line) {
	for _, l := range lines {
		l.f.Close()
	}
}

// watch reads every input until one fails or ctx ends.
func (d *Driver) watch(ctx context.Context, inputs []*line, emit func(driver.Message)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var one sync.Mutex // held while a state is read and handed on, so that the last told is the last that was
	say := func(name string, state func() (bool, error)) error {
		one.Lock()
		defer one.Unlock()
		on, err := state()
		if err != nil {
			return err
		}
		data := []byte{0}
		if on {
			data[0] = 1
		}
		d.Heard(name)
		emit(driver.Message{Device: name, Data: data, At: time.Now()})
		return nil
	}
	for i, l := range inputs {
		name := d.config.Inputs[i].Name
		wg.Go(func() { cancel(d.follow(l, name, say)) })
	}
	wg.Go(func() { cancel(d.repeat(ctx, inputs, say)) })
	<-ctx.Done()
	for _, l := range inputs {
		_ = l.f.SetReadDeadline(time.Unix(1, 0))
	}
	wg.Wait()
	return context.Cause(ctx)
}

// follow tells each change of an input.
func (d *Driver) follow(l *line, name string, say func(string, func() (bool, error)) error) error {
	var last uint32
	for {
		events, err := l.events()
		if errors.Is(err, io.EOF) || errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("%s: %w", l.f.Name(), port.ErrUnplugged)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.f.Name(), err)
		}
		for _, e := range events {
			if lost := e.lineSeqno - last - 1; last != 0 && lost > 0 {
				d.Count(func(c *driver.Counts) { c.Discarded += uint64(lost) })
			}
			last = e.lineSeqno
			if err := say(name, func() (bool, error) { return e.id == eventRising, nil }); err != nil {
				return err
			}
		}
	}
}

// repeat tells every input's state, now and again and again.
func (d *Driver) repeat(ctx context.Context, inputs []*line, say func(string, func() (bool, error)) error) error {
	tick := time.NewTicker(d.config.Every)
	defer tick.Stop()
	for {
		for i, l := range inputs {
			if err := say(d.config.Inputs[i].Name, l.get); err != nil {
				return fmt.Errorf("%s: %w: %w", l.f.Name(), port.ErrUnplugged, err)
			}
		}
		if len(inputs) == 0 {
			d.Enter(driver.Online, "")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Switch sets an output; device is empty. It is done when Switch returns.
func (d *Driver) Switch(_ context.Context, device, output string, on bool) error {
	known := device == "" && slices.ContainsFunc(d.config.Outputs, func(o Output) bool { return o.Name == output })
	if !known {
		return fmt.Errorf("%w: %q of %q", driver.ErrNoDevice, output, device)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.outputs[output]
	if l == nil {
		return fmt.Errorf("switch %q: %w", output, driver.ErrNotRunning)
	}
	if err := l.set(on); err != nil {
		return fmt.Errorf("switch %q: %w", output, err)
	}
	return nil
}
