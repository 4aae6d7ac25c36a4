//go:build cgo

package main

import (
	"fmt"
	"image"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/confirm"
	"sentrybox/analytics/track"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// The files of a network follow the pipes: its model, and Darknet's .cfg.
const (
	modelFD  = 5
	configFD = 6
)

// second asks a detector for a second opinion on people. Without a detector it is
// nil, and changes nothing.
type second struct {
	watch *confirm.Watch
	cfg   *wire.Config
	log   *slog.Logger

	width, height int // of the picture as coded
	w, h          int // working size
	armed         []bool
	zones         *zone.Mask // where a rule about people is armed; nil for everywhere
	redraw        bool       // the rules have changed
	dropped       []droppedEvent
	said          bool
	view          behaviour.Scene // what the rule asked last was shown
}

// droppedEvent is a behaviour of which the gateway hears nothing.
type droppedEvent struct {
	rule   int
	number uint64
}

// models are the contents of a network's files.
type models struct{ model, config []byte }

// readModels reads what the gateway has opened. It is called before the sandbox is closed, though
// that leaves what is open alone.
func readModels(d *wire.Detector) (m models, err error) {
	if d == nil || d.Format == wire.HOG {
		return m, nil
	}
	if m.model, err = readModel(modelFD); err == nil && d.Format == wire.Darknet {
		m.config, err = readModel(configFD)
	}
	return m, err
}

func readModel(fd uintptr) ([]byte, error) {
	f := os.NewFile(fd, "model")
	if f == nil {
		return nil, fmt.Errorf("file descriptor %d: %w", fd, os.ErrClosed)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() < 1 || st.Size() > wire.MaxModel {
		return nil, fmt.Errorf("no file of at most %d MiB", wire.MaxModel>>20)
	}
	b := make([]byte, st.Size())
	_, err = io.ReadFull(io.NewSectionReader(f, 0, st.Size()), b)
	return b, err
}

// newSecond opens the detector that the configuration asks for. Why it cannot be used is
// no error of the process, which goes on without.
func newSecond(cfg *wire.Config, m models, source pixels, log *slog.Logger) (*second, error) {
	d := cfg.Detector
	if d == nil {
		return nil, nil
	}
	var det confirm.Detector
	var err error
	if d.Format == wire.HOG {
		det, err = confirm.NewHOG()
	} else {
		det, err = confirm.NewNet(*d, m.model, m.config)
		debug.FreeOSMemory() // of what the files took
	}
	if err != nil {
		return nil, err
	}
	return &second{watch: confirm.New(det, *d, source.region), cfg: cfg, log: log}, nil
}

// reason shortens an error for the gateway.
func reason(err error) string {
	if err == nil {
		return ""
	}
	s := strings.ToValidUTF8(err.Error(), "?")
	if len(s) > wire.MaxReason {
		s = strings.ToValidUTF8(s[:wire.MaxReason], "")
	}
	return s
}

func (s *second) close() {
	if s != nil {
		_ = s.watch.Close() // returns nil
	}
}

func (s *second) count() wire.Confirmed {
	if s == nil {
		return wire.Confirmed{}
	}
	return s.watch.Count()
}

// look asks about the tracks of a picture.
func (s *second) look(pic *picture, tracks []track.Track, armed []bool) {
	if s == nil {
		return
	}
	l := pic.luma
	resized := l.CodedWidth != s.width || l.CodedHeight != s.height
	if resized {
		s.width, s.height, s.w, s.h = l.CodedWidth, l.CodedHeight, l.Width, l.Height
		s.watch.Resize(s.width, s.height, s.w, s.h, zone.Privacy(s.cfg.Privacy, s.w, s.h))
	}
	if resized || s.redraw || !slices.Equal(armed, s.armed) {
		s.redraw = false
		s.armed = append(s.armed[:0], armed...)
		s.draw()
	}
	s.watch.Look(tracks, l.PTS, func(r image.Rectangle) bool { return s.zones == nil || s.zones.Share(r) > 0 })
	if err := s.watch.Err(); err != nil && !s.said {
		s.said = true
		s.log.Error("the people detector has failed, going on without", "err", err)
	}
}

// draw marks where a rule about people is armed.
func (s *second) draw() {
	s.zones = zone.New(s.w, s.h)
	for i, r := range s.cfg.Rules {
		if !s.armed[i] || !confirm.About(r.Kind) {
			continue
		}
		z := s.cfg.Zones[slices.IndexFunc(s.cfg.Zones, func(z wire.Zone) bool { return z.Name == r.Zone })]
		if len(z.Line) > 0 {
			s.zones = nil
			return
		}
		s.zones.Add(z.Polygon)
	}
}

// scene returns what a rule of a kind is to see of a picture.
func (s *second) scene(k wire.Kind, all *behaviour.Scene) *behaviour.Scene {
	if s == nil {
		return all
	}
	s.view = *all
	s.view.Tracks = s.watch.Tracks(k, all.Tracks, all.Time)
	return &s.view
}

// judge moves the confidence of what begins, and takes out what is not to be
// reported, both ends of it.
func (s *second) judge(rule int, events []behaviour.Event, tracks []track.Track) []behaviour.Event {
	if s == nil {
		return events
	}
	k := s.cfg.Rules[rule].Kind
	kept := events[:0]
	for _, e := range events {
		drop := false
		switch {
		case e.Phase == wire.Ended:
			drop = s.wasDropped(rule, e.Number)
		case k == wire.AbandonedObject:
			e.Confidence, drop = s.watch.Thing(e.Confidence, s.box(e.Box), e.Detected)
			if drop {
				s.dropped = append(s.dropped, droppedEvent{rule, e.Number})
			}
		default:
			e.Confidence = s.watch.Confidence(k, e.Confidence, s.box(e.Box), tracks)
		}
		if !drop {
			kept = append(kept, e)
		}
	}
	return kept
}

func (s *second) wasDropped(rule int, number uint64) bool {
	i := slices.Index(s.dropped, droppedEvent{rule, number})
	if i >= 0 {
		s.dropped = slices.Delete(s.dropped, i, i+1)
	}
	return i >= 0
}

// box returns a part of the picture at the working size.
func (s *second) box(b wire.Box) image.Rectangle {
	x := func(v float64) int { return int(math.Round(v * float64(s.w))) }
	y := func(v float64) int { return int(math.Round(v * float64(s.h))) }
	return image.Rect(x(b[0]), y(b[1]), x(b[0]+b[2]), y(b[1]+b[3]))
}
