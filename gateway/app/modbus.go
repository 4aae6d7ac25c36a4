package app

import (
	"strings"
	"time"

	"sentrybox/drivers/modbus"
	"sentrybox/gateway/config"
	"sentrybox/gateway/profile"
)

// modbus is a bus of Modbus units.
func (r *reach) modbus() (any, error) {
	line := r.line()
	open, err := r.open(line)
	if err != nil {
		return nil, err
	}
	c := modbus.Config{Open: open, CharTime: line.CharTime(), Framing: modbus.RTU}
	if strings.HasPrefix(r.bus.Modbus, "tcp://") {
		c.Framing, c.CharTime = modbus.TCP, 0
	}
	var units []*modbus.Unit
	unit := func(address int, p *profile.Profile) *modbus.Unit {
		for _, u := range units {
			if int(u.Address) == address {
				return u
			}
		}
		u := &modbus.Unit{Address: byte(address)} // the config has been checked
		if p != nil {
			u.Quirks.Timeout, u.Quirks.Delay = time.Duration(p.Modbus.Timeout), time.Duration(p.Modbus.Pause)
		}
		units = append(units, u)
		return u
	}
	for _, s := range r.sensors {
		addSections(unit(s.Unit, s.Model()), s)
	}
	for _, o := range r.outputs {
		addCoil(unit(o.Unit, o.Model()), o)
	}
	for _, u := range units {
		c.Units = append(c.Units, *u)
	}
	return c, nil
}

// addSections adds what a sensor's profile reads. What two sensors of a unit read by the same
// name is read once.
func addSections(u *modbus.Unit, s *config.Sensor) {
	for _, q := range s.Model().Modbus.Reads {
		x := modbus.Section{Name: q.Name, Table: modbus.TableOf(q.Function), Start: uint16(q.Register), Count: uint16(q.Count), Every: time.Duration(q.Every)} // the profile has been checked
		if s.Every != 0 {
			x.Every = time.Duration(s.Every)
		}
		known := false
		for _, have := range u.Sections {
			known = known || have.Name == x.Name
		}
		if !known {
			u.Sections = append(u.Sections, x)
		}
	}
}

// addCoil adds an output, which is read back after it was written.
func addCoil(u *modbus.Unit, o *config.Output) {
	x := modbus.Output{Name: o.ID, Table: modbus.Coils, Verify: true}
	if o.Coil != nil {
		x.Address = uint16(*o.Coil) // the config has been checked
	}
	if s := o.Switched(); s != nil {
		switch {
		case s.Coil != nil:
			x.Address = uint16(*s.Coil) // the profile has been checked
		case s.Register != nil:
			x.Table, x.Address = modbus.Holding, uint16(*s.Register) // the profile has been checked
			x.On, x.Off = uint16(s.On.Number), uint16(s.Off.Number)  // the same
		}
	}
	u.Outputs = append(u.Outputs, x)
}
