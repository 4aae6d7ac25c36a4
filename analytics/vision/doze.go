//go:build cgo

package main

import (
	"time"

	"sentrybox/analytics/cv"
)

const (
	// dozeEvery is how far apart pictures are that are analysed while nothing happens, but
	// keyframes are too far apart to go by them alone.
	dozeEvery = 500 * time.Millisecond
	maxKept   = 8
)

// doze keeps the pictures that were not analysed since the last that was, until the next one tells whether
// they are wanted.
type doze struct {
	kept [maxKept]struct {
		luma cv.Luma
		wall time.Time
	}
	n     int
	next  time.Duration // media time at which one more is to be kept
	since time.Duration // media time at which it began
	on    bool
}

// due says whether a picture of media time pts is to be analysed, now or later.
func (z *lazy) due(pts time.Duration) bool {
	if z.doze.n > 0 && pts > z.s.watch.now {
		return pts >= z.doze.next-slack
	}
	return z.s.watch.due(pts)
}

// look analyses a picture, or puts that off.
func (z *lazy) look(pic *picture) error {
	d, w, pts := &z.doze, z.s.watch, pic.luma.PTS
	if !z.may() || !w.calm(pts) || d.n == maxKept {
		d.on = false
		return z.sees(pic)
	}
	if !d.on {
		d.on, d.since = true, pts
	}
	if pts-w.now < dozeEvery-slack {
		d.keep(pic, w)
		return nil
	}
	if pts-d.since >= refreshEvery && w.flickers() {
		if pts-d.since >= refreshEvery+refreshFor {
			d.since = pts
		}
		return z.sees(pic)
	}
	quiet, err := w.glance(pic, z.s.snapshot)
	if err != nil {
		return err
	}
	if !quiet {
		return z.sees(pic)
	}
	z.s.report.next.Analysed++
	d.n = 0
	return nil
}

// sees analyses a picture after those that were put off.
func (z *lazy) sees(pic *picture) error {
	if err := z.catchUp(); err != nil {
		return err
	}
	z.s.report.next.Analysed++
	return z.s.watch.look(pic, z.s.snapshot)
}

// catchUp analyses the pictures that were put off.
func (z *lazy) catchUp() error {
	n := z.doze.n
	z.doze.n = 0
	for i := range n {
		k := &z.doze.kept[i]
		z.s.report.next.Analysed++
		if err := z.s.watch.look(&picture{luma: &k.luma, wall: k.wall, sound: true, wanted: true}, z.s.snapshot); err != nil {
			return err
		}
	}
	return nil
}

// keep takes a picture's pixels and leaves it others' memory.
func (d *doze) keep(pic *picture, w *watcher) {
	k := &d.kept[d.n]
	if d.n++; d.n == 1 {
		d.next = w.next
	}
	mine := k.luma.Pix
	k.luma, k.wall = *pic.luma, pic.wall
	pic.luma.Pix = mine[:0]
	d.next = following(d.next, pic.luma.PTS, w.period)
}
