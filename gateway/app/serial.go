package app

import (
	"time"

	"sentrybox/drivers/uart"
	"sentrybox/gateway/config"
)

// idleGap ends what comes at once on a line of which nobody knows the framing yet.
const idleGap = 50 * time.Millisecond

// serial is a line with a protocol of its own: one profile's.
func (r *reach) serial() (any, error) {
	open, err := r.open(r.line())
	if err != nil {
		return nil, err
	}
	if len(r.models()) == 0 { // it is listened to, by who sets it up
		return uart.Config{Open: open, Framing: uart.Framing{Gap: idleGap}, Listen: true}, nil
	}
	p := r.models()[0]
	c := uart.Config{Open: open, Framing: p.Serial.Framing(), Listen: true}
	for _, q := range p.Serial.Polls {
		c.Polls = append(c.Polls, uart.Poll{
			Section: q.Name, Request: q.Send, Match: q.Answer, Every: r.every(q.Every), Timeout: time.Duration(q.Timeout),
		})
	}
	for _, o := range r.outputs {
		on, off := o.Switched().Sent()
		c.Outputs = append(c.Outputs, uart.Output{Name: o.ID, On: on, Off: off})
	}
	return c, nil
}

// every returns how often something is asked: as a sensor says, or as its profile does.
func (r *reach) every(d config.Duration) time.Duration {
	for _, s := range r.sensors {
		if s.Every != 0 {
			return time.Duration(s.Every)
		}
	}
	return time.Duration(d)
}
