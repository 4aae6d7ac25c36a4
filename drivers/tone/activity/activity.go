// Package activity tells whether a channel is in use, and whether somebody speaks on it.
//
// A receiver with its squelch closed is silent, so a carrier is a level: the power of 20 ms
// above a threshold, half of it for what goes on, and it is over after a hang time in
// which it was quiet, as words have pauses. A receiver whose squelch is open hisses instead, and
// falls quiet when a carrier comes: such a channel needs its squelch, or a louder threshold.
//
// A voice is a carrier with a pitch: the normalised autocorrelation of 32 ms, at the lags of 60
// to 400 Hz, exceeds a half in a good part of the last second (after L. Rabiner, On the use of
// autocorrelation analysis for pitch detection, 1977), while neither hiss nor a tone that
// keeps still does.
package activity

import (
	"fmt"
	"math"

	"sentrybox/drivers/tone"
)

const (
	frameSeconds = 0.02
	pitchRate    = 4000 // samples a second of the pitch's signal, about
	lowPitch     = 60
	highPitch    = 400
	voiced       = 0.5 // of the autocorrelation
	memory       = 50  // frames
	enough       = 10  // voiced frames of them
	clipped      = 0.985
)

// Config says what counts. Zero values are defaults.
type Config struct {
	// Threshold is the level in dB of full scale above which a channel is in use; -40 if 0.
	Threshold float64
	// Hang is how many seconds of quiet end it; 0.8 if 0.
	Hang float64
}

// State is what is heard now.
type State struct {
	Carrier bool
	Voice   bool    // somebody speaks, or did within the last second
	Level   float64 // dB of full scale of the last 20 ms, -120 for nothing
	Peak    float64 // largest sample of the last second, 1 is full scale
	Clipped float64 // part of the last second's frames that had clipped samples
}

// Detector follows a channel. It is used by one goroutine and allocates nothing.
type Detector struct {
	on, off  float64
	frame    int
	hang     int
	decimate int

	n         int
	sum, peak float64
	clips     int

	low    []float64 // the pitch's signal: the newest window, oldest first
	lowSum float64
	lowN   int
	fresh  int
	lagMin int
	lagMax int

	quiet  int
	state  State
	voices [memory]bool
	peaks  [memory]float64
	clip   [memory]bool
	at     int
}

// New returns a Detector for a sample rate.
func New(rate int, c Config) (*Detector, error) {
	if rate < tone.MinRate || rate > tone.MaxRate {
		return nil, fmt.Errorf("%w %d: want %d to %d", tone.ErrRate, rate, tone.MinRate, tone.MaxRate)
	}
	if c.Threshold == 0 {
		c.Threshold = -40
	}
	if c.Hang == 0 {
		c.Hang = 0.8
	}
	if c.Threshold < -100 || c.Threshold > 0 || c.Hang < 0 || c.Hang > 60 {
		return nil, fmt.Errorf("threshold %g dB, hang %g s: want -100 to 0 and 0 to 60", c.Threshold, c.Hang)
	}
	d := &Detector{
		on: math.Pow(10, c.Threshold/10), frame: int(frameSeconds * float64(rate)),
		hang: int(c.Hang / frameSeconds), decimate: max(1, rate/pitchRate),
	}
	d.off = d.on / 4
	per := float64(rate) / float64(d.decimate)
	d.low = make([]float64, int(0.032*per))
	d.lagMin, d.lagMax = int(per/highPitch), int(per/lowPitch)
	d.state.Level = -120
	return d, nil
}

// State returns what was heard by now.
func (d *Detector) State() State { return d.state }

// Write takes samples, full scale being 1, and reports whether Carrier or Voice changed.
func (d *Detector) Write(x []float32) bool {
	changed := false
	for _, v := range x {
		s := float64(v)
		d.sum += s * s
		if s < 0 {
			s = -s
		}
		d.peak = max(d.peak, s)
		if s >= clipped {
			d.clips++
		}
		d.pitch(float64(v))
		if d.n++; d.n == d.frame {
			changed = d.end() || changed
		}
	}
	return changed
}

// pitch feeds the signal in which pitches are looked for: averaged down.
func (d *Detector) pitch(v float64) {
	d.lowSum += v
	if d.lowN++; d.lowN < d.decimate {
		return
	}
	if d.fresh == 0 {
		// Half of the window moves out at once, and not every sample.
		half := len(d.low) / 2
		copy(d.low, d.low[half:])
		d.fresh = len(d.low) - half
	}
	d.low[len(d.low)-d.fresh] = d.lowSum / float64(d.decimate)
	d.fresh--
	d.lowSum, d.lowN = 0, 0
}

// end closes a frame.
func (d *Detector) end() bool {
	before := d.state
	power := d.sum / float64(d.n)
	d.state.Level = max(-120, 10*math.Log10(power+1e-13))
	switch {
	case power > d.on || d.state.Carrier && power > d.off:
		d.state.Carrier, d.quiet = true, 0
	case d.state.Carrier:
		if d.quiet++; d.quiet > d.hang {
			d.state.Carrier = false
		}
	}
	d.voices[d.at] = power > d.off && d.state.Carrier && d.fresh == 0 && d.periodic()
	d.peaks[d.at], d.clip[d.at] = d.peak, d.clips > 1
	d.at = (d.at + 1) % memory
	d.remember()
	d.n, d.sum, d.peak, d.clips = 0, 0, 0, 0
	return before.Carrier != d.state.Carrier || before.Voice != d.state.Voice
}

// remember sums the last second up.
func (d *Detector) remember() {
	voices, clips := 0, 0
	d.state.Peak = 0
	for i := range memory {
		if d.voices[i] {
			voices++
		}
		if d.clip[i] {
			clips++
		}
		d.state.Peak = max(d.state.Peak, d.peaks[i])
	}
	d.state.Clipped = float64(clips) / memory
	need := enough
	if d.state.Voice {
		need = 1
	}
	d.state.Voice = d.state.Carrier && voices >= need
}

// periodic says whether the newest window has a pitch.
func (d *Detector) periodic() bool {
	var mean float64
	for _, v := range d.low {
		mean += v
	}
	mean /= float64(len(d.low))
	best := 0.0
	for lag := d.lagMin; lag <= d.lagMax && lag < len(d.low)-d.lagMin; lag++ {
		var xy, xx, yy float64
		for i, y := range d.low[lag:] {
			x := d.low[i] - mean
			y -= mean
			xy += x * y
			xx += x * x
			yy += y * y
		}
		if xx <= 0 || yy <= 0 {
			continue
		}
		best = max(best, xy/math.Sqrt(xx*yy))
	}
	// A steady tone is one to the last digit; a voice is not.
	return best > voiced && best < 0.995
}
