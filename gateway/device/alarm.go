package device

import (
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/rule"
)

// panicButton is the kind of a person's call for help, also where a wired contact makes it.
const panicButton = "panic"

// alarm is a rule as it is now. All of it is guarded by the Hub's mu.
type alarm struct {
	Rule
	when, until *rule.Follower // nil of an alarm that the Hub sets itself
	momentary   bool           // it has no end, since it is about an event
	active      bool           // raised, and not over
	device      string         // of its last alert
	spent       bool           // it ended while its condition was still true
	next        time.Time      // when its truth may change by itself; zero for never
}

func newAlarm(r Rule, events map[rule.Ref]bool) *alarm {
	a := &alarm{Rule: r}
	if r.When == nil {
		return a
	}
	a.when = rule.NewFollower(r.When)
	for _, ref := range r.When.Refs() {
		a.momentary = a.momentary || events[ref]
	}
	if r.Until != nil && !a.momentary {
		a.until = rule.NewFollower(r.Until)
	}
	return a
}

// refs are the readings that the alarm depends on.
func (a *alarm) refs() []rule.Ref {
	var all []rule.Ref
	if a.when != nil {
		all = append(all, a.When.Refs()...)
	}
	if a.until != nil {
		all = append(all, a.Until.Refs()...)
	}
	return all
}

// enabled says whether the alarm can be raised at the time now of the clock on the wall.
func (h *Hub) enabled(a *alarm, now time.Time) bool {
	if a.Area != "" && !h.armed[a.Area] {
		return false
	}
	return a.Schedule == nil || a.Schedule.Always() || a.Schedule.Active(now.In(h.Location))
}

// follow brings an alarm up to date.
func (h *Hub) follow(a *alarm, now time.Time) {
	if a.when == nil {
		return
	}
	on := h.enabled(a, now)
	if !on && !a.active {
		a.when.Reset() // what begins meanwhile counts from when it is armed
		a.next, a.spent = time.Time{}, false
		return
	}
	got := a.when.Follow(h.readings, now, a.active)
	a.next = got.Next
	if got.Truth != rule.True {
		a.spent = false
	}
	if !a.active {
		if got.Truth == rule.True && !a.spent {
			h.raise(a, got.Cause, now)
		}
		return
	}
	over := got.Truth == rule.False
	if a.until != nil {
		end := a.until.Follow(h.readings, now, false)
		over = end.Truth == rule.True
		if !end.Next.IsZero() && (a.next.IsZero() || end.Next.Before(a.next)) {
			a.next = end.Next
		}
	}
	if over {
		a.spent = got.Truth == rule.True
		h.over(a, now)
	}
}

// set raises or ends an alarm that has no condition of its own.
func (h *Hub) set(a *alarm, on bool, now time.Time) {
	switch {
	case on && !a.active:
		h.raise(a, rule.Ref{}, now)
	case !on && a.active:
		h.over(a, now)
	}
}

func (h *Hub) raise(a *alarm, cause rule.Ref, now time.Time) {
	a.active = true
	if cause == (rule.Ref{}) && a.When != nil {
		cause = a.When.Refs()[0]
	}
	e := alert.Event{Device: a.Sensor, Grid: a.Grid, Kind: a.Kind, Zone: a.Zone, Severity: a.Severity, Start: now, Detected: now, Confidence: 1}
	if r, ok := h.readings[cause]; ok {
		e.Reading = h.reading(cause, r)
		if !r.At.IsZero() && r.At.Before(now) && a.momentary {
			e.Start = r.At
		}
	}
	if e.Device == "" {
		e.Device = cause.Sensor
	}
	if e.Kind == "" {
		e.Kind = cause.Quantity
	}
	e.Call = a.momentary || e.Kind == panicButton
	if s := h.sensors[e.Device]; s != nil && e.Grid == "" {
		e.Grid = s.Grid
	}
	a.device = e.Device
	h.deliver.Add(delivery{rule: a.ID, event: e, momentary: a.momentary})
	for _, d := range a.Do {
		h.outputs.on(d.Output, d.For, a.ID)
	}
}

// over ends an alarm. Outputs go on for as long as they were told.
func (h *Hub) over(a *alarm, now time.Time) {
	a.active = false
	if !a.momentary {
		h.deliver.Add(delivery{rule: a.ID, over: true, closes: a.Closes, by: a.device, at: now})
	}
}

// reading is r as it stands in an alert.
func (h *Hub) reading(ref rule.Ref, r rule.Reading) alert.Reading {
	out := alert.Reading{Quantity: ref.Quantity}
	var q Quantity
	if s := h.sensors[ref.Sensor]; s != nil {
		q, _ = s.quantity(ref.Quantity)
		out.Unit = q.Unit
	}
	if r.Text != "" {
		out.Text = alert.Printable(r.Text, maxText)
		return out
	}
	v := rounded(r.Value)
	out.Value = &v
	return out
}
