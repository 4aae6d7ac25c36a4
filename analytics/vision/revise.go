//go:build cgo

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/loiter"
	"sentrybox/analytics/perspective"
	"sentrybox/analytics/throw"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// revise changes what is looked for. What the rules of before see that are not there any more ends.
func (s *session) revise(p []byte) error {
	var r wire.Revision
	if err := wire.Decode(p, &r); err != nil {
		return err
	}
	next := s.cfg.Revised(&r)
	if err := next.Validate(); err != nil {
		return err
	}
	if s.cfg.Annotate {
		return errors.New("revision: annotated video is of one configuration")
	}
	kept := next.Kept(&s.cfg)
	if slices.Contains(kept, -1) {
		s.watch.fresh = s.watch.now + knownFor // before wake, which might fall asleep again
	}
	if err := s.lazy.wake(); err != nil {
		return err
	}
	stays := s.watch.redrawn(next, kept)
	if err := s.falls.shed(kept); err != nil {
		return err
	}
	if err := s.watch.shed(kept); err != nil {
		return err
	}
	s.cfg = *next // where all that is built points to
	s.second.adopt(kept)
	if err := s.falls.adopt(kept); err != nil {
		return err
	}
	if err := s.watch.adopt(kept, r.Figures); err != nil {
		return err
	}
	s.watch.restore(stays)
	if err := s.out.Revised(); err != nil {
		return fmt.Errorf("answer a revision: %w", err)
	}
	return s.rouse()
}

// patient is a heuristic of what must last for some time.
type patient interface{ SetAfter(time.Duration) }

// shed ends what the rules see that nothing is kept of. kept is as of wire.Config.Kept.
func (w *watcher) shed(kept []int) error {
	for i, h := range w.rules {
		if h == nil || slices.Contains(kept, i) {
			continue
		}
		if err := w.report(i, h.Finish(), nil, nil); err != nil {
			return err
		}
		if c, ok := h.(interface{ Close() }); ok {
			c.Close()
		}
	}
	return nil
}

// redrawn returns for each rule of another configuration who has stayed so far in the zone that it is about, if that zone is another now.
func (w *watcher) redrawn(next *wire.Config, kept []int) [][]loiter.Stay {
	stays, taken := make([][]loiter.Stay, len(kept)), slices.Clone(kept)
	for _, alike := range []bool{true, false} { // those that are wholly alike first
		for i, r := range next.Rules {
			for j, o := range w.cfg.Rules {
				s, ok := stayerOf(w.rules[j])
				if ok && taken[i] < 0 && !slices.Contains(taken, j) && o.Kind == r.Kind && o.Zone == r.Zone && (o.After == r.After || !alike) {
					stays[i], taken[i] = s.Stays(nil), j
				}
			}
		}
	}
	return stays
}

// restore has the rules go on with those who stand where they look, too.
func (w *watcher) restore(stays [][]loiter.Stay) {
	for i, list := range stays {
		s, ok := stayerOf(w.rules[i])
		if !ok || len(list) == 0 {
			continue
		}
		width, height := w.detector.Size()
		mask := zone.Rasterize(w.zone(w.cfg.Rules[i].Zone).Polygon, width, height)
		s.Restore(slices.DeleteFunc(list, func(v loiter.Stay) bool { return !behaviour.Stands(v.Box, mask, false) }))
	}
}

// adopt goes on with the rules of the configuration, which has changed.
func (w *watcher) adopt(kept []int, figures []wire.Figure) error {
	old := w.rules
	w.rules, w.armed = make([]heuristic, len(kept)), slices.Clone(w.cfg.Armed)
	for i := range w.open { // of others nothing is open any more
		w.open[i].begun.Rule = slices.Index(kept, w.open[i].begun.Rule)
	}
	for i, from := range kept {
		switch {
		case from >= 0:
			w.rules[i] = old[from]
			if h, ok := old[from].(patient); ok {
				h.SetAfter(seconds(w.cfg.Rules[i].After))
			}
		case w.detector != nil && built(w.cfg.Rules[i].Kind):
			width, height := w.detector.Size()
			w.rules[i] = w.heuristic(i, width, height)
		}
	}
	if !slices.Equal(figures, w.figures) {
		w.figures, w.people = figures, perspective.New(figures)
		if w.tracker != nil {
			w.tracker.Judge(w.people)
		}
	}
	return w.arm(w.cfg.Armed)
}

// shed ends what falls where nothing is kept of a rule.
func (f *falls) shed(kept []int) error {
	for i, rule := range f.rules {
		if slices.Contains(kept, rule) {
			continue
		}
		if err := f.drop(i); err != nil {
			return err
		}
	}
	return nil
}

// adopt goes on with the rules of the configuration, which has changed.
func (f *falls) adopt(kept []int) error {
	old, asked := *f, f.why != nil
	f.unasked()
	f.list()
	if asked {
		f.why = make([]*throw.Explainer, len(f.rules))
	}
	for i, rule := range f.rules {
		if from := slices.Index(old.rules, kept[rule]); from >= 0 {
			f.dets[i], f.armed[i] = old.dets[from], old.armed[from]
			f.ask(i)
		} else {
			f.begin(i)
		}
	}
	return f.arm(f.watch.cfg.Armed)
}

// adopt goes on with the rules of the configuration, which has changed.
func (s *second) adopt(kept []int) {
	if s == nil {
		return
	}
	s.redraw = true
	dropped := s.dropped[:0]
	for _, d := range s.dropped {
		if d.rule = slices.Index(kept, d.rule); d.rule >= 0 {
			dropped = append(dropped, d)
		}
	}
	s.dropped = dropped
}
