package app

import (
	"bytes"
	"context"
	"errors"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
	"sentrybox/gateway/device"
	"sentrybox/gateway/radio"
	"sentrybox/gateway/web"
)

// Estate is for web.Field.
func (s site) Estate() web.Estate {
	st := web.Estate{At: time.Now(), Armed: s.hub.Armed()}
	counts := s.hub.BusCounts()
	for _, d := range s.hub.States() {
		v := web.DeviceState{
			Device: web.Device{ID: d.ID, Name: d.Name, Type: d.Type, Phase: string(d.Phase), Since: d.Since, Reason: d.Reason},
			Heard:  d.Heard, Readings: d.Values, Stale: d.Stale, RSSI: d.RSSI, SNR: d.SNR,
		}
		if e := d.Event; e != nil {
			v.Event = &web.EventState{Quantity: e.Quantity, Number: e.Value, Text: e.Text, At: e.At}
		}
		if c, is := counts[d.ID]; is && d.Type == "bus" {
			v.Messages, v.Rejected, v.Noise, v.Timeouts = c.Messages, c.Rejected, c.Noise, c.Timeouts
			for address, x := range s.hub.Strangers(d.ID) {
				v.Strangers = append(v.Strangers, web.Stranger{Address: address, Heard: x.Heard, Count: x.Count, Payload: payload(x.Message)})
			}
		}
		st.Devices = append(st.Devices, v)
	}
	return st
}

func payload(m driver.Message) web.Payload {
	return web.Payload{Section: m.Section, Port: m.Port, Data: m.Data, Values: m.Values, RSSI: m.RSSI, SNR: m.SNR}
}

// Look is for web.Field.
func (s site) Look(hear func(web.Heard)) (stop func()) {
	return s.hub.Look(func(h device.Heard) {
		out := web.Heard{At: h.At, Bus: h.Bus, Wire: bytes.Clone(h.Wire), Sent: h.Sent}
		if h.Wire == nil {
			out.Address, out.Payload = h.Message.Device, payload(h.Message)
		}
		for _, r := range h.Read {
			one := web.ReadState{Sensor: r.Sensor, Err: r.Err}
			for _, v := range r.Values {
				one.Values = append(one.Values, web.ValueState(v))
			}
			out.Read = append(out.Read, one)
		}
		hear(out)
	})
}

// Switch is for web.Field.
func (s site) Switch(ctx context.Context, output string, on bool, span time.Duration, who string) error {
	return known(s.hub.Switch(ctx, output, on, span, "tried by "+who))
}

// Arm is for web.Field.
func (s site) Arm(ctx context.Context, area string, on bool) error {
	err := known(s.hub.Arm(ctx, area, on))
	if err == nil {
		s.postGateway()
	}
	return err
}

func known(err error) error {
	if errors.Is(err, device.ErrUnknown) {
		return web.ErrNoDevice
	}
	return err
}

// Radios is for web.Waves.
func (s site) Radios() ([]radio.State, []radio.Entry) { return s.radios.States(), s.radios.Recent() }

// Ports is for web.Field.
func (s site) Ports() []string { return withBoard(port.List("/"), "/", thisBoard("/", s.Log)) }
