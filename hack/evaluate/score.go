package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sentrybox/analytics/wire"
)

// due returns when the decision on an event could fall at the earliest: a
// loiterer, a crowd or a bag must have been there for the rule's `after`, a fall is over
// at its end, anything else when it begins.
func (c *clip) due(e event) float64 {
	switch e.Kind {
	case wire.ThrownObject:
		return e.End
	case wire.Loitering, wire.Gathering, wire.AbandonedObject:
		return e.Start + c.after(e)
	default:
		return e.Start
	}
}

// patience is how late after it was due, in seconds, a decision may fall, 0
// where nothing but the rule of match bounds it.
func patience(k wire.Kind) float64 {
	switch k {
	case wire.Loitering:
		return 3
	case wire.ThrownObject:
		return 1
	case wire.Tamper:
		return 5
	default:
		return 0
	}
}

// row is one kind's line of the table, or the total's.
type row struct {
	Kind        string   `json:"kind"`
	Built       bool     `json:"built"`
	Events      int      `json:"events"`
	Found       int      `json:"found"`
	False       int      `json:"false_alarms"`
	Hours       float64  `json:"hours"` // of footage in which the kind was looked for
	Recall      *float64 `json:"recall"`
	Precision   *float64 `json:"precision"`
	FalseHourly *float64 `json:"false_alarms_per_hour"`
	DelayMedian *float64 `json:"delay_median"` // seconds after the decision was due
	DelayMax    *float64 `json:"delay_max"`
	Late        int      `json:"late"` // found, but later than asked for; see patience

	delays []float64
}

// measurement is everything about one program.
type measurement struct {
	Kinds []row    `json:"kinds"`
	Total row      `json:"total"`
	Clips []result `json:"clips"`
	// Agitation is nil if no gathering was found.
	Agitation *agitation `json:"agitation,omitempty"`
}

// agitation says how many of the gatherings that were found were told apart from
// calm ones.
type agitation struct {
	Agitated int `json:"agitated"` // in truth
	Told     int `json:"told"`     // of these
	Calm     int `json:"calm"`     // in truth
	Mistaken int `json:"mistaken"` // of these
}

func (m *measurement) judge(f found) {
	if f.Event.Kind != wire.Gathering {
		return
	}
	if m.Agitation == nil {
		m.Agitation = &agitation{}
	}
	switch a := m.Agitation; {
	case f.Event.Agitated && f.Detection.Agitated:
		a.Agitated++
		a.Told++
	case f.Event.Agitated:
		a.Agitated++
	case f.Detection.Agitated:
		a.Calm++
		a.Mistaken++
	default:
		a.Calm++
	}
}

func (a *agitation) String() string {
	return fmt.Sprintf("Of the gatherings found, %d of %d agitated ones were told, and %d of %d calm ones taken for agitated.", a.Told, a.Agitated, a.Mistaken, a.Calm)
}

// report is what is printed.
type report struct {
	Dir      string       `json:"folder"`
	Notes    []string     `json:"notes,omitempty"`
	Ours     *measurement `json:"sentrybox"`
	Full     *measurement `json:"every_picture,omitempty"` // the same with every picture decoded
	Baseline *measurement `json:"baseline,omitempty"`
}

// failures lists the clips that could not be run.
func (r *report) failures() error {
	var errs []error
	for _, m := range []*measurement{r.Ours, r.Full, r.Baseline} {
		if m == nil {
			continue
		}
		for _, c := range m.Clips {
			if c.Error != "" {
				errs = append(errs, fmt.Errorf("%s failed: %s", c.Name, c.Error))
			}
		}
	}
	return errors.Join(errs...)
}

// sum makes the table: a row for each kind that is looked for, happens or was
// detected, and the total. What is not built misses all there is to find, and the total
// counts that.
func sum(clips []clip, results []result) *measurement {
	m := &measurement{Clips: results, Total: row{Kind: "all", Built: true}}
	rows := map[wire.Kind]*row{}
	at := func(k wire.Kind) *row {
		if rows[k] == nil {
			rows[k] = &row{Kind: string(k), Built: slices.Contains(wire.Built(), k)}
		}
		return rows[k]
	}
	for i, r := range results {
		hours := r.Seconds / 3600
		m.Total.Hours += hours
		for _, k := range wire.Kinds() {
			if clips[i].asked(k) {
				at(k).Hours += hours
			}
		}
		for _, f := range r.Found {
			at(f.Event.Kind).found(f)
			m.Total.found(f)
			m.judge(f)
		}
		for _, e := range r.Missed {
			at(e.Kind).Events++
			m.Total.Events++
		}
		for _, d := range r.False {
			at(d.Kind).False++
			m.Total.False++
		}
	}
	for _, k := range wire.Kinds() {
		if r := rows[k]; r != nil {
			m.Kinds = append(m.Kinds, r.finish())
		}
	}
	m.Total = m.Total.finish()
	return m
}

func (r *row) found(f found) {
	r.Events++
	r.Found++
	r.delays = append(r.delays, f.Delay)
	if limit := patience(f.Event.Kind); limit > 0 && f.Delay > limit {
		r.Late++
	}
}

func (r *row) finish() row {
	ratio := func(a, b float64) *float64 {
		if b == 0 {
			return nil
		}
		return new(a / b)
	}
	r.Recall = ratio(float64(r.Found), float64(r.Events))
	r.Precision = ratio(float64(r.Found), float64(r.Found+r.False))
	r.FalseHourly = ratio(float64(r.False), r.Hours)
	if n := len(r.delays); n > 0 {
		slices.Sort(r.delays)
		r.DelayMedian = new((r.delays[(n-1)/2] + r.delays[n/2]) / 2)
		r.DelayMax = new(r.delays[n-1])
	}
	return *r
}

// cpuPerMinute returns the CPU seconds for a minute of footage, over all clips.
func (m *measurement) cpuPerMinute() float64 {
	var cpu, minutes float64
	for _, c := range m.Clips {
		cpu += c.CPUPerMinute * c.Seconds / 60
		minutes += c.Seconds / 60
	}
	return cpu / minutes
}

// number shows a value that there may not be.
func number(v *float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, *v)
}

// delays shows median and maximum.
func (r *row) delayText() string {
	if r.DelayMedian == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f / %.1f s", *r.DelayMedian, *r.DelayMax)
}

func (r *row) name() string { return strings.ReplaceAll(r.Kind, "_", " ") }
