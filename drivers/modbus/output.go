package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sentrybox/drivers/driver"
)

// errNotSet is an output that reads back otherwise than it was written.
var errNotSet = errors.New("confirmed, and not done")

// writeTries is how often an output is written before that is given up.
const writeTries = 3

// set writes an output.
func (b *bus) set(key outputKey, on bool) error {
	u, o := b.unit(key.unit), b.d.outputs[key]
	r := request{unit: key.unit, table: o.Table, start: o.Address, write: []uint16{o.value(on)}, many: o.Multiple}
	if o.Table == Coils {
		r.write[0] = 0
		if on {
			r.write[0] = 1
		}
	}
	var err error
	for range writeTries {
		b.pause(u)
		var pdu []byte
		if pdu, err = b.exchange(u, r); err == nil {
			_, err = r.parse(pdu)
		}
		if err == nil && o.Verify {
			err = b.verify(u, r)
		}
		if err == nil || fatal(err) != nil {
			break
		}
		b.doubt(u, err)
	}
	if err == nil {
		return nil
	}
	b.unsure[key.unit] = true
	return fmt.Errorf("%v: %w", r, err)
}

func (b *bus) unit(address byte) Unit {
	for _, u := range b.d.config.Units {
		if u.Address == address {
			return u
		}
	}
	return Unit{Address: address}
}

// verify reads back what was written.
func (b *bus) verify(u Unit, r request) error {
	data, err := b.ask(u, request{unit: r.unit, table: r.table, start: r.start, count: 1})
	if err != nil {
		return err
	}
	got := uint16(data[0] & 1)
	if r.table == Holding {
		got = binary.BigEndian.Uint16(data)
	}
	if got != r.write[0] {
		return fmt.Errorf("%w: it is %d", errNotSet, got)
	}
	return nil
}

// assert has the outputs of a unit that answers be as they are wanted, if that is not sure: when Run
// begins, and when the unit or the line was away.
func (b *bus) assert(u Unit) error {
	if !b.unsure[u.Address] {
		return nil
	}
	delete(b.unsure, u.Address)
	for _, o := range u.Outputs {
		key := outputKey{u.Address, o.Name}
		if err := fatal(b.set(key, b.d.wanted(key))); err != nil {
			return err
		}
	}
	return nil
}

// rest switches off what is on, when Run ends.
func (b *bus) rest() {
	b.d.mu.Lock()
	on := b.d.on
	b.d.on = map[outputKey]bool{}
	b.d.mu.Unlock()
	for key, is := range on {
		if !is {
			continue
		}
		if err := b.set(key, false); err != nil {
			b.d.Device(name(Unit{Address: key.unit}), driver.Failed, fmt.Sprintf("output %q was left on: %v", key.output, err))
		}
	}
}
