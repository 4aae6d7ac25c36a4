//go:build cgo

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sentrybox/analytics/perspective"
	"sentrybox/analytics/throw"
	"sentrybox/analytics/wire"
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
