//go:build cgo

package gather

import (
	"slices"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/track"
)

const (
	bands   = 8  // of the picture, by where people's feet are
	samples = 64 // that are kept of each
	few     = 12 // before which a band says nothing
	tallest = 1.2
	// usual is the area of one person's blob over the square of its height, before any
	// was seen; it counts as prior samples do.
	usual     = 0.22
	thin      = 0.15 // what is learned is believed within these
	stout     = 0.23
	quantile  = 0.4
	spanAlone = 0.6 // width over height of one person, at most
)

// ring keeps the last samples of something.
type ring struct {
	v    [samples]float64
	n    int
	last float64 // its quantile
}

func (r *ring) add(v float64) {
	r.v[r.n%samples] = v
	if r.n++; r.n%8 == 0 || r.n == few {
		var s [samples]float64
		k := copy(s[:], r.v[:min(r.n, samples)])
		slices.Sort(s[:k])
		r.last = s[int(quantile*float64(k))]
	}
}

func (r *ring) known() bool { return r.n >= few }

// person is what was learned of how large one person is.
type person struct {
	fill   ring        // area over height²
	height [bands]ring // pixels
}

// learn takes in somebody who is seen alone.
func (p *person) learn(t *track.Track, b *motion.Blob, height int) {
	h := float64(b.Box.Dy())
	if t.Left || float64(b.Box.Dx()) > spanAlone*h {
		return
	}
	p.fill.add(float64(b.Area) / (h * h))
	p.height[band(b, height)].add(h)
}

// area returns how much of a blob one person makes up; tall is the height of the
// smallest track in it.
func (p *person) area(b *motion.Blob, tall float64, height int) float64 {
	h := tall
	if r := &p.height[band(b, height)]; r.known() {
		h = min(h, tallest*r.last)
	}
	return max(p.usualFill()*h*h, 1)
}

// usualFill returns the area of one person's blob over the square of its height.
func (p *person) usualFill() float64 {
	if p.fill.known() {
		return min(max(p.fill.last, thin), stout)
	}
	return usual
}

// usualHeight returns how tall people are where a blob stands, in pixels; 0
// if that is not known.
func (p *person) usualHeight(b *motion.Blob, height int) float64 {
	if r := &p.height[band(b, height)]; r.known() {
		return r.last
	}
	return 0
}

func band(b *motion.Blob, height int) int {
	return min(max(b.Box.Max.Y*bands/max(height, 1), 0), bands-1)
}
