package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/all"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/port"
	"sentrybox/drivers/replay"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/profile"
)

// reach is a bus with what is reached by it.
type reach struct {
	bus      *config.Bus
	sensors  []*config.Sensor
	outputs  []*config.Output
	counters replay.Store // over restarts
	client   string       // by which brokers know the gateway on this bus
	log      *slog.Logger
	wire     func(sent bool, b []byte) // sees the bytes of the line
}

// open returns what opens a line, whose bytes can be seen.
func (r *reach) open(line port.Config) (port.Open, error) {
	open, err := port.New(line)
	if err != nil || r.wire == nil {
		return open, err
	}
	return func(ctx context.Context) (port.Port, error) {
		p, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return seen{p, r.wire}, nil
	}, nil
}

// seen is a line whose bytes are seen.
type seen struct {
	port.Port
	wire func(sent bool, b []byte)
}

// Read is port.Port's.
func (s seen) Read(b []byte) (int, error) {
	n, err := s.Port.Read(b)
	if n > 0 {
		s.wire(false, b[:n])
	}
	return n, err
}

// Write is port.Port's.
func (s seen) Write(b []byte) (int, error) {
	s.wire(true, b)
	return s.Port.Write(b)
}

// ReadReady returns what has arrived already, for port.Discard.
func (s seen) ReadReady(b []byte) (int, error) {
	ready, ok := s.Port.(interface{ ReadReady(b []byte) (int, error) })
	if !ok {
		return 0, nil
	}
	n, err := ready.ReadReady(b)
	if n > 0 {
		s.wire(false, b[:n])
	}
	return n, err
}

// plan is all that the driver of a bus is made of.
type plan struct {
	Bus      config.Bus
	Sensors  []config.Sensor
	Outputs  []config.Output
	Versions []string // of the profiles of both
	Client   string
	Counters string // the file of them
}

// newBuses says how the drivers of a configuration are made.
func (a *App) newBuses(cfg *config.Config) []device.Bus {
	var buses []device.Bus
	e := a.estate
	for i := range cfg.Buses {
		b := &cfg.Buses[i]
		r := reach{
			bus: b, client: clientID(a.prefix() + "/" + b.ID), log: a.Log.With("bus", b.ID),
			wire: func(sent bool, bytes []byte) { e.hub.Wire(b.ID, sent, bytes) },
		}
		p := plan{Bus: b.Wiring(), Client: r.client, Counters: filepath.Join(cfg.Data, "counters-"+hex.EncodeToString([]byte(b.ID)))}
		for j := range cfg.Sensors {
			if s := &cfg.Sensors[j]; s.Bus == b.ID {
				r.sensors, p.Sensors = append(r.sensors, s), append(p.Sensors, s.Wiring())
			}
		}
		for j := range cfg.Outputs {
			if o := &cfg.Outputs[j]; o.Bus == b.ID {
				r.outputs, p.Outputs = append(r.outputs, o), append(p.Outputs, o.Wiring())
			}
		}
		for _, m := range r.models() {
			p.Versions = append(p.Versions, m.Version())
		}
		if !r.useful() {
			a.Log.Warn("nothing is reached by a bus, so it is left alone", "bus", b.ID)
			continue
		}
		buses = append(buses, device.Bus{ID: b.ID, Name: b.Name, Plan: p, Make: func() driver.Driver { return r.make(p.Counters) }})
	}
	return buses
}

// useful says whether there is something to hear: also whom nobody knows yet, where senders
// speak by themselves.
func (r *reach) useful() bool {
	if len(r.sensors) > 0 || len(r.outputs) > 0 {
		return true
	}
	switch r.bus.Kind() {
	case "serial", "e22", "e32", "rak3172", "lorawan", "chirpstack":
		return true
	}
	return false
}

// make makes the driver. Where that fails the others go on, and the duty room is told.
func (r *reach) make(counters string) driver.Driver {
	file, err := replay.OpenFile(counters)
	if err != nil {
		return &broken{err: err}
	}
	r.counters = file
	d, err := r.driver(all.Drivers())
	if err != nil {
		return &broken{err: err}
	}
	return d
}

