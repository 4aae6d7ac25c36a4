//go:build cgo

// Package tamper tells when a camera no longer shows what it was put up to
// show: it was covered, sprayed, defocused, turned away or blinded, or its
// picture stands still while time goes on.
//
// # Method
//
// Pictures are looked at about four times a second, 240 to 480 pixels wide. A
// slow mean of them is the reference, and a quick one stands for the present,
// so that noise and whoever walks by weigh little. Both are cut into 8×6
// blocks. A block with texture in the reference is gone if its gradients no
// longer correlate with the reference's, neither with their sign nor without
// it, or if its fine detail is weaker than its coarse contrast allows. Both are
// blind to gain and offset: neither daylight, nor a lamp, nor infra-red makes
// blocks go. Tampering is when most of them have gone and many stay so for three seconds,
// while the picture is at rest; a bus that drives through is not at rest. What went in more
// than a second could be such a bus with a plain side, which is at rest but for a line here
// and there: then hardly a pixel may change. Where all of the picture moves for four seconds, as
// nothing before a camera makes it, the camera is being turned or its signal is broken. A third
// is enough where as much of the picture has become white: somebody dazzles the camera.
//
// A turn by 15 % of the picture's width is tampering, since the zones are no longer where they were
// drawn; the gradients tell from about 3 %. One that is undone within two seconds is not.
//
// A frozen picture repeats bit for bit. Encoders do that too, where nothing
// happens and noise is filtered out; so it counts at once only in
// blocks whose pictures always differed before, and elsewhere only after longer
// than any encoder goes without a fresh picture.
//
// That no pictures come at all is not seen here.
//
// # End
//
// Tampering is over when the old view is back. A new view with texture of its own is
// taken for the view after five minutes, which ends it too; a camera that sees
// nothing is tampered with for as long as that lasts.
//
// A scene without texture, such as a dark one at night, is not judged.
package tamper

import (
	"math"
	"slices"
	"time"

	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/wire"
	"sentrybox/analytics/zone"
)

const (
	// period is the least media time between pictures that are looked at.
	period = 230 * time.Millisecond
	maxGap = 5 * time.Second // pictures further apart do not follow each other

	learnReference = 60 * time.Second
	learnFast      = 5 * time.Second // after the light jumped
	learnPresent   = 300 * time.Millisecond
	young          = 3 * time.Second // a reference that is not judged by

	goneShare    = 0.65 // of the textured blocks
	glareShare   = 0.3  // the same where the picture is dazzled
	glareRise    = 0.35 // of the pixels that are white now
	churnShare   = 0.45 // the same where all of the picture moves
	restMoving   = 0.4  // of the blocks, at most, at rest
	allMoving    = 0.88 // at least, if all of the picture moves
	calmStirring = 0.1  // in which any pixel changes by more than noise; a lorry's plain side: 0.25
	onsetShare   = 0.3
	backShare    = 0.4
	sudden       = time.Second // from onsetShare to goneShare
	needSudden   = 3 * time.Second
	needGradual  = 3500 * time.Millisecond
	needCalm     = time.Second
	needSwept    = 4 * time.Second // of movement everywhere; a crowd at the lens left gaps after 3 s at most
	needMoving   = 15 * time.Second
	needRest     = time.Second
	needBack     = 2 * time.Second
	acceptAfter  = 5 * time.Minute

	lightJump  = 12 // grey levels, median of the blocks
	lightGrace = 10 * time.Second
)

// Watch holds one camera's view. It is for one goroutine at a time.
type Watch struct {
	view   view
	frozen frozen
	armed  bool
	since  time.Duration // when it was armed last

	started bool
	last    time.Duration // media time of the last picture looked at
	age     time.Duration // of the reference

	onset   time.Duration // when more than onsetShare went
	over    time.Duration // when more than goneShare were gone
	rest    time.Duration // since when the picture has been at rest
	back    time.Duration // since when the view has been back
	going   bool          // onset holds
	gone    bool          // over holds
	resting bool
	calm    bool // calmed holds: hardly a pixel changes
	calmed  time.Duration
	swept   bool // sweep holds: all of the picture moves
	sweep   time.Duration
	coming  bool
	grace   time.Duration // left, after a jump of the light

	bad      bool // the view is tampered with, armed or not
	badSince time.Duration
	share    float64 // of the blocks, at the decision

	open  bool
	event behaviour.Event
	out   [1]behaviour.Event
}

// New returns a watch for pictures of a size, in pixels. The pixels of ignore,
// which may be nil and else has that size, are not looked at.
func New(width, height int, ignore *zone.Mask, armed bool) *Watch {
	w := &Watch{armed: armed}
	w.Resize(width, height, ignore)
	return w
}

// Resize begins anew with pictures of another size: their first one is the
// view, and a tampering that is open ends with it.
func (w *Watch) Resize(width, height int, ignore *zone.Mask) {
	w.view.init(width, height, ignore)
	w.frozen.init()
	w.started, w.going, w.gone, w.resting, w.coming, w.calm, w.swept, w.bad = false, false, false, false, false, false, false, false
	w.age, w.grace, w.back = 0, 0, w.last
}

// Arm arms or disarms the rule at a media time. Disarming ends a tampering; a
// camera that is tampered with when the rule becomes armed begins one with the next picture.
func (w *Watch) Arm(armed bool, now time.Duration) []behaviour.Event {
	if armed && !w.armed {
		w.since = now
	}
	w.armed = armed
	if !armed && w.open {
		return w.end(now)
	}
	return nil
}

