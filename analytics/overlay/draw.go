package overlay

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"time"

	"sentrybox/analytics/wire"
)

// zoneName returns how a zone is called in the drawing.
func zoneName(i int, name string) string {
	number := fmt.Sprintf("Z%d", i+1)
	if latin(name) != name {
		return number
	}
	return number + " " + name
}

// latin returns a text without what the font lacks.
func latin(s string) string {
	return strings.Map(func(r rune) rune {
		if r < firstChar || r > lastChar {
			return -1
		}
		return r
	}, s)
}

// nameBoxes gives the notes that have a box letters.
func (r *Renderer) nameBoxes() {
	clear(r.letters)
	for i := range r.last.Notes {
		if n := &r.last.Notes[i]; n.Box != nil && n.Track == 0 && len(r.letters) < 26 {
			r.letters[i] = byte('a' + len(r.letters))
		}
	}
}

func (r *Renderer) drawZones() {
	c := &r.canvas
	for _, p := range r.cfg.Privacy {
		at := r.place(p[0][0], p[0][1])
		r.tag(int(at.x), int(at.y), "private", grey())
	}
	for i := range r.cfg.Zones {
		z := &r.cfg.Zones[i]
		if whole(z) {
			continue
		}
		col := yellow()
		for k := range r.events {
			if e := &r.events[k]; e.open && e.Zone == z.Name {
				col = red()
			}
		}
		points := make([]point, 0, len(z.Polygon)+1)
		for _, p := range slices.Concat(z.Polygon, z.Line) {
			points = append(points, r.place(p[0], p[1]))
		}
		if len(z.Line) == 0 {
			points = append(points, points[0])
		}
		for k := 1; k < len(points); k++ {
			c.line(points[k-1], points[k], col, full, 0)
		}
		if len(z.Line) > 0 {
			r.arrows(points, z.Name, col)
		}
		r.drawFloors(z)
		top := points[0]
		for _, p := range points {
			if p.y < top.y {
				top = p
			}
		}
		r.tag(int(top.x)+3, int(top.y)+3, r.names[i], col)
	}
}

// whole says whether a zone is the whole picture, which needs no drawing.
func whole(z *wire.Zone) bool {
	for _, p := range z.Polygon {
		if p[0] != 0 && p[0] != 1 || p[1] != 0 && p[1] != 1 {
			return false
		}
	}
	return len(z.Polygon) == 4
}

// arrows shows which way of crossing a line counts, at the middle of its longest part.
func (r *Renderer) arrows(line []point, name string, col colour) {
	var a, b point
	longest := -1.0
	for k := 1; k < len(line); k++ {
		if d := math.Hypot(line[k].x-line[k-1].x, line[k].y-line[k-1].y); d > longest {
			a, b, longest = line[k-1], line[k], d
		}
	}
	const length, head = 40, 12
	mid := point{(a.x + b.x) / 2, (a.y + b.y) / 2}
	ux, uy := (b.x-a.x)/max(longest, 1), (b.y-a.y)/max(longest, 1)
	for _, rule := range r.cfg.Rules {
		if rule.Zone != name {
			continue
		}
		for _, side := range []float64{1, -1} { // to the right of who walks along it, and to the left
			if side > 0 && rule.Direction == wire.RightToLeft || side < 0 && rule.Direction == wire.LeftToRight {
				continue
			}
			nx, ny := -uy*side, ux*side
			tip := point{mid.x + nx*length, mid.y + ny*length}
			r.canvas.line(mid, tip, col, full, 0)
			for _, s := range []float64{1, -1} {
				r.canvas.line(tip, point{tip.x - head*nx + s*head*ux, tip.y - head*ny + s*head*uy}, col, full, 0)
			}
		}
	}
}

