// Package mmdvm hears what MMDVMHost publishes of a DMR hotspot at an MQTT broker, on <name>/json:
// who calls whom, and the control blocks by their names. It is the second way to a hotspot: package homebrew
// hears more, such as positions, and the emergency option of a call, which MMDVMHost does not publish.
//
// Only what came in by radio counts. What came by the network of a hotspot is somebody else's. A hotspot that
// is away is not told from one that nobody speaks to: MMDVMHost publishes nothing while nothing happens. That the
// broker is away is.
package mmdvm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
)

const (
	// lostAfter is how long a call may go on without an end; a transmitter's own limit is 180 s.
	lostAfter = 4 * time.Minute
	waiting   = 100 // messages that Take holds
)

// Config says where MMDVMHost publishes.
type Config struct {
	// Broker is the broker; nil if messages come by Take.
	Broker *subscribe.Broker
	// Name is MMDVMHost's own, before /json.
	Name string
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Source hears one hotspot.
type Source struct {
	driver.Tracker
	driver.Life
	cfg    Config
	client *subscribe.Client // nil without a Broker
	taken  chan []byte
	calls  int // named so far

	slots [3]*voice // by slot; of Run alone
}

// voice is a call that goes on.
type voice struct {
	event call.Event // its Begin
	alias string
	since time.Time
	heard bool // by radio
}

// New checks the configuration.
func New(c Config) (*Source, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{cfg: c, taken: make(chan []byte, waiting)}
	if c.Broker == nil {
		return s, nil
	}
	if c.Name == "" || strings.ContainsAny(c.Name, "+#\x00") {
		return nil, errors.New("the name is a topic, without + and #")
	}
	b := *c.Broker
	if b.Log == nil {
		b.Log = c.Log
	}
	var err error
	s.client, err = subscribe.New(b, []string{c.Name + "/json"}, &s.Tracker)
	return s, err
}

// Take takes a payload of a broker of the caller's own. It does not wait.
func (s *Source) Take(payload []byte) {
	select {
	case s.taken <- append([]byte(nil), payload...):
	default:
		s.Count(func(c *driver.Counts) { c.Discarded++ })
	}
}

// Run hears the hotspot until ctx ends.
func (s *Source) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	defer func() { s.slots = [3]*voice{} }()
	if s.client != nil {
		return s.Ended(s.client.Run(ctx, func(m subscribe.Message) {
			if m.Retained { // nobody knows when it was
				s.reject()
				return
			}
			s.take(m.Payload, time.Now(), emit)
		}))
	}
	s.Opened()
	for {
		select {
		case <-ctx.Done():
			return s.Ended(nil)
		case p := <-s.taken:
			s.take(p, time.Now(), emit)
		}
	}
}

func (s *Source) reject() { s.Count(func(c *driver.Counts) { c.Rejected++ }) }

// station is the only one.
const station = "hotspot"

func (s *Source) take(payload []byte, now time.Time, emit func(call.Event)) {
	m, ours, err := parse(payload)
	if err != nil {
		s.reject()
		return
	}
	out := func(e call.Event) {
		e.Station, e.At = station, now
		emit(e)
	}
	for slot, v := range s.slots {
		if v != nil && now.Sub(v.since) >= lostAfter {
			s.end(slot, true, out)
		}
	}
	if ours {
		s.act(&m, now, out)
	}
	s.Heard(station)
}

// act makes events of a message.
func (s *Source) act(m *message, now time.Time, out func(call.Event)) {
	rf := m.Source == "rf"
	switch m.Action {
	case "start", "late_entry":
		s.end(m.Slot, true, out)
		if m.Src != 0 && m.Frames == nil {
			s.begin(m, rf, now, out)
		}
	case "end":
		s.end(m.Slot, false, out)
	case "lost", "timeout":
		s.end(m.Slot, true, out)
	case "alias":
		if m.Slot < 1 || m.Slot > 2 {
			return
		}
		if v := s.slots[m.Slot]; v != nil && v.heard && v.alias != m.alias {
			v.alias = m.alias
			e := v.event
			e.Kind, e.Text, e.RSSI = call.Text, call.Clip(m.alias, call.MaxText), nil
			out(e)
		}
	case "csbk":
		if rf && m.Src != 0 {
			control(m, out)
		}
	}
}

func control(m *message, out func(call.Event)) {
	e := m.event()
	switch m.Desc {
	case "Call Emergency":
		e.Kind, e.Active = call.Emergency, true
	case "Call Alert":
		e.Kind = call.Page
	case "Radio Check":
		e.Kind = call.Check
	default:
		return
	}
	out(e)
}

func (s *Source) begin(m *message, rf bool, now time.Time, out func(call.Event)) {
	e := m.event()
	s.calls++
	e.Kind, e.Call = call.Begin, fmt.Sprint(s.calls)
	s.slots[m.Slot] = &voice{event: e, since: now, heard: rf}
	if rf {
		out(e)
	}
}

// end ends the call of a slot, if there is one.
func (s *Source) end(slot int, lost bool, out func(call.Event)) {
	v := s.slots[slot]
	s.slots[slot] = nil
	if v == nil || !v.heard {
		return
	}
	e := v.event
	e.Kind, e.Lost, e.RSSI = call.End, lost, nil
	out(e)
}
