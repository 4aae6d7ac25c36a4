package ebyte

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/port"
)

const (
	// byteGap is longer than it takes between two bytes of a packet, also by USB.
	byteGap = 50 * time.Millisecond
	// verifyAgain is how long a module that did not answer is listened to in vain
	// before it is asked once more.
	verifyAgain = 10 * time.Minute
)

// Driver reads one module. It is a driver.Sender.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg    Config
	intake *lora.Intake

	mu   sync.Mutex
	line port.Port // guarded by mu; nil while it is not open

	// Of Run alone.
	asked    bool // the module, which is set by hand
	verified bool
	emit     func(driver.Message)
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg}
	if d.intake, err = lora.NewIntake(cfg.Devices, &d.Tracker, cfg.Log); err != nil {
		return nil, err
	}
	return d, nil
}

// Run reads the module until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	d.emit, d.asked = emit, false
	var wg sync.WaitGroup
	// What is under way when ctx ends still needs its pins.
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { d.intake.Run(keeping) })
	if h, is := d.cfg.Switch.(holder); is {
		wg.Go(func() { h.Hold(keeping) })
	}
	err = port.Keep(ctx, d.open, &d.Tracker, d.listen)
	cancel()
	wg.Wait()
	return d.Ended(err)
}

// open configures the module and opens its line.
func (d *Driver) open(ctx context.Context) (port.Port, error) {
	if d.cfg.Module != nil && (!d.byHand() || !d.asked) {
		var err error
		if d.verified, err = d.configure(ctx); err != nil {
			return nil, err
		}
		d.asked = true
	}
	return d.cfg.Open(ctx)
}

// listen reads an open line.
func (d *Driver) listen(ctx context.Context, p port.Port) error {
	d.mu.Lock()
	d.line = p
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.line = nil
		d.mu.Unlock()
	}()
	var until time.Time // for which nothing is heard
	if d.cfg.Module != nil {
		switch {
		case d.verified && d.byHand():
			d.Enter(driver.Silent, "the module is configured: set its switches M0 and M1 to 0")
		case d.verified:
			d.Enter(driver.Silent, "the module is configured, nothing heard yet")
		case d.byHand():
			d.Enter(driver.Silent, "nothing heard yet; the module was not checked, as it is not in its mode for that")
		default:
			until = time.Now().Add(verifyAgain)
			d.Enter(driver.Silent, "nothing heard yet; the module does not answer in its mode for configuring")
		}
	}
	if d.cfg.Devices.Framing == lora.Raw {
		return d.readRaw(ctx, p)
	}
	return d.readSealed(ctx, p, until)
}

func (d *Driver) readSealed(ctx context.Context, p port.Port, until time.Time) error {
	frames := &lora.Deframer{RSSI: d.cfg.RSSI != nil, Frame: func(frame []byte, rssi byte) {
		d.frame(frame, rssi)
		until = time.Time{}
	}}
	var noise uint64
	buf := make([]byte, 4096)
	for ctx.Err() == nil {
		deadline := until
		if frames.Waiting() {
			deadline = time.Now().Add(byteGap)
		}
		if err := p.SetReadDeadline(deadline); err != nil {
			return err
		}
		n, err := p.Read(buf)
		frames.Write(buf[:n])
		if lost := frames.Noise(); lost != noise {
			d.Count(func(c *driver.Counts) { c.Noise += lost - noise })
			noise = lost
		}
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case frames.Waiting():
			frames.Idle()
		case !until.IsZero() && time.Now().After(until):
			return fmt.Errorf("%w: to check the module again", port.ErrReopen)
		}
	}
	return nil
}

// frame takes one frame.
func (d *Driver) frame(b []byte, rssi byte) {
	if rssi == 0 { // no byte, or one that no signal makes
		d.intake.Take(b, nil, nil, d.emit)
		return
	}
	d.intake.Take(b, d.signal(rssi), nil, d.emit)
}

func (d *Driver) signal(b byte) *float64 {
	if d.cfg.RSSI == nil {
		return nil
	}
	v := d.cfg.RSSI(b)
	return &v
}

func (d *Driver) readRaw(ctx context.Context, p port.Port) error {
	var packet []byte
	buf := make([]byte, 4096)
	for ctx.Err() == nil {
		var deadline time.Time
		if len(packet) > 0 {
			deadline = time.Now().Add(d.cfg.Gap)
		}
		if err := p.SetReadDeadline(deadline); err != nil {
			return err
		}
		n, err := p.Read(buf)
		packet = append(packet, buf[:n]...)
		if len(packet) > len(buf) {
			d.Count(func(c *driver.Counts) { c.Noise += uint64(len(packet)) })
			packet = nil
		}
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case len(packet) > 0:
			d.raw(packet)
			packet = packet[:0]
		}
	}
	return nil
}

func (d *Driver) raw(packet []byte) {
	var rssi *float64
	if n := len(packet) - 1; d.cfg.RSSI != nil {
		rssi = d.signal(packet[n])
		packet = packet[:n]
	}
	if len(packet) == 0 {
		d.Count(func(c *driver.Counts) { c.Noise++ })
		return
	}
	d.intake.Take(packet, rssi, nil, d.emit)
}

// Send gives m.Data to the module as it is, which sends it to everybody on its
// channel.
func (d *Driver) Send(_ context.Context, m driver.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return driver.ErrNotRunning
	}
	if len(m.Data) > lora.MaxLine {
		return fmt.Errorf("a packet of %d bytes, at most %d", len(m.Data), lora.MaxLine)
	}
	return write(d.line, m.Data)
}
