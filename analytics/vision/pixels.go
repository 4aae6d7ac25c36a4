//go:build cgo

package main

import (
	"time"

	"sentrybox/analytics/left"
	"sentrybox/analytics/tamper"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

// heuristic returns what a rule asks for, nil if there is no such heuristic
// that judges pictures one after the other. Those that look at pixels themselves must know
// which are private.
func (w *watcher) heuristic(rule, width, height int) heuristic {
	r, armed := w.cfg.Rules[rule], w.armed[rule]
	switch r.Kind {
	case wire.Tamper:
		return &wholeView{tamper.New(width, height, zone.Privacy(w.cfg.Privacy, width, height), armed), w.cfg.Privacy}
	case wire.AbandonedObject:
		after := time.Duration(r.After * float64(time.Second))
		return left.New(w.zone(r.Zone).Polygon, w.cfg.Privacy, after, width, height, armed)
	}
	return newHeuristic(r, w.zone(r.Zone), width, height, armed)
}

// wholeView draws what is private anew for pictures of another size.
type wholeView struct {
	*tamper.Watch
	privacy [][]wire.Point
}

// Resize is part of heuristic.
func (v *wholeView) Resize(width, height int) {
	v.Watch.Resize(width, height, zone.Privacy(v.privacy, width, height))
}