// Finish ends a tampering since nothing more will be seen.
func (w *Watch) Finish() []behaviour.Event {
	if !w.open {
		return nil
	}
	return w.end(w.last)
}

func (w *Watch) end(at time.Duration) []behaviour.Event {
	w.open = false
	e := w.event
	e.Phase, e.End = wire.Ended, max(at, e.Start)
	return w.say(e)
}

func (w *Watch) say(e behaviour.Event) []behaviour.Event {
	w.out[0] = e
	return w.out[:]
}

// Step takes in a picture. What it returns is valid until the next call.
func (w *Watch) Step(s *behaviour.Scene) []behaviour.Event { return w.look(s.Pix, s.Time, s.Glance) }

func (w *Watch) look(luma []byte, t time.Duration, glance bool) []behaviour.Event {
	if w.started && t-w.last < period && t >= w.last {
		return nil
	}
	step := t - w.last
	if !w.started || step > maxGap || step < 0 {
		// What happened in between is unknown; the reference still holds.
		w.going, w.gone, w.resting, w.coming, w.calm, w.swept = false, false, false, false, false, false
		w.view.fresh = true
		step = 0
	}
	w.started, w.last = true, t
	w.view.take(luma, step)
	switch {
	case step == 0:
		w.frozen.restart()
	case glance:
		w.frozen.glance(&w.view, step)
	default:
		w.frozen.step(&w.view, w.grace == 0, step, t)
	}
	w.judge(t)
	w.learn(step)
	return w.report(t)
}

// judge moves the clocks and decides whether the view is tampered with.
func (w *Watch) judge(t time.Duration) {
	v := &w.view
	v.compare(w.grace > 0)
	dazzled := v.glare-v.refGlare > glareRise
	limit, most := goneShare, restMoving
	switch {
	case dazzled:
		limit, most = glareShare, allMoving
	case v.moving > allMoving:
		limit = churnShare
	}
	clock(&w.resting, &w.rest, v.moving <= most, t)
	clock(&w.calm, &w.calmed, v.stirring <= calmStirring, t)
	clock(&w.swept, &w.sweep, v.moving > allMoving, t)
	clock(&w.going, &w.onset, v.gone > onsetShare, t)
	clock(&w.gone, &w.over, v.gone > limit || w.gone && v.gone > onsetShare, t)
	if w.bad {
		w.recover(t)
		return
	}
	if w.frozen.is {
		w.bad, w.badSince, w.share, w.coming = true, w.frozen.from, 1, false
		return
	}
	if !w.gone || w.age < young {
		return
	}
	lost := t - w.over
	var decided bool
	switch {
	case lost < needSudden:
	case w.over-w.onset <= sudden:
		decided = w.resting && t-w.rest >= needRest
	default: // something large may have moved before the lens, and move on
		decided = lost >= needGradual && w.calm && t-w.calmed >= needCalm
	}
	// Nothing but the camera's own turning, or a broken signal, moves all of the picture for so long.
	if decided || lost >= needSudden && w.swept && t-w.sweep >= needSwept || lost >= needMoving {
		w.bad, w.badSince, w.share, w.coming = true, w.onset, v.gone, false
	}
}

// recover decides whether the view is back, or another is taken for it.
func (w *Watch) recover(t time.Duration) {
	v := &w.view
	clock(&w.coming, &w.back, v.gone < backShare && !w.frozen.is, t)
	switch {
	case w.coming && t-w.back >= needBack:
		w.bad = false
	case t-w.badSince >= acceptAfter && !w.frozen.is && v.textured() >= minTextured:
		w.bad, w.back = false, t
		v.adopt()
		w.age = 0
	}
	if !w.bad {
		w.going, w.gone = false, false
	}
}

// clock notes in at since when on has held.
func clock(is *bool, at *time.Duration, on bool, t time.Duration) {
	if on && !*is {
		*at = t
	}
	*is = on
}

// learn takes the present into the reference unless something is amiss.
func (w *Watch) learn(step time.Duration) {
	v := &w.view
	w.grace = max(w.grace-step, 0)
	if math.Abs(v.lightStep) > lightJump && v.gone < onsetShare {
		w.grace = lightGrace
	}
	if w.bad || w.gone || w.frozen.run > time.Second {
		return
	}
	w.age += step
	tau := learnReference
	switch {
	case w.age < young:
		tau = min(learnReference, max(w.age, time.Second))
	case w.grace > 0 && w.grace < lightGrace-2*time.Second && v.gone < onsetShare:
		tau = learnFast
	}
	v.learn(step, tau)
}

// report turns the state into events.
func (w *Watch) report(t time.Duration) []behaviour.Event {
	switch {
	case w.open && !w.bad:
		return w.end(w.back)
	case !w.open && w.bad && w.armed:
		w.open = true
		w.event = behaviour.Event{Phase: wire.Begun, Number: w.event.Number + 1, Start: max(w.badSince, w.since),
			Detected: t,
			Box:      wire.Box{0, 0, 1, 1}, Confidence: min(0.5+0.5*w.share, 1)}
		return w.say(w.event)
	}
	return nil
}

// median returns the median of v, which it sorts; 0 of nothing.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)/2]
}
