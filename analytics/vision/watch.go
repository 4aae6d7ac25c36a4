//go:build cgo

package main

import (
	"fmt"
	"image"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/motion"
	"sentrybox/analytics/perspective"
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
	// showEvery is how far apart whole pictures are in media time: to encode one
	// costs as much as to analyse dozens.
	showEvery = time.Second
)

func built(k wire.Kind) bool { return slices.Contains(wire.Built(), k) }

// watcher runs the heuristics on a camera's pictures.
type watcher struct {
	cfg   *wire.Config
	send  func(*wire.Detection) error
	armed []bool
	// explain, if not nil, is told of each picture what the heuristics made of it.
	explain func(*behaviour.Scene, *motion.Result) error
	// picture sends the whole picture of a detection; nil where nobody wants it.
	picture func(*wire.Picture) error
	shown   time.Duration // media time of the last one

	width, height int // of the picture as coded; another size is another view
	detector      *motion.Detector
	tracker       *track.Tracker
	figures       []wire.Figure
	people        *perspective.Model // begins with figures
	rules         []heuristic        // a rule each, nil where none is built
	open          []openBehaviour
	id            uint64
	second        *second
	legacy        *legacy
	scene         behaviour.Scene // the last
	result        motion.Result   // what explain is told of

	started bool
	now     time.Duration // media time of the last picture analysed
	next    time.Duration // media time at which the next is due
	moved   time.Duration // media time at which something moved last, or a rule wanted every picture
	period  time.Duration // between analysed pictures, longer than period when the box is slow
	slowed  bool          // it is, or keyframes alone are decoded
	skipped uint64        // pictures left out for it
	broken  bool          // something was lost since the last picture
	fresh   time.Duration // media time until which a rule is new
}

// openBehaviour is one that has begun and not ended.
type openBehaviour struct {
	number uint64 // of the rule's
	begun  wire.Detection
}

func newWatcher(cfg *wire.Config, send func(*wire.Detection) error) *watcher {
	return &watcher{cfg: cfg, send: send, figures: cfg.Figures, people: perspective.New(cfg.Figures), armed: slices.Clone(cfg.Armed), rules: make([]heuristic, len(cfg.Rules)), period: period}
}

