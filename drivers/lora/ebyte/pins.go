package ebyte

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/gpio"
)

// Names of the outputs.
const (
	pinM0 = "M0"
	pinM1 = "M1"
)

// pinsIn is how long the lines may take to be had.
const pinsIn = 5 * time.Second

// outputs is what of a gpio.Driver is needed.
type outputs interface {
	Run(ctx context.Context, emit func(driver.Message)) error
	Switch(ctx context.Context, device, output string, on bool) error
}

// Pins is a Switch by lines of the board. They are held as long as the driver runs: a
// module whose pins nobody drives is asleep, or is being configured, as it pulls
// them up.
type Pins struct {
	lines outputs

	mu  sync.Mutex
	err error // guarded by mu: why Run has ended
}

// NewPins returns the pins at lines of a chip, both named as in package gpio.
func NewPins(chip, m0, m1 string) (*Pins, error) {
	d, err := gpio.New(gpio.Config{Chip: chip, Outputs: []gpio.Output{{Pin: gpio.Pin{Name: pinM0, Line: m0}}, {Pin: gpio.Pin{Name: pinM1, Line: m1}}}})
	if err != nil {
		return nil, err
	}
	return &Pins{lines: d}, nil
}

// Hold has the lines until ctx ends, both low at first.
func (p *Pins) Hold(ctx context.Context) {
	p.ended(nil)
	if err := p.lines.Run(ctx, func(driver.Message) {}); err != nil {
		p.ended(fmt.Errorf("mode pins: %w", err))
	}
}

func (p *Pins) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// Set sets M0 and M1, when the lines are there.
func (p *Pins) Set(ctx context.Context, m0, m1 bool) error {
	for begun := time.Now(); ; {
		err := p.lines.Switch(ctx, "", pinM0, m0)
		if err == nil {
			err = p.lines.Switch(ctx, "", pinM1, m1)
		}
		p.mu.Lock()
		ended := p.err
		p.mu.Unlock()
		switch {
		case ended != nil:
			return ended
		case !errors.Is(err, driver.ErrNotRunning) || time.Since(begun) > pinsIn:
			return err
		}
		if err := pause(ctx, settle/5); err != nil {
			return err
		}
	}
}
