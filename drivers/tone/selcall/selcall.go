package selcall

import (
	"math"
	"slices"

	"sentrybox/drivers/tone"
)

// The digits that a call may have. All but five are rare.
const (
	MinDigits = 3
	MaxDigits = 8
)

// What counts as a tone of a call, and as a call.
const (
	minLevel  = 10e-3 // amplitude; −40 dB of full scale
	minRatio  = 0.55  // of the power that the tone has
	maxOff    = 0.026 // of the nominal frequency; neighbours are 6 % apart
	maxWander = 24.0  // Hz, root mean square
	shortest  = 0.75  // of the system's length
	longest   = 1.5
	longFirst = 1.2 // seconds: a first tone that wakes sleeping receivers
	bridge    = 0.3 // of the system's length, between two tones of a call
)

// Call is one that was heard.
type Call struct {
	System string
	// Digits have the repeat tones resolved.
	Digits string
	// Hop is the bank's hop at which it was over.
	Hop int64
}

// Decoder finds calls of some systems in what a bank hears. It is used by one goroutine.
type Decoder struct {
	bank  *tone.Bank
	freqs []float64 // of the bank's places, ascending
	at    []int
	lines []line
}

// New returns a Decoder on a bank, before anything is written to it. Of two systems that
// both understand a call the first reports it. lengths are how many digits a call has; five if
// none is given.
func New(b *tone.Bank, systems []System, lengths ...int) *Decoder {
	d := &Decoder{bank: b}
	if len(lengths) == 0 {
		lengths = []int{5}
	}
	for _, s := range systems {
		l := line{system: s, hops: s.Tone.Seconds() / b.HopSeconds()}
		for _, n := range lengths {
			if n >= MinDigits && n <= MaxDigits {
				l.lengths[n] = true
			}
		}
		d.lines = append(d.lines, l)
		d.freqs = append(d.freqs, s.Frequencies[:]...)
	}
	slices.Sort(d.freqs)
	d.freqs = slices.Compact(d.freqs)
	for _, f := range d.freqs {
		d.at = append(d.at, b.Index(f))
	}
	return d
}

// Hop looks at the bank's newest hop and returns a call that is over now. Its digits are the
// only thing that is allocated.
func (d *Decoder) Hop() (Call, bool) {
	freq, off := d.hear()
	var call Call
	found := false
	for i := range d.lines {
		l := &d.lines[i]
		if l.hop(freq, off) && !found {
			call, found = Call{l.system.Name, l.number(), d.bank.Hop()}, true
		}
		if l.over {
			l.reset()
		}
	}
	return call, found
}

// hear returns the frequency of a lone tone, 0 for none, and how far it is from the bank's nominal one.
func (d *Decoder) hear() (freq, off float64) {
	at, most := -1, float32(0)
	for i, k := range d.at {
		if s := d.bank.Square(k); s > most {
			at, most = i, s
		}
	}
	if at < 0 {
		return 0, 0
	}
	square, hz := d.bank.Tone(d.at[at])
	if square < minLevel*minLevel || square/2 < minRatio*d.bank.Power() {
		return 0, 0
	}
	return d.freqs[at] + float64(hz), float64(hz)
}

// line follows one system.
type line struct {
	system  System
	hops    float64 // of a tone
	lengths [MaxDigits + 1]bool

	digit  int // now, -1 for none
	run    int // hops of it
	gap    int // hops since
	weight float64
	mean   float64
	square float64

	seq  [MaxDigits]byte
	n    int
	bad  bool // this is no call: wait for silence
	over bool
}

func (l *line) reset() {
	l.digit, l.run, l.gap, l.n, l.bad, l.over = -1, 0, 0, 0, false, false
	l.weight, l.mean, l.square = 0, 0, 0
}

// hop takes the frequency that is heard and reports whether a call has ended with it.
func (l *line) hop(freq, _ float64) bool {
	if l.run == 0 && l.n == 0 && !l.bad {
		l.digit = -1
	}
	digit, off := l.nearest(freq)
	switch {
	case digit < 0:
		l.gap++
		if l.gap == 1 {
			return false
		}
		return l.quiet()
	case l.run > 0 && digit == l.digit && float64(l.gap) <= bridge*l.hops+2:
		l.run += l.gap + 1
	default:
		l.close()
		l.digit, l.run = digit, 1
		l.weight, l.mean, l.square = 0, 0, 0
	}
	l.gap = 0
	l.weight++
	l.mean += off
	l.square += off * off
	return false
}

// quiet is a hop without a tone: a call ends when it is silent for longer than between tones.
func (l *line) quiet() bool {
	if float64(l.gap) < bridge*l.hops+4 {
		return false
	}
	l.close()
	complete := !l.bad && l.n <= MaxDigits && l.lengths[l.n]
	l.over = true
	return complete
}

// close ends the tone that was heard, and takes it as the next digit or gives the call up.
func (l *line) close() {
	run := float64(l.run)
	l.run = 0
	if run == 0 {
		return
	}
	// Where two tones meet, neither is heard alone for about two hops.
	run += 2
	if run < 0.25*l.hops {
		return // a click, or the edge between two tones
	}
	mean := l.mean / l.weight
	wander := math.Sqrt(max(0, l.square/l.weight-mean*mean))
	longestRun := longest * l.hops
	if l.n == 0 {
		longestRun = longFirst * tone.HopsPerSecond
	}
	nominal := l.system.Frequencies[l.digit]
	if run < shortest*l.hops || run > longestRun || l.n == MaxDigits || wander > maxWander || math.Abs(mean) > maxOff*nominal ||
		l.n > 0 && l.seq[l.n-1] == digits[l.digit] {
		if l.n == 0 && run < shortest*l.hops {
			return
		}
		l.bad = true
		return
	}
	l.seq[l.n] = digits[l.digit]
	l.n++
}

// nearest returns the digit of a frequency and how far that is off in hertz; -1 for none.
func (l *line) nearest(freq float64) (digit int, off float64) {
	if freq == 0 {
		return -1, 0
	}
	best, least := -1, math.Inf(1)
	for i, f := range l.system.Frequencies {
		if d := math.Abs(freq-f) / f; d < least {
			best, least = i, d
		}
	}
	if least > 1.25*maxOff {
		return -1, 0
	}
	return best, freq - l.system.Frequencies[best]
}

// number resolves repeats.
func (l *line) number() string {
	var out [MaxDigits]byte
	for i := range l.n {
		out[i] = l.seq[i]
		if i > 0 && out[i] == Repeat {
			out[i] = out[i-1]
		}
	}
	return string(out[:l.n])
}