// broken is a bus whose driver cannot be made.
type broken struct {
	driver.Tracker
	driver.Life
	err error
}

// Run says why.
func (b *broken) Run(ctx context.Context, _ func(driver.Message)) error {
	_, end, err := b.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return b.Ended(driver.Permanent(b.err))
}

// driver makes the driver of the bus.
func (r *reach) driver(drivers driver.Registry) (driver.Driver, error) {
	c, err := r.config()
	if err != nil {
		return nil, err
	}
	return drivers.New(r.bus.Kind(), c)
}

// config is what the driver of the bus takes.
func (r *reach) config() (any, error) {
	switch kind := r.bus.Kind(); kind {
	case "modbus":
		return r.modbus()
	case "serial":
		return r.serial()
	case "e22", "e32":
		return r.ebyte(kind)
	case "rak3172":
		return r.rak()
	case "lorawan":
		return r.lorawan()
	case "chirpstack":
		return r.chirpstack()
	case "mqtt":
		return r.mqtt()
	case "gpio":
		return r.gpio()
	default:
		return nil, fmt.Errorf("no driver for %s", kind)
	}
}

// line returns the serial line: as the bus says, and otherwise as its first device's
// profile does.
func (r *reach) line() port.Config {
	b, line := r.bus, profile.Line{}
	if all := r.models(); len(all) > 0 {
		switch p := all[0]; {
		case p.Modbus != nil:
			line = p.Modbus.Line
		case p.Serial != nil:
			line = p.Serial.Line
		}
	}
	c := port.Config{
		Address: strings.Replace(b.Where(), "tcp+rtu://", "tcp://", 1),
		Baud:    cmp.Or(b.Baud, line.Baud), DataBits: cmp.Or(b.DataBits, line.DataBits),
		Parity: port.Parity(cmp.Or(b.Parity, line.Parity)), StopBits: cmp.Or(b.StopBits, line.StopBits),
	}
	if x := b.RS485; x.Kernel {
		c.RS485 = &port.RS485{RTSLow: x.RTSLow, Before: time.Duration(x.Before), After: time.Duration(x.After)}
	}
	return c
}

// models returns the profiles of what is reached.
func (r *reach) models() []*profile.Profile {
	var all []*profile.Profile
	for _, s := range r.sensors {
		all = append(all, s.Model())
	}
	for _, o := range r.outputs {
		if p := o.Model(); p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (r *reach) lorawan() (any, error) {
	c := lorawan.Config{
		Listen: r.bus.LoRaWAN, Gateways: r.bus.Gateways, Answer: lorawan.Plan(r.bus.Answer), Counters: r.counters, Log: r.log,
	}
	for _, s := range r.sensors {
		d := lorawan.Device{ID: address(s), AllowReset: s.AllowReset}
		addr, err := strconv.ParseUint(s.DevAddr, 16, 32)
		if err != nil {
			return nil, fmt.Errorf("sensor %s: dev_addr: %w", s.ID, err)
		}
		d.Addr = lorawan.DevAddr(addr)
		for key, secret := range map[*lorawan.Key]config.Secret{&d.NwkSKey: s.NwkSKey, &d.AppSKey: s.AppSKey} {
			b, err := hex.DecodeString(strings.TrimSpace(secret.Reveal()))
			if err != nil || len(b) != len(key) {
				return nil, fmt.Errorf("sensor %s: its keys are 32 hexadecimal digits", s.ID)
			}
			copy(key[:], b)
		}
		c.Devices = append(c.Devices, d)
	}
	return c, nil
}

// newOutput makes an output of its configuration.
func newOutput(c *config.Output) device.Output {
	o := device.Output{
		ID: c.ID, Name: c.Name, Grid: c.Grid, Bus: c.Bus, Output: c.ID, MaxOn: time.Duration(c.MaxOn),
	}
	if c.Unit != 0 {
		o.Device = strconv.Itoa(c.Unit)
	}
	if s := c.Switched(); s != nil {
		o.Repeat = time.Duration(s.Repeat)
	}
	return o
}
