//go:build cgo

package main

import (
	"fmt"
	"image"
	"slices"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/presence"
	"sentrybox/analytics/thumb"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	// period is the media time between analysed pictures.
	period = time.Second / 8
	// slack is how much earlier a picture may be, for rates that 8 does not divide.
	slack = 20 * time.Millisecond
	// restart is how far back media time may jump before it is another clock.
	restart = 2 * time.Second
)

func built(k wire.Kind) bool { return slices.Contains(wire.Built(), k) }

// watcher runs the heuristics on a camera's pictures.
type watcher struct {
	cfg   *wire.Config
	send  func(*wire.Detection) error
	armed []bool

	width, height int // of the picture as coded; another size is another view
	detector      *motion.Detector
	tracker       *track.Tracker
	watches       []*presence.Watch // a rule each, nil where none is built
	begun         []wire.Detection  // a rule each: the open or last one
	id            uint64

	started bool
	now     time.Duration // media time of the last picture analysed
	next    time.Duration // media time at which the next is due
}

func newWatcher(cfg *wire.Config, send func(*wire.Detection) error) *watcher {
	n := len(cfg.Rules)
	return &watcher{cfg: cfg, send: send, armed: slices.Clone(cfg.Armed),
		watches: make([]*presence.Watch, n), begun: make([]wire.Detection, n)}
}

func (w *watcher) close() {
	if w.detector != nil {
		w.detector.Close()
		w.detector = nil
	}
}

// due says whether a picture of this media time is to be analysed.
func (w *watcher) due(pts time.Duration) bool {
	return !w.started || pts >= w.next-slack || pts < w.now-restart
}

// gap says that something was lost before the next picture.
func (w *watcher) gap() {
	if w.detector != nil {
		w.detector.Settle()
	}
}

// arm arms and disarms rules from here on.
func (w *watcher) arm(armed []bool) error {
	copy(w.armed, armed)
	for i, p := range w.watches {
		if p == nil {
			continue
		}
		if e, ok := p.Arm(armed[i], w.now); ok {
			if err := w.ended(i, &e); err != nil {
				return err
			}
		}
	}
	return nil
}

// look analyses a picture. snapshot returns it in colour.
func (w *watcher) look(pic *picture, snapshot func(int) (*image.YCbCr, error)) error {
	l := pic.luma
	if l.Width < motion.MinSide || l.Height < motion.MinSide {
		return nil
	}
	back := w.started && l.PTS < w.now
	if back {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if back || l.CodedWidth != w.width || l.CodedHeight != w.height {
		if err := w.resize(l.Width, l.Height); err != nil {
			return err
		}
		w.width, w.height = l.CodedWidth, l.CodedHeight
	}
	w.schedule(l.PTS)
	r, err := w.detector.Detect(l.Pix, l.PTS)
	if err != nil {
		return err
	}
	w.tracker.Update(r, l.PTS)
	scene := presence.Scene{Time: l.PTS, Tracks: w.tracker.Tracks(), Motion: w.detector, Blobs: r.Blobs}
	for i, p := range w.watches {
		if p == nil {
			continue
		}
		e, ok := p.Step(&scene)
		if !ok {
			continue
		}
		if e.Phase == wire.Ended {
			err = w.ended(i, &e)
		} else {
			err = w.began(i, &e, pic, snapshot)
		}
		if err != nil {
			return err
		}
	}
	w.detector.Learn()
	return nil
}

func (w *watcher) schedule(pts time.Duration) {
	w.next += period
	if !w.started || w.next <= pts || w.next > pts+2*period {
		w.next = pts + period
	}
	w.started, w.now = true, pts
}

// resize begins anew with pictures of another size. Occupations stay open.
func (w *watcher) resize(width, height int) error {
	w.close()
	d, err := motion.New(width, height, zone.Privacy(w.cfg.Privacy, width, height))
	if err != nil {
		return err
	}
	w.detector = d
	last := uint64(0)
	if w.tracker != nil {
		last = w.tracker.LastID()
	}
	w.tracker = track.New(width, height, last)
	for i, r := range w.cfg.Rules {
		if !built(r.Kind) {
			continue
		}
		z := slices.IndexFunc(w.cfg.Zones, func(z wire.Zone) bool { return z.Name == r.Zone })
		m := zone.Rasterize(w.cfg.Zones[z].Polygon, width, height)
		if w.watches[i] == nil {
			w.watches[i] = presence.New(r.Kind, m, w.armed[i])
		} else {
			w.watches[i].Resize(m)
		}
	}
	return nil
}

func (w *watcher) began(rule int, e *presence.Event, pic *picture, snapshot func(int) (*image.YCbCr, error)) error {
	w.id++
	r := w.cfg.Rules[rule]
	d := wire.Detection{ID: w.id, Phase: wire.Begun, Rule: rule, Kind: r.Kind, Zone: r.Zone,
		Start: e.Start.Seconds(), Detected: e.Detected.Seconds(),
		StartWall: pic.wall.Add(e.Start - e.Detected), DetectWall: pic.wall,
		Box: e.Box, Confidence: e.Confidence}
	w.begun[rule] = d
	img, err := snapshot(thumb.MaxWidth)
	if err != nil {
		return err
	}
	z := slices.IndexFunc(w.cfg.Zones, func(z wire.Zone) bool { return z.Name == r.Zone })
	d.JPEG, err = thumb.JPEG(img, thumb.Mark{Zone: w.cfg.Zones[z].Polygon, Box: e.Box, Privacy: w.cfg.Privacy})
	if err != nil {
		return fmt.Errorf("detection %d: %w", d.ID, err)
	}
	return w.send(&d)
}

func (w *watcher) ended(rule int, e *presence.Event) error {
	d := w.begun[rule]
	d.Phase, d.End = wire.Ended, e.End.Seconds()
	return w.send(&d)
}

// finish ends every occupation since nothing more will be seen.
func (w *watcher) finish() error {
	for i, p := range w.watches {
		if p == nil {
			continue
		}
		if e, ok := p.Finish(); ok {
			if err := w.ended(i, &e); err != nil {
				return err
			}
		}
	}
	return nil
}
