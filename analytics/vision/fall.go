//go:build cgo

package main

import (
	"fmt"
	"image"
	"math"
	"time"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/throw"
	"sentrybox/analytics/thumb"
	"sentrybox/analytics/wire"
)

// falls runs the rules for thrown objects, on every sound picture and at native
// resolution, beside what the watcher does eight times a second.
type falls struct {
	watch  *watcher
	source pixels
	rules  []int // indices of the rules for thrown objects
	armed  []bool
	dets   []*throw.Detector // a rule each; nil while disarmed, or if the zone is too small
	// why explains each of dets; nil unless somebody asks.
	why []*throw.Explainer

	width, height int // of the picture as coded
	last          time.Duration
	wall          time.Time // of the last picture
}

// pixels gives out the last picture.
type pixels interface {
	region(dst []byte, r image.Rectangle, factor int) error
	snapshot(maxWidth int) (*image.YCbCr, error)
}

func (s *stream) region(dst []byte, r image.Rectangle, factor int) error {
	if s.dec == nil {
		return cv.ErrClosed
	}
	return s.dec.Region(dst, r, factor)
}

func newFalls(w *watcher, source pixels) *falls {
	f := &falls{watch: w, source: source}
	f.list()
	return f
}

// list finds the rules for thrown objects, none of which has a detector yet.
func (f *falls) list() {
	f.rules, f.armed = nil, nil
	for i, r := range f.watch.cfg.Rules {
		if r.Kind == wire.ThrownObject {
			f.rules = append(f.rules, i)
			f.armed = append(f.armed, f.watch.cfg.Armed[i])
		}
	}
	f.dets = make([]*throw.Detector, len(f.rules))
}

// arm arms and disarms rules. What falls at that moment is judged by what was seen of it.
func (f *falls) arm(armed []bool) error {
	for i, rule := range f.rules {
		if armed[rule] == f.armed[i] {
			continue
		}
		f.armed[i] = armed[rule]
		if err := f.drop(i); err != nil {
			return err
		}
		f.begin(i)
	}
	return nil
}

// drop ends a detector, whose memory is considerable.
func (f *falls) drop(i int) error {
	if f.dets[i] == nil {
		return nil
	}
	err := f.tell(i, f.dets[i].Finish())
	f.dets[i] = nil
	return err
}

// begin starts a detector if the rule is armed and the size of the picture known.
func (f *falls) begin(i int) {
	if f.armed[i] && f.width > 0 {
		z := f.watch.zone(f.watch.cfg.Rules[f.rules[i]].Zone)
		f.dets[i] = throw.New(z.Polygon, f.watch.cfg.Privacy, f.width, f.height)
		f.ask(i)
	}
}

// ask has a detector explain itself, if somebody asks.
func (f *falls) ask(i int) {
	if f.why != nil && f.dets[i] != nil {
		f.why[i] = throw.NewExplainer(f.dets[i])
	}
}

// unasked ends that.
func (f *falls) unasked() {
	for _, e := range f.why {
		e.Close()
	}
	f.why = nil
}

// look takes in a picture, which is the last that the source has.
func (f *falls) look(pic *picture) error {
	l := pic.luma
	if l.CodedWidth != f.width || l.CodedHeight != f.height {
		for i := range f.dets {
			if err := f.drop(i); err != nil {
				return err
			}
		}
		f.width, f.height = l.CodedWidth, l.CodedHeight
		for i := range f.dets {
			f.begin(i)
		}
	}
	f.last, f.wall = l.PTS, pic.wall
	for i, d := range f.dets {
		if d == nil || !d.Due(l.PTS) {
			continue
		}
		r, factor := d.Region()
		if err := f.source.region(d.Buffer(), r, factor); err != nil {
			return err
		}
		if err := f.tell(i, d.Step(l.PTS)); err != nil {
			return err
		}
	}
	return nil
}

// finish judges what is under way.
func (f *falls) finish() error {
	for i, d := range f.dets {
		if d == nil {
			continue
		}
		if err := f.tell(i, d.Finish()); err != nil {
			return err
		}
	}
	return nil
}

// tell reports falls, both ends of each at once: they are over when they are seen.
func (f *falls) tell(i int, events []throw.Event) error {
	for k := range events {
		if err := f.tellOne(f.rules[i], &events[k]); err != nil {
			return err
		}
	}
	return nil
}

func (f *falls) tellOne(rule int, e *throw.Event) error {
	w := f.watch
	r := w.cfg.Rules[rule]
	z := w.zone(r.Zone)
	w.id++
	d := wire.Detection{ID: w.id, Phase: wire.Begun, Rule: rule, Kind: r.Kind, Zone: r.Zone,
		Start: e.Start.Seconds(), Detected: e.Detected.Seconds(),
		StartWall: f.wall.Add(e.Start - f.last), DetectWall: f.wall.Add(e.Detected - f.last),
		Box: e.Box, Confidence: e.Confidence, Track: e.Track, Floor: floor(z.Floors, e.Origin[1])}
	img, err := f.source.snapshot(thumb.MaxWidth)
	if err != nil {
		return err
	}
	d.JPEG, err = thumb.JPEG(img, thumb.Mark{Zone: z.Polygon, Track: e.Track, Privacy: w.cfg.Privacy, Most: w.cfg.Thumbnail})
	if err != nil {
		return fmt.Errorf("detection %d: %w", d.ID, err)
	}
	if err := w.send(&d); err != nil {
		return err
	}
	if err := w.show(d.ID, e.Detected, f.source.snapshot); err != nil {
		return err
	}
	d.Phase, d.End, d.JPEG = wire.Ended, e.End.Seconds(), nil
	return w.send(&d)
}

// floorSlack is how far above the line of a floor, as a part of the distance to the next,
// an object may seem to begin to fall that comes from it.
const floorSlack = 0.25

// floor returns the name of the floor that an object most likely came from which began to fall
// at height y: the lowest that is drawn at or above it. If it is above all of them, it is the
// highest; empty if none is drawn.
func floor(floors []wire.Floor, y float64) string {
	var at, top *wire.Floor
	for i := range floors {
		f := &floors[i]
		if f.Y-floorSlack*pitch(floors, f) <= y && (at == nil || f.Y > at.Y) {
			at = f
		}
		if top == nil || f.Y < top.Y {
			top = f
		}
	}
	switch {
	case at != nil:
		return at.Name
	case top != nil:
		return top.Name
	}
	return ""
}

// pitch returns how far it is from a floor to the next above it, or else below; 0 if there is none.
func pitch(floors []wire.Floor, f *wire.Floor) float64 {
	above, below := math.Inf(1), math.Inf(1)
	for i := range floors {
		if d := f.Y - floors[i].Y; d > 0 {
			above = min(above, d)
		} else if d < 0 {
			below = min(below, -d)
		}
	}
	switch {
	case !math.IsInf(above, 1):
		return above
	case !math.IsInf(below, 1):
		return below
	}
	return 0
}
