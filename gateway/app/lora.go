package app

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"

	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/lora/rak"
	"sentrybox/drivers/port"
	"sentrybox/gateway/profile"
)

const (
	ebyteBaud = 9600
	rakBaud   = 115200
)

// devices says who is heard by a LoRa module.
func (r *reach) devices() (lora.Devices, error) {
	who := lora.Devices{Counters: r.counters, Keys: map[uint32][]byte{}}
	for _, s := range r.sensors {
		if s.Model().LoRa.Frame == "raw" {
			who.Framing = lora.Raw
			continue
		}
		key, err := hex.DecodeString(strings.TrimSpace(s.Key.Reveal()))
		if err != nil {
			return who, fmt.Errorf("sensor %s: its key is hexadecimal digits", s.ID)
		}
		who.Keys[uint32(s.Number)] = key // the config has been checked
	}
	return who, nil
}

// radio is what the bus says of the radio, or else its first sensor's profile.
func (r *reach) radio() profile.LoRa {
	var l profile.LoRa
	if all := r.models(); len(all) > 0 {
		l = *all[0].LoRa
	}
	b := r.bus
	l.Channel, l.NetID, l.AirRate = cmp.Or(b.Channel, l.Channel), cmp.Or(b.NetID, l.NetID), cmp.Or(b.AirRate, l.AirRate)
	l.Frequency = cmp.Or(b.Frequency, l.Frequency)
	return l
}

// ebyte is an E22 or E32.
func (r *reach) ebyte(kind string) (any, error) {
	who, err := r.devices()
	if err != nil {
		return nil, err
	}
	line, l := r.line(), r.radio()
	line.Baud = cmp.Or(line.Baud, ebyteBaud)
	c := ebyte.Config{Devices: who, Log: r.log, ModeCommand: byte(r.bus.ModeCommand)} // the config has been checked
	if c.Open, err = r.open(line); err != nil {
		return nil, err
	}
	setup := line
	setup.Baud, setup.Parity, setup.DataBits, setup.StopBits = ebyteBaud, port.NoParity, 8, 1
	if c.OpenConfig, err = r.open(setup); err != nil {
		return nil, err
	}
	if l.RSSI != "" {
		c.RSSI = l.Strength
	}
	if p := r.bus.ModePins; p != nil {
		if c.Switch, err = ebyte.NewPins(p.Chip, p.M0, p.M1); err != nil {
			return nil, err
		}
	}
	unset := len(r.models()) == 0 && r.bus.Channel == 0 && r.bus.AirRate == 0 // nobody says yet how the radio is
	if unset || !r.bus.Configure && c.ModeCommand == 0 && c.Switch == nil {
		c.ModeCommand, c.Switch = 0, nil
		return c, nil
	}
	speech := ebyte.Line{Baud: line.Baud, Parity: string(line.Parity)}
	if kind == "e22" {
		c.Module = ebyte.E22{
			Address: uint16(l.Address), NetID: byte(l.NetID), Line: speech, AirRate: l.AirRate, Channel: l.Channel, RSSI: c.RSSI != nil, // they have been checked
		}
	} else {
		c.Module, c.RSSI = ebyte.E32{Address: uint16(l.Address), Line: speech, AirRate: l.AirRate, Channel: l.Channel}, nil // the same
	}
	return c, nil
}

// rak is a RAK3172.
func (r *reach) rak() (any, error) {
	who, err := r.devices()
	if err != nil {
		return nil, err
	}
	line, l := r.line(), r.radio()
	line.Baud = cmp.Or(line.Baud, rakBaud)
	open, err := r.open(line)
	if err != nil {
		return nil, err
	}
	return rak.Config{Open: open, Devices: who, Log: r.log, Radio: rak.Radio{
		Frequency: l.Frequency, Spreading: l.Spreading, Bandwidth: l.Bandwidth, Coding: l.Coding, Preamble: l.Preamble,
	}}, nil
}
