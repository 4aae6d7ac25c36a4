//go:build cgo

package main

import (
	"encoding/json"
	"fmt"
	"image"
	"io"
	"time"

	"gocv.io/x/gocv"

	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
	"sentrybox/gateway/config"
)

const (
	leastArea = 0.001 // of the picture
	release   = 2 * time.Second
)

// detector subtracts the background at the stream's full rate.
type detector struct {
	mog     gocv.BackgroundSubtractorMOG2
	kernel  gocv.Mat
	fg      gocv.Mat
	scratch [4]gocv.Mat // of largest
	rules   []rule
	out     *json.Encoder

	width, height int
}

// rule is one of the camera's, with the occupation of its zone.
type rule struct {
	kind    wire.Kind
	zone    string
	after   time.Duration
	polygon []wire.Point

	mask            gocv.Mat
	present, raised bool
	since, seen, at time.Duration // occupied since; last seen; decided at
	box             wire.Box      // at the decision
}

func newDetector(cam *config.Camera, out io.Writer) *detector {
	d := &detector{
		mog:     gocv.NewBackgroundSubtractorMOG2(),
		kernel:  gocv.GetStructuringElement(gocv.MorphEllipse, image.Pt(3, 3)),
		fg:      gocv.NewMat(),
		scratch: [4]gocv.Mat{gocv.NewMat(), gocv.NewMat(), gocv.NewMat(), gocv.NewMat()},
		out:     json.NewEncoder(out),
	}
	for _, r := range cam.Detect {
		switch r.Kind {
		case wire.Motion, wire.Intrusion, wire.Loitering:
		default:
			continue
		}
		polygon := []wire.Point(cam.Zones[r.Zone].Polygon)
		if len(polygon) == 0 {
			polygon = []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
		}
		d.rules = append(d.rules, rule{kind: r.Kind, zone: r.Zone, after: time.Duration(r.After), polygon: polygon, mask: gocv.NewMat()})
	}
	return d
}

func (d *detector) close() {
	_ = d.mog.Close()
	_ = d.kernel.Close()
	_ = d.fg.Close()
	for i := range d.scratch {
		_ = d.scratch[i].Close()
	}
	for i := range d.rules {
		_ = d.rules[i].mask.Close()
	}
}

func (d *detector) step(l *cv.Luma) error {
	if l.Width != d.width || l.Height != d.height {
		if err := d.resize(l.Width, l.Height); err != nil {
			return err
		}
	}
	pic, err := gocv.NewMatFromBytes(l.Height, l.Width, gocv.MatTypeCV8U, l.Pix)
	if err != nil {
		return fmt.Errorf("take a picture: %w", err)
	}
	d.mog.Apply(pic, &d.fg)
	_ = pic.Close()
	gocv.Threshold(d.fg, &d.fg, 200, 255, gocv.ThresholdBinary) // without the shadows, which are 127
	gocv.MorphologyEx(d.fg, &d.fg, gocv.MorphOpen, d.kernel)
	for i := range d.rules {
		if err := d.watch(&d.rules[i], l.PTS); err != nil {
			return err
		}
	}
	return nil
}

func (d *detector) resize(w, h int) error {
	d.width, d.height = w, h
	for i := range d.rules {
		r := &d.rules[i]
		m := zone.Rasterize(r.polygon, w, h)
		mask, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8U, m.Pix)
		if err != nil {
			return fmt.Errorf("draw zone %s: %w", r.zone, err)
		}
		_ = r.mask.Close()
		r.mask = mask
	}
	return nil
}

// watch follows the occupation of one rule's zone.
func (d *detector) watch(r *rule, now time.Duration) error {
	box, area := d.largest(r.mask)
	present := float64(area) >= leastArea*float64(d.width*d.height)
	if present {
		if !r.present {
			r.present, r.raised, r.since = true, false, now
		}
		r.seen = now
		if !r.raised && now-r.since >= r.after {
			r.raised, r.at, r.box = true, now, d.fractions(box)
		}
		return nil
	}
	if r.present && now-r.seen > release {
		return d.end(r)
	}
	return nil
}

// largest returns the box and the area in pixels of the largest blob within a mask.
func (d *detector) largest(mask gocv.Mat) (image.Rectangle, int) {
	in, labels, stats, centres := &d.scratch[0], &d.scratch[1], &d.scratch[2], &d.scratch[3]
	gocv.Multiply(d.fg, mask, in)
	n := gocv.ConnectedComponentsWithStats(*in, labels, stats, centres)
	var box image.Rectangle
	most := 0
	for i := 1; i < n; i++ { // 0 is the background
		if a := int(stats.GetIntAt(i, 4)); a > most {
			x, y := int(stats.GetIntAt(i, 0)), int(stats.GetIntAt(i, 1))
			most, box = a, image.Rect(x, y, x+int(stats.GetIntAt(i, 2)), y+int(stats.GetIntAt(i, 3)))
		}
	}
	return box, most
}

func (d *detector) fractions(r image.Rectangle) wire.Box {
	w, h := float64(d.width), float64(d.height)
	return wire.Box{float64(r.Min.X) / w, float64(r.Min.Y) / h, float64(r.Dx()) / w, float64(r.Dy()) / h}
}

// end prints what was decided, if anything, now that the zone is empty.
func (d *detector) end(r *rule) error {
	r.present = false
	if !r.raised {
		return nil
	}
	err := d.out.Encode(map[string]any{
		"kind": r.kind, "zone": r.zone, "start": r.since.Seconds(), "detected": r.at.Seconds(), "end": r.seen.Seconds(),
		"box": r.box, "confidence": 1,
	})
	if err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	return nil
}

func (d *detector) finish() error {
	for i := range d.rules {
		if r := &d.rules[i]; r.present {
			if err := d.end(r); err != nil {
				return err
			}
		}
	}
	return nil
}
