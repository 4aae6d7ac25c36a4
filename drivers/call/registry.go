package call

import (
	"fmt"
	"maps"
	"slices"

	"sentrybox/drivers/driver"
)

// Registry maps a source's name to what makes one of its configuration. It is a value:
// sentrybox/drivers/all lists the sources of the product.
type Registry map[string]Maker

// Maker makes a source of its package's Config, given as a value.
type Maker func(config any) (Source, error)

// Make turns a package's New into a Maker.
func Make[C any, S Source](build func(C) (S, error)) Maker {
	return func(config any) (Source, error) {
		c, ok := config.(C)
		if !ok {
			return nil, driver.Permanent(fmt.Errorf("configuration is a %T, want a %T", config, *new(C)))
		}
		s, err := build(c)
		if err != nil {
			return nil, driver.Permanent(err)
		}
		return s, nil
	}
}

// New makes the named source.
func (r Registry) New(name string, config any) (Source, error) {
	mk, ok := r[name]
	if !ok {
		return nil, driver.Permanent(fmt.Errorf("no source %q, only %v", name, r.Names()))
	}
	s, err := mk(config)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", name, err)
	}
	return s, nil
}

// Names returns the sources' names in order.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
