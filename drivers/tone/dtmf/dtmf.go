// Package dtmf decodes and makes the push-button signals of ITU-T Q.23, decoded to the
// limits of ITU-T Q.24.
//
// Q.24 leaves values to administrations; these are taken: a tone within 1.5 % is accepted
// and one that is off by 3.5 % is not; 40 ms are accepted and 23 ms are not; pauses of 40 ms
// part two digits and gaps of 10 ms do not; the upper tone may be 4 dB above or 8 dB below
// the lower; levels of 0 to −25 dBm0 a tone. In digital telephony 0 dBm0 is 3.17 dB below the
// largest sine (ITU-T G.711).
//
// Speech is kept out by asking for more than levels: the two tones must be nearly all
// that is heard, each within its limits by the turn of its phase, and steady in
// frequency and level as a voice is not.
package dtmf

import (
	"math"

	"sentrybox/drivers/tone"
)

// Digits are all digits, by row and column.
const Digits = "123A456B789C*0#D"

// rows and columns return the frequencies of ITU-T Q.23 in hertz.
func rows() [4]float64    { return [4]float64{697, 770, 852, 941} }
func columns() [4]float64 { return [4]float64{1209, 1336, 1477, 1633} }

// Tones returns the two frequencies of a digit in hertz, or false if it is none.
func Tones(digit byte) (low, high float64, ok bool) {
	for i := range Digits {
		if Digits[i] == digit {
			return rows()[i/4], columns()[i%4], true
		}
	}
	return 0, 0, false
}

// What counts as a digit.
const (
	minLevel     = 10e-3 // amplitude of the weaker tone; −40 dB of full scale
	minRatio     = 0.58  // of the power that the two tones have, in a hop that counts
	meanRatio    = 0.78  // and on the average: noise 5.5 dB below them
	maxForward   = 4.0   // the upper tone's power to the lower's: 6 dB
	maxReverse   = 10.0  // and the lower's to the upper's: 10 dB
	maxOff       = 0.024 // of the nominal frequency
	maxGap       = 0.021 // seconds within one digit
	minSpan      = 0.0262
	minHeard     = 0.019 // of the span, without gaps
	settle       = 4     // hops at either edge where the window is not full yet
	maxWander    = 9.0   // Hz, root mean square
	maxVariation = 0.25  // of the amplitude, root mean square
)

// Digit is one that was pressed.
type Digit struct {
	Digit byte
	// Hop is the bank's hop at which it was sure.
	Hop int64
}

// Decoder finds digits in what a bank hears. It is used by one goroutine.
type Decoder struct {
	bank *tone.Bank
	low  [4]int
	high [4]int
	run  run
	next run // of another digit, while the present one may still go on
}

// run is one digit going on.
type run struct {
	digit byte
	hops  int // from the first to the last hit
	hits  int
	gap   int // since the last hit
	done  bool
	stats stats
}

// New returns a Decoder on a bank, before anything is written to it.
func New(b *tone.Bank) *Decoder {
	d := &Decoder{bank: b}
	for i := range 4 {
		d.low[i], d.high[i] = b.Index(rows()[i]), b.Index(columns()[i])
	}
	return d
}

// Hop looks at the bank's newest hop. It reports a digit once, when it is sure, which is
// about 20 ms after 26 ms of it were heard.
func (d *Decoder) Hop() (Digit, bool) {
	h := d.hear()
	r := &d.run
	gapHops := int(maxGap/d.bank.HopSeconds() + 0.5)
	switch {
	case r.digit == 0:
		if h.digit != 0 {
			*r = run{}
			r.take(h)
		}
	case h.digit == r.digit:
		r.take(h)
		d.next = run{}
	default:
		r.gap++
		if h.digit == 0 || h.digit != d.next.digit {
			d.next = run{}
		}
		if h.digit != 0 {
			d.next.take(h)
		}
		if r.gap > gapHops || d.next.hits >= 3 {
			*r, d.next = d.next, run{}
		}
	}
	if r.digit == 0 || r.done || r.gap > 0 {
		return Digit{}, false
	}
	return d.judge(r)
}

// judge says whether a run is a digit by now.
func (d *Decoder) judge(r *run) (Digit, bool) {
	hop := d.bank.HopSeconds()
	if float64(r.hops)*hop < minSpan || float64(r.hits)*hop < minHeard {
		return Digit{}, false
	}
	if !r.stats.steady(r.digit) {
		// It may still settle: a digit after a click. A voice does not.
		return Digit{}, false
	}
	r.done = true
	return Digit{Digit: r.digit, Hop: d.bank.Hop()}, true
}

func (r *run) take(h heard) {
	r.digit = h.digit
	r.hops += r.gap + 1
	r.gap = 0
	r.hits++
	r.stats.add(h)
}

// heard is what one hop says.
type heard struct {
	digit     byte // 0 for none
	low, high float32
	offLow    float32 // Hz
	offHigh   float32
	ratio     float32
}

func (d *Decoder) hear() heard {
	l, h := d.best(&d.low), d.best(&d.high)
	lowSquare, offLow := d.bank.Tone(d.low[l])
	highSquare, offHigh := d.bank.Tone(d.high[h])
	switch {
	case lowSquare < minLevel*minLevel || highSquare < minLevel*minLevel,
		highSquare > maxForward*lowSquare, lowSquare > maxReverse*highSquare,
		(lowSquare+highSquare)/2 < minRatio*d.bank.Power(),
		off(offLow, rows()[l]) > 2*maxOff, off(offHigh, columns()[h]) > 2*maxOff:
		return heard{}
	}
	return heard{Digits[4*l+h], sqrt(lowSquare), sqrt(highSquare), offLow, offHigh, (lowSquare + highSquare) / 2 / d.bank.Power()}
}

func (d *Decoder) best(places *[4]int) int {
	at, most := 0, float32(-1)
	for i, k := range places {
		if s := d.bank.Square(k); s > most {
			at, most = i, s
		}
	}
	return at
}

func off(hz float32, nominal float64) float64 { return math.Abs(float64(hz)) / nominal }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
