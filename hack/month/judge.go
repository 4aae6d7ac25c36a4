package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// limit says by how much a quantity may have grown between the two stretches.
type limit struct {
	name, what, unit string
	part             float64 // of what it was; below 0 it is told and not judged
	more             float64 // and beside that, so much
}

func limits() []limit {
	return []limit{
		{"anon", "gateway, memory of its own", "KiB", 0.05, 0},
		{"rss", "gateway, RSS", "KiB", 0.05, 0},
		{"pss", "gateway, PSS", "KiB", -1, 0},                  // what it shares with sessions of recorders counts in part while there are any
		{"heap_live", "gateway, live heap", "KiB", 0.05, 1024}, // alerts come in bursts
		{"goroutines", "gateway, goroutines", "", 0.05, 0},
		{"threads", "gateway, threads", "", 0.05, 1},
		{"files", "gateway, open files", "", 0.05, 0},
		{"vision_pss", "vision processes, PSS", "KiB", 0.05, 0},
		{"vision_max", "largest vision process, PSS", "KiB", -1, 0},
		{"sessions", "sessions of recorders", "", 0, 0},
		{"disk", "data folder", "KiB", -1, 0},
		{"database", "database", "KiB", -1, 0},
	}
}

// verdict is what came of a run.
type verdict struct {
	rows   []row
	notes  []string
	did    []string
	faults []error
}

type row struct {
	limit
	early, late float64 // medians
	slope       float64 // an hour, by least squares over all that came after the beginning
	good        bool
}

// judge holds the last stretch of so long against that which begins after so long.
func judge(samples []sample, after, window time.Duration) *verdict {
	v := &verdict{}
	var early, late, settled []sample
	if len(samples) > 0 {
		end := samples[len(samples)-1].at
		for _, s := range samples {
			if s.at >= after && s.at < after+window {
				early = append(early, s)
			}
			if s.at > end-window {
				late = append(late, s)
			}
			if s.at >= after {
				settled = append(settled, s)
			}
		}
	}
	if len(early) < 3 || len(late) < 3 {
		v.faults = append(v.faults, fmt.Errorf("%d samples at the beginning and %d at the end are too few", len(early), len(late)))
		return v
	}
	for _, l := range limits() {
		r := row{limit: l, early: median(early, l.name), late: median(late, l.name), slope: slope(settled, l.name), good: true}
		if most := r.early*(1+l.part) + l.more; l.part >= 0 && r.late > most {
			r.good = false
			v.faults = append(v.faults, fmt.Errorf("%s has grown from %.0f to %.0f %s: the most is %.0f", l.what, r.early, r.late, l.unit, most))
		}
		v.rows = append(v.rows, r)
	}
	return v
}

func median(samples []sample, name string) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, s.value[name])
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// slope is by how much a quantity grows in an hour, by least squares.
func slope(samples []sample, name string) float64 {
	var x, y, xx, xy float64
	for _, s := range samples {
		d := s.at.Hours()
		x += d
		y += s.value[name]
		xx += d * d
		xy += d * s.value[name]
	}
	n := float64(len(samples))
	if den := n*xx - x*x; den > 0 {
		return (n*xy - x*y) / den
	}
	return 0
}

// alerts judges what arrived: known are the ids in the gateway's database, raised those that
// it has promised.
func (v *verdict) alerts(known []string, r *room, raised []string) {
	missing, strange := 0, 0
	for _, id := range known {
		if !r.has(id) {
			missing++
			v.faults = append(v.faults, fmt.Errorf("alert %s has not arrived", id))
		}
	}
	for _, id := range raised {
		if !slices.Contains(known, id) {
			v.faults = append(v.faults, fmt.Errorf("alert %s was promised and is not in the database", id))
		}
	}
	for _, id := range r.ids() {
		if !slices.Contains(known, id) {
			strange++
			v.faults = append(v.faults, fmt.Errorf("alert %s has arrived and was never raised", id))
		}
	}
	again, twice := r.again()
	if twice > 0 {
		v.faults = append(v.faults, fmt.Errorf("%d revisions came twice with different words", twice))
	}
	v.notes = append(v.notes, fmt.Sprintf("%d alerts, %d of them by command; not arrived: %d; arrived and unknown: %d; revisions sent again after a cut: %d",
		len(known), len(raised), missing, strange, again))
}

// table is for people.
func (v *verdict) table() string {
	b := &strings.Builder{}
	fmt.Fprintln(b, "| what | settled | at the end | change | trend an hour | |")
	fmt.Fprintln(b, "| --- | --- | --- | --- | --- | --- |")
	for _, r := range v.rows {
		change := "0.0 %"
		if r.early > 0 {
			change = fmt.Sprintf("%+.1f %%", 100*(r.late/r.early-1))
		}
		word := map[bool]string{true: "good", false: "GROWN"}[r.good]
		if r.part < 0 {
			word = "told"
		}
		fmt.Fprintf(b, "| %s | %.0f %s | %.0f %s | %s | %+.0f | %s |\n", r.what, r.early, r.unit, r.late, r.unit, change, math.Round(r.slope), word)
	}
	fmt.Fprintln(b)
	for _, n := range append(v.notes, v.did...) {
		fmt.Fprintln(b, n)
	}
	return b.String()
}