func (r *Renderer) drawFloors(z *wire.Zone) {
	left, right := 1.0, 0.0
	for _, p := range z.Polygon {
		left, right = min(left, p[0]), max(right, p[0])
	}
	used := math.Inf(-1)
	for _, f := range z.Floors {
		a, b := r.place(left, f.Y), r.place(right, f.Y)
		r.canvas.line(a, b, yellow(), full/3, 6)
		if math.Abs(a.y-used) < lineHeight { // names would cover each other
			continue
		}
		used = a.y
		s := latin(f.Name)
		r.canvas.label(image.Rectangle{Min: image.Pt(int(a.x), int(a.y)), Max: image.Pt(int(a.x), int(a.y)).Add(labelSize(s))}, s, yellow())
	}
}

func (r *Renderer) drawBlobs() {
	for i := range r.last.Blobs {
		col, weight := white(), full/2
		if r.last.Blobs[i].Hold {
			col = violet()
		}
		r.canvas.frame(r.rect(r.last.Blobs[i].Box), col, weight, 2)
	}
}

func (r *Renderer) drawTrails() {
	for i := range r.last.Tracks { // in order, so that drawing does not depend on the map's
		r.drawTrail(r.last.Tracks[i].ID)
	}
}

func (r *Renderer) drawTrail(id uint64) {
	k := r.trails[id]
	if k == nil {
		return
	}
	for i := 1; i < len(k.points); i++ {
		a, b := k.points[i-1], k.points[i]
		age := float64(r.now-b.at) / float64(trailTime)
		weight := int(full * (1 - age))
		if weight <= 0 || b.at-a.at > time.Second {
			continue
		}
		r.canvas.line(r.place(a.x, a.y), r.place(b.x, b.y), natureColour(k.nature), min(weight, full), 0)
	}
}

func natureColour(n wire.Nature) colour {
	switch n {
	case wire.Person:
		return green()
	case wire.Mover:
		return cyan()
	}
	return white()
}

// drawNotes frames what notes are about that is no track.
func (r *Renderer) drawNotes() {
	for i := range r.last.Notes {
		n := &r.last.Notes[i]
		if n.Box == nil || n.Track != 0 {
			continue
		}
		b := r.rect(*n.Box).Inset(-2)
		r.canvas.frame(b, stanceColour(n.Stance), full, 4)
		if letter, ok := r.letters[i]; ok {
			r.tag(b.Max.X, b.Min.Y, string(rune(letter)), stanceColour(n.Stance))
		}
	}
}

func (r *Renderer) drawTracks() {
	for i := range r.last.Tracks {
		t := &r.last.Tracks[i]
		col, dash := natureColour(t.Nature), 0
		if r.decided(t.ID) {
			col = red()
		}
		if t.Hidden {
			dash = 3
		}
		b := r.rect(t.Box)
		r.canvas.frame(b, col, full, dash)
		r.tag(b.Min.X, b.Min.Y-lineHeight-1, fmt.Sprintf("#%d", t.ID), col)
	}
}

// decided says whether a rule has decided on a track.
func (r *Renderer) decided(id uint64) bool {
	for i := range r.last.Notes {
		if n := &r.last.Notes[i]; n.Track == id && n.Stance == wire.Decided {
			return true
		}
	}
	return false
}

// drawEvents shows what was decided a moment ago.
func (r *Renderer) drawEvents() {
	for i := range r.events {
		e := &r.events[i]
		if r.fresh(e) <= 0 {
			continue
		}
		for k := 1; k < len(e.Track); k++ {
			a, b := e.Track[k-1], e.Track[k]
			r.canvas.line(r.place(a[1], a[2]), r.place(b[1], b[2]), red(), full, 0)
		}
		b := r.rect(e.Box)
		r.canvas.frame(b.Inset(-4), red(), full, 8)
		s := strings.ToUpper(words(string(e.Kind)))
		if e.Floor != "" {
			s += " floor " + latin(e.Floor)
		}
		r.tag(b.Min.X, b.Max.Y+5, s, red())
	}
}

// fresh returns for how much longer an event stands out.
func (r *Renderer) fresh(e *event) time.Duration {
	return flashTime - (r.now - time.Duration(e.Detected*float64(time.Second)))
}

func stanceColour(s wire.Stance) colour {
	switch s {
	case wire.Decided:
		return red()
	case wire.Refused:
		return grey()
	}
	return yellow()
}
