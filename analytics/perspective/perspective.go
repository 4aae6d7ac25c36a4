// Package perspective knows how tall people are in the picture by where they
// stand in it: a person near is larger than a person far.
//
// Over level ground and with the camera upright, a person's height in the picture grows
// linearly with how far their feet are below the horizon (Hoiem, Efros and Hebert,
// Putting Objects in Perspective, IJCV 80, 2008, equation 2). Two people of whom the
// height was drawn give the line; otherwise it is learned from those who walk by.
//
// Lengths are fractions of the picture's height, places are counted from its top.
package perspective

import (
	"slices"

	"sentrybox/analytics/wire"
)

const (
	bands   = 12 // of the picture, by where people's feet are
	samples = 9  // that are kept of each band, few so that a camera that was turned is learned anew
	enough  = 3  // people that make a band known
	certain = 6  // people, of all bands, that make a line
	// minSpan is how far apart the bands of a line are at least; what is nearer
	// together tells one height and no slope.
	minSpan = 2.0 / bands
	// beyond is how far outside the bands that are known a line still holds.
	beyond = 0.15
)

// Model says how tall people are. The zero value knows nothing.
type Model struct {
	drawn        bool
	slope, level float64 // height = level + slope × foot
	band         [bands]ring
	line         bool // there is a line
	from, to     float64
}

// ring keeps the last heights of people in a band, and where their feet were.
type ring struct {
	height, foot [samples]float64
	n            int
	median       float64 // of the heights
	at           float64 // of the feet
}

// New returns a model: that of two people who were drawn, or with any other
// number of them one that learns.
func New(people []wire.Figure) *Model {
	m := &Model{}
	if len(people) != 2 || people[0].Foot == people[1].Foot {
		return m
	}
	a, b := people[0], people[1]
	m.slope = ((b.Foot - b.Head) - (a.Foot - a.Head)) / (b.Foot - a.Foot)
	m.level = (a.Foot - a.Head) - m.slope*a.Foot
	m.drawn, m.line, m.from, m.to = true, true, 0, 1
	return m
}

// Learn takes in a person seen whole and alone, once each: where their feet
// were and how tall they were.
func (m *Model) Learn(foot, height float64) {
	if m.drawn || !(height > 0) {
		return
	}
	r := &m.band[at(foot)]
	r.height[r.n%samples], r.foot[r.n%samples] = height, foot
	r.n++
	n := min(r.n, samples)
	r.median, r.at = median(r.height[:n]), median(r.foot[:n])
	m.fit()
}

// Height returns how tall a person is whose feet are there; false if that is not
// known.
func (m *Model) Height(foot float64) (float64, bool) {
	if m.line && foot >= m.from-beyond && foot <= m.to+beyond {
		h := m.level + m.slope*foot
		return h, h > 0
	}
	if r := &m.band[at(foot)]; r.n >= enough {
		return r.median, true
	}
	return 0, false
}

// fit draws the line by the median of the slopes between bands (Theil and Sen),
// which one band of odd heights does not bend.
func (m *Model) fit() {
	slopes, levels := make([]float64, 0, bands*bands/2), make([]float64, 0, bands)
	people, first, last := 0, 1.0, 0.0
	for i := range m.band {
		r := &m.band[i]
		if r.n < enough {
			continue
		}
		people += r.n
		first, last = min(first, r.at), max(last, r.at)
		for j := range i {
			if q := &m.band[j]; q.n >= enough && r.at-q.at >= minSpan/2 {
				slopes = append(slopes, (r.median-q.median)/(r.at-q.at))
			}
		}
	}
	if people < certain || len(slopes) == 0 || last-first < minSpan {
		m.line = false
		return
	}
	m.slope = max(median(slopes), 0) // nobody grows by going away
	for i := range m.band {
		if r := &m.band[i]; r.n >= enough {
			levels = append(levels, r.median-m.slope*r.at)
		}
	}
	m.level = median(levels)
	m.line, m.from, m.to = true, first, last
}

func at(foot float64) int { return min(max(int(foot*bands), 0), bands-1) }

func median(v []float64) float64 {
	s := append(make([]float64, 0, max(samples, bands*bands/2)), v...) // small enough to need no heap
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
