package radio

import (
	"strings"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/gateway/alert"
)

// cause is something that an alert was raised for, and that may be repeated.
type cause struct {
	last    time.Time // when it was heard
	kept    time.Time // what the database has of it
	asked   time.Time // when it was looked last whether its alert is open
	from    string    // who said it; empty of one of an earlier run
	lasting bool      // it goes on until it is said to be over
	earlier bool      // it is of an earlier run: that it was over may have been missed
	located bool      // its alert has a position
}

// fix is where a unit said it was.
type fix struct {
	call.Fix
	at time.Time
}

// The first part of a cause.
const (
	away    = "away"    // the system itself is
	moment  = "moment"  // it is over when it is not repeated
	lasting = "lasting" // it is over when that is said
)

func causeOf(system string, parts ...string) string {
	return system + "\x1f" + strings.Join(parts, "\x1f")
}

// within returns the rest of a cause if it is one of the system.
func within(cause, system string) (string, bool) { return strings.CutPrefix(cause, system+"\x1f") }

// hear takes an Event of a source.
func (h *Hub) hear(s *system, e call.Event, now time.Time) {
	if err := e.Check(); err != nil {
		s.log.Error("a source says what it may not", "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.counts.Events[string(e.Kind)]++
	if e.Position != nil && e.From != "" {
		s.locate(e)
	}
	entry := h.note(s, e)
	if r := s.rule(&e); r != nil && !r.Off {
		if entry != nil {
			entry.Alert = r.Kind
		}
		s.take(r, e, now)
	}
}

// note keeps the event for the page. It returns nil if it is no entry of its own.
func (h *Hub) note(s *system, e call.Event) *Entry {
	key := s.ID + "\x1f" + e.Call
	switch {
	case e.Kind == call.End:
		h.recent.end(key, e)
		return nil
	case e.Kind == call.Text && e.Call != "":
		h.recent.named(key, alert.Printable(e.Text, maxLine))
		return nil
	}
	x := Entry{
		System: s.ID, Kind: e.Kind, At: e.At, From: alert.Printable(e.From, call.MaxIdentity), FromName: s.Units[e.From].Name, Place: s.Units[e.From].Place,
		To: alert.Printable(e.To, call.MaxIdentity), ToName: s.called(&e), Private: e.Private, Station: alert.Printable(e.Station, call.MaxIdentity), Channel: alert.Printable(e.Channel, call.MaxIdentity),
		Active: e.Active, Urgent: e.Urgent, Digits: e.Digits, Text: alert.Printable(e.Text, call.MaxText), Input: e.Input, RSSI: e.RSSI,
	}
	if p := e.Position; p != nil {
		x.Lat, x.Lon = &p.Lat, &p.Lon
	}
	if e.Kind == call.Begin {
		x.Active = true
		return h.recent.begin(key, x)
	}
	return h.recent.add(x)
}

// called names whom an event is for.
func (s *system) called(e *call.Event) string {
	if e.Private {
		return s.Units[e.To].Name
	}
	if name := s.Groups[e.To]; name != "" {
		return name
	}
	return s.Units[e.To].Name
}

// locate remembers where a unit is, and tells of it in an alert that lacks it. Of too many it forgets
// the one heard longest ago.
func (s *system) locate(e call.Event) {
	if _, known := s.fixes[e.From]; !known && len(s.fixes) >= maxFixes {
		oldest := ""
		for id, f := range s.fixes {
			if oldest == "" || f.at.Before(s.fixes[oldest].at) {
				oldest = id
			}
		}
		delete(s.fixes, oldest)
	}
	s.fixes[e.From] = fix{*e.Position, e.At}
	for key, c := range s.open {
		if c.from == e.From && !c.located {
			c.located = true
			at := position(*e.Position)
			s.hub.deliver.Add(delivery{system: s.ID, cause: key, locate: &at})
		}
	}
}

// rule returns the first that fits.
func (s *system) rule(e *call.Event) *Rule {
	for i := range s.Rules {
		if s.Rules[i].fits(e) {
			return &s.Rules[i]
		}
	}
	return nil
}

func (r *Rule) fits(e *call.Event) bool {
	if r.On != e.Kind || r.From != "" && r.From != e.From || r.To != "" && r.To != e.To || r.Station != "" && r.Station != e.Station {
		return false
	}
	switch {
	case r.Code == "":
		return true
	case e.Kind == call.Text:
		return strings.Contains(strings.ToLower(e.Text), strings.ToLower(r.Code))
	case e.Kind == call.Input:
		return r.Code == e.Input
	}
	return r.Code == e.Digits
}

// take makes an alert of the event, or counts it as part of one.
func (s *system) take(r *Rule, e call.Event, now time.Time) {
	unit, known := s.Units[e.From]
	caller := e.From
	if caller == "" { // a station by itself
		unit, known = s.Units[e.Station]
		caller = e.Station
	}
	stated := e.Kind == call.Input || e.Kind == call.Voice
	key := causeOf(s.ID, moment, r.Kind, caller) // on whatever slot, and by whatever repeater
	if stated {
		key = causeOf(s.ID, lasting, r.Kind, caller, e.Input, e.Channel)
	}
	if e.Kind.Stated() && !e.Active {
		if _, open := s.open[key]; open {
			delete(s.open, key)
			s.hub.deliver.Add(delivery{system: s.ID, cause: key, at: e.At, by: nameOf(unit, caller)})
		}
		return
	}
	if !known && s.open[key] == nil && !s.unknown.take(now) {
		s.counts.Joined++
		unit, caller = Unit{}, ""
		key = causeOf(s.ID, moment, r.Kind, "")
	}
	if c := s.open[key]; c != nil && (c.lasting || now.Sub(c.last) < s.Fold) {
		s.again(key, c, now, delivery{event: s.alert(r, e, unit, caller, now), heard: e, sys: s})
		return
	}
	a := s.alert(r, e, unit, caller, now)
	s.remember(key, &cause{last: now, kept: now, asked: now, lasting: stated, from: e.From, located: a.Position != nil})
	s.counts.Alerts++
	s.hub.deliver.Add(delivery{system: s.ID, cause: key, at: now, event: a, heard: e, sys: s})
}

// again counts an event as part of an alert, unless that is closed by now.
func (s *system) again(key string, c *cause, now time.Time, d delivery) {
	c.last = now
	s.counts.Folded++
	d.touch = now.Sub(c.kept) >= durableEvery
	d.repeat = (!c.lasting || c.earlier) && now.Sub(c.asked) >= askEvery
	c.earlier = false
	if d.touch {
		c.kept = now
	}
	if d.repeat {
		c.asked = now
	} else {
		d.event = nil // it only goes on
	}
	if d.touch || d.repeat {
		d.system, d.cause, d.at = s.ID, key, now
		s.hub.deliver.Add(d)
	}
}

// alert is the event as it stands in an alert.
func (s *system) alert(r *Rule, e call.Event, unit Unit, caller string, now time.Time) *alert.Event {
	a := &alert.Event{
		Device: s.ID, Grid: unit.Grid, Kind: r.Kind, Severity: r.Severity, Start: e.At, Detected: now, Confidence: 1,
		Caller: nameOf(unit, caller), Place: unit.Place, Call: true,
	}
	if a.Grid == "" {
		a.Grid = s.Grid
	}
	if a.Start.IsZero() || a.Start.After(now) {
		a.Start = now
	}
	switch e.Kind {
	case call.Digits, call.Status:
		a.Reading = alert.Reading{Text: alert.Printable(e.Digits, maxLine)}
	case call.Text:
		a.Reading = alert.Reading{Text: alert.Printable(e.Text, maxLine)}
	}
	at := e.Position
	if f, ok := s.fixes[e.From]; ok && at == nil && now.Sub(f.at) < fixAge {
		at = &f.Fix
	}
	if at != nil {
		p := position(*at)
		a.Position = &p
	}
	return a
}

// remember keeps a cause. Of too many it forgets the one heard longest ago.
func (s *system) remember(key string, c *cause) {
	if len(s.open) >= maxOpen && s.open[key] == nil {
		oldest := ""
		for k, o := range s.open {
			if oldest == "" || o.last.Before(s.open[oldest].last) {
				oldest = k
			}
		}
		s.forget(oldest)
	}
	s.open[key] = c
}

// sweep forgets what has not been repeated for long.
func (s *system) sweep(now time.Time) {
	for key, c := range s.open {
		if !c.lasting && now.Sub(c.last) >= s.Fold {
			s.forget(key)
		}
	}
}

func (s *system) forget(key string) {
	delete(s.open, key)
	s.hub.deliver.Add(delivery{system: s.ID, cause: key, forget: true})
}

func nameOf(u Unit, id string) string {
	if u.Name != "" {
		return u.Name
	}
	return alert.Printable(id, maxLine)
}

func position(f call.Fix) alert.Position {
	return alert.Position{Lat: degrees(f.Lat), Lon: degrees(f.Lon)}
}

// degrees keeps five digits behind the point, a metre.
func degrees(v float64) float64 {
	const most = 1e5
	if v < 0 {
		return -degrees(-v)
	}
	return float64(int64(v*most+0.5)) / most
}

// bucket is so many at once, and one more each while.
type bucket struct {
	full  int
	every time.Duration
	used  int
	since time.Time
}

// take says whether there is one more.
func (b *bucket) take(now time.Time) bool {
	if n := int(now.Sub(b.since) / b.every); n > 0 {
		b.used, b.since = max(b.used-n, 0), now
	}
	if b.used >= b.full {
		return false
	}
	b.used++
	return true
}
