//go:build cgo

package loiter

import (
	"image"
	"time"
)

// Stay is what of somebody's time in the zone another Watch can go on with.
type Stay struct {
	Entered, Last time.Duration // media time, Last being when they were seen in the zone last
	Dwell         time.Duration
	Box           image.Rectangle // where that was, in pixels
	Tall          float64         // pixels
	Reported      bool
}

// Stays appends the people who are in the zone and have walked by themselves.
func (w *Watch) Stays(dst []Stay) []Stay {
	for i := range w.stays {
		if v := &w.stays[i]; v.person && v.walked && !v.edge {
			dst = append(dst, Stay{v.entered, v.last, v.dwell, v.box, v.tall, v.reported()})
		}
	}
	return dst
}

// Restore has a new Watch go on with those of another in the same zone, as if they had just been lost from sight. Nobody
// whom that has reported is reported again.
func (w *Watch) Restore(stays []Stay) {
	for _, s := range stays[:min(len(stays), maxStays-len(w.stays))] {
		w.stays = append(w.stays, stay{clock: clock{entered: s.Entered, last: s.Last, dwell: s.Dwell, first: s.Box, box: s.Box,
			tall: s.Tall, in: true, person: true, walked: true, told: s.Reported}})
	}
}

// reported says whether somebody has been, by this Watch or another.
func (c *clock) reported() bool { return c.open || c.told }
