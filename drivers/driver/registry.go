package driver

import (
	"fmt"
	"maps"
	"slices"
)

// Registry maps a driver's name to what makes one of its configuration. It is
// a value: sentrybox/drivers/all lists the drivers of the product.
type Registry map[string]Maker

// Maker makes a driver of its package's Config, given as a value.
type Maker func(config any) (Driver, error)

// Make turns a package's New into a Maker.
func Make[C any, D Driver](build func(C) (D, error)) Maker {
	return func(config any) (Driver, error) {
		c, ok := config.(C)
		if !ok {
			return nil, Permanent(fmt.Errorf("configuration is a %T, want a %T", config, *new(C)))
		}
		d, err := build(c)
		if err != nil {
			return nil, Permanent(err)
		}
		return d, nil
	}
}

// New makes the named driver.
func (r Registry) New(name string, config any) (Driver, error) {
	mk, ok := r[name]
	if !ok {
		return nil, Permanent(fmt.Errorf("no driver %q, only %v", name, r.Names()))
	}
	d, err := mk(config)
	if err != nil {
		return nil, fmt.Errorf("driver %s: %w", name, err)
	}
	return d, nil
}

// Names returns the drivers' names in order.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
