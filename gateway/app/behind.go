package app

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"sentrybox/drivers/chirpstack"
	"sentrybox/drivers/gpio"
	"sentrybox/drivers/mqttsensor"
	"sentrybox/drivers/subscribe"
	"sentrybox/gateway/config"
	"sentrybox/uplink/mqtt"
)

// broker is the one that a bus subscribes at. What is published there while the gateway is
// down waits for it.
func (r *reach) broker(address config.URL) (subscribe.Broker, error) {
	b := subscribe.Broker{Username: r.bus.Username, Password: r.bus.Password.Reveal(), ClientID: r.client, Log: r.log}
	return completeBroker(b, address, r.bus.CA)
}

// completeBroker adds the address, with what it has of user and password, and the certificates.
func completeBroker(b subscribe.Broker, address config.URL, ca string) (subscribe.Broker, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return b, err
	}
	if u.User != nil {
		b.Username = u.User.Username()
		b.Password, _ = u.User.Password()
		u.User = nil
	}
	b.URL = u.String()
	if ca != "" {
		if b.TLS, err = mqtt.LoadTLS(ca, "", "", ""); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (r *reach) chirpstack() (any, error) {
	b, err := r.broker(r.bus.ChirpStack)
	if err != nil {
		return nil, err
	}
	return chirpstack.Config{Broker: b, Applications: r.bus.Applications, Log: r.log}, nil
}

// mqtt is sensors at a broker that is not the gateway's.
func (r *reach) mqtt() (any, error) {
	b, err := r.broker(r.bus.MQTT)
	if err != nil {
		return nil, err
	}
	c := mqttsensor.Config{Broker: b, Log: r.log}
	for _, s := range r.sensors {
		one := mqttsensor.Sensor{Device: address(s)}
		for _, t := range s.Model().MQTT.Topics {
			one.Topics = append(one.Topics, strings.ReplaceAll(t, "{id}", s.Topic))
		}
		c.Sensors = append(c.Sensors, one)
	}
	return c, nil
}

// gpio is the board's pins.
func (r *reach) gpio() (any, error) {
	c := gpio.Config{Chip: r.bus.GPIO}
	for _, s := range r.sensors {
		p := s.Model().GPIO
		c.Inputs = append(c.Inputs, gpio.Input{
			Pin:  gpio.Pin{Name: address(s), Line: s.Pin, ActiveLow: p.ActiveLow},
			Bias: gpio.Bias(cmp.Or(p.Pull, string(gpio.NoBias))), Debounce: time.Duration(p.Debounce),
		})
	}
	for _, o := range r.outputs {
		c.Outputs = append(c.Outputs, gpio.Output{Pin: gpio.Pin{Name: o.ID, Line: o.Pin, ActiveLow: o.ActiveLow}})
	}
	return c, nil
}
