package all_test

import (
	"errors"
	"testing"

	"sentrybox/drivers/all"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/gpio"
	"sentrybox/drivers/modbus"
)

func TestDrivers(t *testing.T) {
	r := all.Drivers()
	d, err := r.New("gpio", gpio.Config{Chip: "gpiochip0", Inputs: []gpio.Input{{Pin: gpio.Pin{Name: "door", Line: "1"}}}})
	if err != nil || d.State().Phase != driver.Loaded {
		t.Errorf("%+v, %v", d, err)
	}
	// Nothing passes for the configuration of another, or for a whole one.
	for _, name := range r.Names() {
		for _, config := range []any{nil, 7, modbus.Config{}} {
			if d, err := r.New(name, config); !errors.Is(err, driver.ErrPermanent) || d != nil {
				t.Errorf("%s of a %T: %v, %v", name, config, d, err)
			}
		}
	}
}