// close frees what OpenCV holds. The watcher is of no use any more.
func (w *watcher) close() {
	w.forget()
	for _, h := range w.rules {
		if c, ok := h.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

// forget frees the background.
func (w *watcher) forget() {
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
	w.broken = true
	if w.detector != nil {
		w.detector.Settle()
	}
}

// arm arms and disarms rules from here on.
func (w *watcher) arm(armed []bool) error {
	copy(w.armed, armed)
	for i, h := range w.rules {
		if h == nil {
			continue
		}
		if err := w.report(i, h.Arm(armed[i], w.now), nil, nil); err != nil {
			return err
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
	anew, back := false, w.started && l.PTS < w.now
	if back {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if back || l.CodedWidth != w.width || l.CodedHeight != w.height {
		if err := w.resize(l.Width, l.Height); err != nil {
			return err
		}
		if err := w.legacy.recall(w.detector, pic); err != nil {
			return err
		}
		anew = true
		w.fresh = l.PTS + knownFor // whatever is recalled, the rules know nothing
		w.width, w.height = l.CodedWidth, l.CodedHeight
	}
	r, err := w.detector.Detect(l.Pix, l.PTS)
	if err != nil {
		return err
	}
	if anew {
		w.inherit(pic)
	}
	return w.judge(pic, r, snapshot, false)
}

// judge runs the rules on a picture that was compared with the background. glance says that those before it were
// not looked at.
func (w *watcher) judge(pic *picture, r motion.Result, snapshot func(int) (*image.YCbCr, error), glance bool) error {
	l := pic.luma
	if !glance {
		w.skipped += w.leftOut(l.PTS)
	}
	w.broken = false
	w.schedule(l.PTS)
	w.tracker.Update(r, l.PTS)
	w.second.look(pic, w.tracker.Tracks(), w.armed)
	w.detector.KeepAround()
	scene := &w.scene // a field, so that none is made a picture
	*scene = behaviour.Scene{Time: l.PTS, Pix: l.Pix, Tracks: w.tracker.Tracks(), Motion: w.detector, Blobs: r.Blobs, Glance: glance}
	for i, h := range w.rules {
		if h == nil {
			continue
		}
		if err := w.report(i, h.Step(w.second.scene(w.cfg.Rules[i].Kind, scene)), pic, snapshot); err != nil {
			return err
		}
	}
	w.detector.Learn()
	if err := w.leave(pic, &r); err != nil {
		return err
	}
	if r.Settling || len(r.Blobs) > 0 || len(w.tracker.Tracks()) > 0 || w.pending() {
		w.moved = l.PTS
	}
	if w.explain != nil {
		w.result = r
		return w.explain(scene, &w.result)
	}
	return nil
}

func (w *watcher) schedule(pts time.Duration) {
	w.next = following(w.next, pts, w.period)
	if !w.started {
		w.next = pts + w.period
	}
	if !w.started || w.moved > pts {
		w.moved = pts
	}
	w.started, w.now = true, pts
}

// following returns when a picture is due after one of media time pts that was due at due.
func following(due, pts, period time.Duration) time.Duration {
	due += period
	if due <= pts || due > pts+2*period {
		return pts + period
	}
	return due
}

// resize begins anew with pictures of another size. What is open stays open.
func (w *watcher) resize(width, height int) error {
	w.forget()
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
	w.tracker.Judge(w.people)
	for i, r := range w.cfg.Rules {
		if h := w.rules[i]; h != nil {
			h.Resize(width, height)
		} else if built(r.Kind) {
			w.rules[i] = w.heuristic(i, width, height)
		}
	}
	return nil
}

// zone returns the zone of a name, which wire.Config.Validate has checked to exist.
func (w *watcher) zone(name string) wire.Zone {
	return w.cfg.Zones[slices.IndexFunc(w.cfg.Zones, func(z wire.Zone) bool { return z.Name == name })]
}

// report sends what a rule's heuristic saw; pic and snapshot are of the picture
// it was seen in, and needed for what begins alone.
func (w *watcher) report(rule int, events []behaviour.Event, pic *picture, snapshot func(int) (*image.YCbCr, error)) error {
	if w.tracker != nil {
		events = w.second.judge(rule, events, w.tracker.Tracks())
	}
	for i := range events {
		var err error
		switch e := &events[i]; e.Phase {
		case wire.Ended:
			err = w.ended(rule, e)
		case wire.Changed:
			err = w.changed(rule, e, pic)
		default:
			err = w.began(rule, e, pic, snapshot)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) began(rule int, e *behaviour.Event, pic *picture, snapshot func(int) (*image.YCbCr, error)) error {
	w.id++
	r := w.cfg.Rules[rule]
	d := wire.Detection{ID: w.id, Phase: wire.Begun, Rule: rule, Kind: r.Kind, Zone: r.Zone,
		Start: e.Start.Seconds(), Detected: e.Detected.Seconds(),
		StartWall: pic.wall.Add(e.Start - e.Detected), DetectWall: pic.wall,
		Box: e.Box, Confidence: e.Confidence, Agitated: e.Agitated}
	w.open = append(w.open, openBehaviour{e.Number, d})
	img, err := snapshot(thumb.MaxWidth)
	if err != nil {
		return err
	}
	z := w.zone(r.Zone)
	d.JPEG, err = thumb.JPEG(img, thumb.Mark{Zone: z.Polygon, Line: z.Line, Box: e.Box, Privacy: w.cfg.Privacy, Most: w.cfg.Thumbnail})
	if err != nil {
		return fmt.Errorf("detection %d: %w", d.ID, err)
	}
	if err := w.send(&d); err != nil {
		return err
	}
	return w.show(d.ID, e.Detected, snapshot)
}

// show sends the whole picture of a detection that has been sent, unless there
// was another a moment ago.
func (w *watcher) show(id uint64, at time.Duration, snapshot func(int) (*image.YCbCr, error)) error {
	if since := at - w.shown; w.picture == nil || w.shown != 0 && since >= 0 && since < showEvery {
		return nil
	}
	w.shown = at
	img, err := snapshot(thumb.FullWidth)
	if err != nil {
		return err
	}
	b, err := thumb.Full(img, w.cfg.Privacy)
	if err != nil {
		return fmt.Errorf("detection %d: %w", id, err)
	}
	return w.picture(&wire.Picture{Detection: id, JPEG: b})
}

// find returns where in open a rule's behaviour is.
func (w *watcher) find(rule int, e *behaviour.Event) (int, error) {
	i := slices.IndexFunc(w.open, func(o openBehaviour) bool { return o.begun.Rule == rule && o.number == e.Number })
	if i < 0 {
		return 0, fmt.Errorf("rule %d: %s %d %s and never began", rule, w.cfg.Rules[rule].Kind, e.Number, e.Phase)
	}
	return i, nil
}

func (w *watcher) changed(rule int, e *behaviour.Event, pic *picture) error {
	i, err := w.find(rule, e)
	if err != nil {
		return err
	}
	w.open[i].begun.Agitated = e.Agitated
	d := w.open[i].begun
	d.Phase, d.Detected, d.DetectWall = wire.Changed, e.Detected.Seconds(), pic.wall
	return w.send(&d)
}

func (w *watcher) ended(rule int, e *behaviour.Event) error {
	i, err := w.find(rule, e)
	if err != nil {
		return err
	}
	d := w.open[i].begun
	w.open = slices.Delete(w.open, i, i+1)
	d.Phase, d.End = wire.Ended, e.End.Seconds()
	return w.send(&d)
}

// finish ends every behaviour since nothing more will be seen.
func (w *watcher) finish() error {
	for i, h := range w.rules {
		if h == nil {
			continue
		}
		if err := w.report(i, h.Finish(), nil, nil); err != nil {
			return err
		}
	}
	return nil
}
