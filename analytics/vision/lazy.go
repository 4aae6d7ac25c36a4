//go:build cgo

package main

import (
	"runtime/debug"
	"slices"
	"time"

	"sentrybox/analytics/wire"
)

const (
	// knownFor is how long the background must have been learned by every picture.
	knownFor = 10 * time.Second
	// lateBy is how far the last picture analysed may be from the keyframe.
	lateBy = time.Second
	// longest is the longest interval between keyframes that may pass unseen, with a little for
	// its jitter.
	longest = 4*time.Second + 100*time.Millisecond
	// shortest is what lies between two looks at least, less a little: a keyframe may follow the last at once.
	shortest = 950 * time.Millisecond
	// A scene that flickers is looked at with less care where it does, so that for one interval
	// in this time every picture is looked at.
	refreshEvery = 30 * time.Second
	refreshFor   = 2 * time.Second
	// maxHeld bounds the access units of an interval, in bytes.
	maxHeld  = 8 << 20
	maxUnits = 1024
)

// lazy decodes keyframes alone while nothing happens. Those access units that it passes over are held
// until the next keyframe has been looked at: if that shows something, they are decoded after all,
// so that the heuristics see all that led to it.
type lazy struct {
	s      *session
	asleep bool
	tidied bool
	since  time.Duration // media time at which it fell asleep
	beat   beat
	units  []wire.AccessUnit // held, the keyframe that was looked at last first; their data lie in data
	data   []byte
	ends   []int
	doze   doze
	spare  spare
}

// beat is the time between keyframes that stand alone.
type beat struct {
	last  time.Duration
	spans [4]time.Duration
	n     int
}

// key takes in a keyframe's media time.
func (b *beat) key(pts time.Duration) {
	if span := pts - b.last; b.n > 0 && span > 0 {
		b.spans[b.n%len(b.spans)] = span
	}
	b.last = pts
	b.n++
}

// late says that no keyframe has come for so long.
func (b *beat) late(span time.Duration) { b.spans[b.n%len(b.spans)] = span }

// short says whether keyframes have come often enough of late.
func (b *beat) short() bool { return b.n > 2 && slices.Max(b.spans[:]) <= longest }

func newLazy(s *session) *lazy {
	return &lazy{s: s, units: make([]wire.AccessUnit, 0, maxUnits), ends: make([]int, 0, maxUnits)}
}

// take decodes an access unit, now, later or never.
func (z *lazy) take(au *wire.AccessUnit) error {
	key := alone(au)
	if key {
		z.beat.key(au.PTS)
	}
	z.spare.count(au)
	if !z.asleep {
		if err := z.s.decode(au); err != nil {
			return err
		}
		if key && z.calm(au) {
			return z.sleep(au)
		}
		return nil
	}
	first := &z.units[0]
	since := au.PTS - first.PTS
	switch {
	case au.Codec != first.Codec || since < -restart:
		z.asleep = false // another stream
		z.clear()
		return z.s.decode(au)
	case len(z.units) == maxUnits || len(z.data)+len(au.Data) > maxHeld:
		z.hold(au)
		return z.wake()
	case since > longest:
		z.beat.late(since)
		z.hold(au)
		return z.wake()
	case !key || since < shortest:
		z.hold(au)
		return nil
	}
	stale := au.PTS-z.since >= refreshEvery && z.s.watch.flickers()
	quiet := false
	if !stale {
		var err error
		if quiet, err = z.glance(au); err != nil {
			return err
		}
	}
	if quiet {
		z.clear()
		z.hold(au)
		return nil
	}
	z.hold(au)
	return z.wake()
}

// calm says whether the keyframe that was decoded last may be the last picture for now of which all is decoded.
func (z *lazy) calm(au *wire.AccessUnit) bool {
	s := z.s
	return z.beat.short() && !z.s.stream.hard.on && z.may() && s.watch.calm(au.PTS)
}

// may says whether pictures may be passed over.
func (z *lazy) may() bool { return z.s.cfg.Lazy && !z.s.falls.active() && !z.s.shown.everything() }

// sleep passes over what follows the keyframe that was decoded last.
func (z *lazy) sleep(au *wire.AccessUnit) error {
	s, key := z.s, *au
	if err := s.stream.drain(); err != nil {
		return err
	}
	if err := s.pictures(); err != nil {
		return err
	}
	if err := z.catchUp(); err != nil {
		return err
	}
	s.stream.flush()
	z.clear()
	if !z.calm(&key) { // for what the decoder had held back
		return z.again(&key)
	}
	z.asleep, z.since = true, key.PTS
	if !z.tidied { // what the start took is not needed again
		z.tidied = true
		debug.FreeOSMemory()
	}
	z.hold(&key)
	return nil
}

// hold keeps an access unit for a while.
func (z *lazy) hold(au *wire.AccessUnit) {
	z.data = append(z.data, au.Data...)
	z.ends = append(z.ends, len(z.data))
	z.units = append(z.units, *au)
	z.units[len(z.units)-1].Data = nil
}

func (z *lazy) clear() { z.units, z.data, z.ends = z.units[:0], z.data[:0], z.ends[:0] }

// glance looks at a keyframe without what is before it. If it shows something new it is
// as if it had not been looked at.
func (z *lazy) glance(au *wire.AccessUnit) (quiet bool, err error) {
	s := z.s
	defer s.stream.flush()
	pic, err := s.still(au)
	if err != nil || pic == nil || !pic.wanted {
		return false, err
	}
	if quiet, err = s.watch.glance(pic, s.snapshot); quiet {
		s.report.next.Analysed++
	}
	return quiet, err
}

// wake looks at all that was put off.
func (z *lazy) wake() error {
	if !z.asleep {
		return z.catchUp()
	}
	z.asleep = false
	from := 0
	for i := range z.units {
		au := &z.units[i]
		au.Data = z.data[from:z.ends[i]]
		from = z.ends[i]
		if err := z.again(au); err != nil {
			return err
		}
		if err := z.s.report.done(au.PTS, true); err != nil {
			return err
		}
	}
	last := z.units[len(z.units)-1]
	if alone(&last) && z.calm(&last) {
		return z.sleep(&last)
	}
	z.clear()
	return nil
}

// again decodes an access unit, of whose pictures those were looked at that are no later than the last
// one analysed.
func (z *lazy) again(au *wire.AccessUnit) error {
	z.s.seen = true
	defer func() { z.s.seen = false }()
	return z.s.decode(au)
}
