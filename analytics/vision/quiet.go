//go:build cgo

package main

import (
	"image"
	"time"
)

// pending says whether a rule wants every picture.
func (w *watcher) pending() bool {
	for _, h := range w.rules {
		if h != nil && h.Pending() {
			return true
		}
	}
	return false
}

// calm says whether nothing has gone on for a while, up to a keyframe's picture of media time pts.
func (w *watcher) calm(pts time.Duration) bool {
	return w.started && w.known() && w.now > pts-lateBy && w.now <= pts &&
		w.now-w.moved >= calm
}

// known says whether the background has been learned for long enough, also since there is a new rule, which may
// have one of its own.
func (w *watcher) known() bool {
	return w.detector != nil && w.detector.Age() >= knownFor && w.now >= w.fresh
}

// flickers says whether parts of the scene are looked at with less care than others.
func (w *watcher) flickers() bool { return w.detector != nil && w.detector.Flickers() }

// suspecter is a heuristic that finds something in a picture that no other does.
type suspecter interface{ Suspects(luma []byte) bool }

// glance analyses a picture some time after the last one, if nothing new is in it. Otherwise it
// leaves all as it was.
func (w *watcher) glance(pic *picture, snapshot func(int) (*image.YCbCr, error)) (quiet bool, err error) {
	l := pic.luma
	if w.detector == nil || l.CodedWidth != w.width || l.CodedHeight != w.height || l.PTS <= w.now {
		return false, nil
	}
	for _, h := range w.rules {
		if s, ok := h.(suspecter); ok && s.Suspects(l.Pix) {
			return false, nil
		}
	}
	r, err := w.detector.Glance(l.Pix, l.PTS)
	if err != nil {
		return false, err
	}
	if r.Settling || len(r.Blobs) > 0 {
		w.detector.Undo()
		return false, nil
	}
	return true, w.judge(pic, r, snapshot, true)
}
