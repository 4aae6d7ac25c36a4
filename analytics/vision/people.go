//go:build cgo

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"image"
	"iter"
	"time"

	"sentrybox/analytics/loiter"
	"sentrybox/analytics/wire"
)

const (
	// peopleEvery is how far apart in media time it is left who is there, while anybody is.
	peopleEvery = time.Second
	// peopleAge is how old that may be: after so long, who stands there may be another.
	peopleAge = 10 * time.Second
	maxPeople = 64
	maxStay   = 7 * 24 * 3600 // seconds
)

// people are those who were there when a process ended, as of the last picture that it left them after. Boxes are x and y of two
// corners in pixels of the working size, times seconds before that picture.
type people struct {
	Known []box          `json:"known"` // for people
	Stays []personInZone `json:"stays"`
}

type box [4]int

// personInZone is a loiter.Stay.
type personInZone struct {
	Rule     uint64  `json:"rule"` // that rule's ruleHash
	Entered  float64 `json:"entered"`
	Last     float64 `json:"last"`
	Dwell    float64 `json:"dwell"` // seconds
	Box      box     `json:"box"`
	Tall     float64 `json:"tall"` // pixels
	Reported bool    `json:"reported"`
}

func boxOf(r image.Rectangle) box { return box{r.Min.X, r.Min.Y, r.Max.X, r.Max.Y} }

func (b box) rect() image.Rectangle { return image.Rect(b[0], b[1], b[2], b[3]) }

// validate checks what a process has left of a picture of that size.
func (p *people) validate(width, height int) error {
	if len(p.Known) > maxPeople || len(p.Stays) > maxPeople {
		return fmt.Errorf("%d people, %d stays", len(p.Known), len(p.Stays))
	}
	all := image.Rect(0, 0, width, height)
	for _, b := range p.Known {
		if r := b.rect(); r.Empty() || !r.In(all) {
			return fmt.Errorf("somebody at %v", b)
		}
	}
	for _, s := range p.Stays {
		if r := s.Box.rect(); r.Empty() || !r.In(all) || !(s.Tall > 0 && s.Tall <= float64(height)) {
			return fmt.Errorf("somebody at %v, %v tall", s.Box, s.Tall)
		}
		for _, v := range []float64{s.Entered, s.Last, s.Dwell} {
			if !(v >= 0 && v <= maxStay) { // also refuses NaN
				return fmt.Errorf("a stay of %v s", v)
			}
		}
	}
	return nil
}

// ruleHash tells rules apart that look for loiterers in different places.
func ruleHash(r wire.Rule, z wire.Zone) uint64 {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(struct {
		Kind    wire.Kind
		Polygon []wire.Point
	}{r.Kind, z.Polygon}) // neither can fail
	return h.Sum64()
}

// stayer is a heuristic that knows for how long people have been there.
type stayer interface {
	Stays(dst []loiter.Stay) []loiter.Stay
	Restore(stays []loiter.Stay)
}

func stayerOf(h heuristic) (stayer, bool) {
	z, ok := h.(*inZone)
	if !ok {
		return nil, false
	}
	s, ok := z.masked.(stayer)
	return s, ok
}

// stayers goes through the rules that know how long people stay, by their hash.
func (w *watcher) stayers() iter.Seq2[uint64, stayer] {
	return func(yield func(uint64, stayer) bool) {
		for i, h := range w.rules {
			r := w.cfg.Rules[i]
			if s, ok := stayerOf(h); ok && !yield(ruleHash(r, w.zone(r.Zone)), s) {
				return
			}
		}
	}
}

// present lists who is there.
func (w *watcher) present() *people {
	p := &people{}
	for i := range w.tracker.Tracks() {
		if t := &w.tracker.Tracks()[i]; t.Person && t.Blob >= 0 && !t.Shared && len(p.Known) < maxPeople {
			p.Known = append(p.Known, boxOf(t.Box))
		}
	}
	for hash, s := range w.stayers() {
		for _, v := range s.Stays(nil) {
			if len(p.Stays) == maxPeople {
				break
			}
			p.Stays = append(p.Stays, personInZone{Rule: hash, Entered: (w.now - v.Entered).Seconds(), Last: (w.now - v.Last).Seconds(),
				Dwell: v.Dwell.Seconds(), Box: boxOf(v.Box), Tall: v.Tall, Reported: v.Reported})
		}
	}
	return p
}

// expect goes on with those whom the process before has left, as of a time that lies so long before now, or after
// it: then pictures are looked at again. Media time.
func (w *watcher) expect(p *people, now, ago time.Duration) {
	known := make([]image.Rectangle, len(p.Known))
	for i, b := range p.Known {
		known[i] = b.rect()
	}
	w.tracker.Expect(known, now)
	again := max(-ago, 0)
	for hash, s := range w.stayers() {
		var stays []loiter.Stay
		for _, v := range p.Stays {
			dwell := seconds(v.Dwell) - again
			if v.Rule == hash && dwell > 0 {
				stays = append(stays, loiter.Stay{Entered: now - ago - seconds(v.Entered), Last: min(now-ago-seconds(v.Last), now),
					Dwell: dwell, Box: v.Box.rect(), Tall: v.Tall, Reported: v.Reported})
			}
		}
		s.Restore(stays)
	}
}

// meet leaves who is there.
func (l *legacy) meet(p *people, pic *picture) error {
	l.nextPeople = pic.luma.PTS + peopleEvery
	at := l.pages[peopleAt:]
	binary.LittleEndian.PutUint32(at[8:], 0) // meanwhile it is not whole
	if len(p.Known)+len(p.Stays) == 0 {
		l.crowded = false
		return nil
	}
	l.crowded = true
	b, err := json.Marshal(p)
	if err != nil || len(b) > maxPeopleBytes {
		return err
	}
	copy(l.pages[legacyHead:], b)
	binary.LittleEndian.PutUint64(at, uint64(pic.wall.UnixNano()))
	binary.LittleEndian.PutUint32(at[8:], uint32(len(b)))
	return nil
}

// met returns who was there when the process before ended, how long before the picture, and nil if that is not known any more.
func (l *legacy) met(pic *picture) (*people, time.Duration) {
	at := l.pages[peopleAt:]
	n := binary.LittleEndian.Uint32(at[8:])
	ago := pic.wall.Sub(time.Unix(0, int64(binary.LittleEndian.Uint64(at))))
	if n == 0 || n > maxPeopleBytes || ago > peopleAge || ago < -legacyBack {
		return nil, 0
	}
	p := &people{}
	if wire.Decode(l.pages[legacyHead:][:n], p) != nil || p.validate(pic.luma.Width, pic.luma.Height) != nil {
		return nil, 0
	}
	return p, ago
}
