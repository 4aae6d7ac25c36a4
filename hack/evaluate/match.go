package main

import (
	"math"

	"sentrybox/analytics/wire"
)

// grace is how long after the end of an event, in seconds, its detection may
// still be decided.
const grace = 10

// detection is a line of replay's output.
type detection struct {
	Kind       wire.Kind `json:"kind"`
	Zone       string    `json:"zone"`
	Start      float64   `json:"start"`
	Detected   float64   `json:"detected"`
	End        float64   `json:"end"`
	Box        wire.Box  `json:"box"`
	Confidence float64   `json:"confidence"`
	Agitated   bool      `json:"agitated,omitempty"`
}

// fits says whether a detection may count as an event's: of its kind, in its
// zone, decided between its start and 10 s after its end.
func fits(e event, d detection) bool {
	return e.Kind == d.Kind && sameZone(e.Zone, d.Zone) && d.Detected >= e.Start && d.Detected <= e.End+grace
}

// match pairs events with detections, one with one: as many pairs as there can
// be, and of all ways to do that the one with the least sum of squared delays
// from the events' starts. The plain sum would not care which of two detections
// goes to which of two events; squares put them in order. It returns the index of each
// event's detection, -1 for a miss. The same input gives the same pairs.
//
// Shortest augmenting paths, found by Bellman and Ford's algorithm: after k of
// them, the k pairs are the cheapest k.
func match(events []event, detections []detection) []int {
	of := make([]int, len(events)) // the detection of an event
	by := make([]int, len(detections))
	for i := range of {
		of[i] = -1
	}
	for j := range by {
		by[j] = -1
	}
	for augment(events, detections, of, by) {
	}
	return of
}

// cost is the square of the delay in hundredths of a second: whole, so that sums
// are exact, and small enough for clips of days.
func cost(e event, d detection) int {
	delay := int(math.Round(100 * (d.Detected - e.Start)))
	return delay * delay
}

func augment(events []event, detections []detection, of, by []int) bool {
	const far = math.MaxInt / 4
	dist := make([]int, len(events)) // cheapest way from a free event to this one
	last := make([]int, len(detections))
	reach := make([]int, len(detections))
	for i := range dist {
		if of[i] >= 0 {
			dist[i] = far
		}
	}
	for j := range reach {
		reach[j], last[j] = far, -1
	}
	for changed := true; changed; {
		changed = false
		for i, e := range events {
			for j, d := range detections {
				if dist[i] == far || of[i] == j || !fits(e, d) {
					continue
				}
				if v := dist[i] + cost(e, d); v < reach[j] {
					reach[j], last[j], changed = v, i, true
					if k := by[j]; k >= 0 {
						dist[k] = v - cost(events[k], d)
					}
				}
			}
		}
	}
	best := -1
	for j := range detections {
		if by[j] < 0 && reach[j] < far && (best < 0 || reach[j] < reach[best]) {
			best = j
		}
	}
	if best < 0 {
		return false
	}
	for j := best; j >= 0; {
		i := last[j]
		next := of[i]
		of[i], by[j] = j, i
		j = next
	}
	return true
}
