package config

// Rest returns a copy without cameras, buses, sensors, outputs and their rules, which compares
// with another: those change while everything else runs on.
func (c *Config) Rest() Config {
	p := *c
	p.Cameras, p.Profiles, p.Buses, p.Sensors, p.Outputs, p.Rules = nil, "", nil, nil, nil, nil
	return p
}

// Wiring returns what the driver of the bus is made of, which compares with another.
func (b Bus) Wiring() Bus {
	b.Name = ""
	return b
}

// Wiring returns what the driver of the sensor's bus is made of besides its profile, which
// compares with another.
func (s Sensor) Wiring() Sensor {
	s.Name, s.Grid, s.Heartbeat, s.Parameters, s.Alerts, s.profile = "", "", 0, nil, nil, nil
	return s
}

// Wiring is that of an output.
func (o Output) Wiring() Output {
	o.Name, o.Grid, o.MaxOn, o.profile = "", "", 0, nil
	return o
}
