package tone

import (
	"errors"
	"fmt"
	"math"
)

// Rates that a Bank can be made for, in samples a second.
const (
	MinRate = 8000
	MaxRate = 48000
)

// ErrRate means a sample rate that decoders cannot work at.
var ErrRate = errors.New("sample rate")

const (
	stepsPerSecond = 800
	steps          = 16 // of a window
	stepsPerHop    = 2
)

// HopsPerSecond is how many hops a second has; exactly so at rates that 800 divides.
const HopsPerSecond = stepsPerSecond / stepsPerHop

// Bank measures frequencies. It is used by one goroutine.
type Bank struct {
	rate, step int
	hopSeconds float64
	highPass   biquad

	freqs []float64
	// Of each frequency: an oscillator over one step, the turn of a step, and the
	// oscillator's phase at the present step.
	re, im []float32 // freqs × step
	turn   []complex128
	phase  []complex128

	block  []float32 // the present step
	filled int
	parts  []complex64 // freqs × steps, a ring
	energy [steps]float32
	at     int // the ring's next place
	parity int

	window    [steps]float32
	gain      float32 // amplitude of a sine from the absolute value of its sum
	powerGain float32 // mean square from the window's energy

	sums, before []complex64
	power        float32
	hops         int64
}

// NewBank returns a Bank for a rate of MinRate to MaxRate samples a second.
func NewBank(rate int) (*Bank, error) {
	if rate < MinRate || rate > MaxRate {
		return nil, fmt.Errorf("%w %d: want %d to %d", ErrRate, rate, MinRate, MaxRate)
	}
	step := (rate + stepsPerSecond/2) / stepsPerSecond
	b := &Bank{rate: rate, step: step, block: make([]float32, step), hopSeconds: float64(step*stepsPerHop) / float64(rate)}
	b.highPass = newHighPass(300, float64(rate))
	var sum, square float64
	for i := range b.window {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/steps)
		b.window[i] = float32(w)
		sum += w
		square += w * w
	}
	b.gain = float32(2 / (sum * float64(step)))
	b.powerGain = float32(1 / (square * float64(step)))
	return b, nil
}

// Index has the Bank measure a frequency in hertz, and returns its place. It is
// called before the first Write. A frequency that is measured already is not measured again.
func (b *Bank) Index(freq float64) int {
	for i, f := range b.freqs {
		if f == freq {
			return i
		}
	}
	omega := 2 * math.Pi * freq / float64(b.rate)
	for i := range b.step {
		s, c := math.Sincos(-omega * float64(i))
		b.re, b.im = append(b.re, float32(c)), append(b.im, float32(s))
	}
	s, c := math.Sincos(-omega * float64(b.step))
	b.freqs = append(b.freqs, freq)
	b.turn, b.phase = append(b.turn, complex(c, s)), append(b.phase, 1)
	b.parts = append(b.parts, make([]complex64, steps)...)
	b.sums, b.before = append(b.sums, 0), append(b.before, 0)
	return len(b.freqs) - 1
}

// Write takes samples, full scale being 1, as far as the next hop. It returns how many it
// took, and whether a hop is there to be looked at.
func (b *Bank) Write(x []float32) (n int, hop bool) {
	for n < len(x) {
		b.block[b.filled] = b.highPass.next(x[n])
		n++
		if b.filled++; b.filled < b.step {
			continue
		}
		b.filled = 0
		b.add()
		if b.parity++; b.parity == stepsPerHop {
			b.parity = 0
			b.look()
			return n, true
		}
	}
	return n, false
}

// add puts the step into the ring.
func (b *Bank) add() {
	var e float32
	for _, x := range b.block {
		e += x * x
	}
	b.energy[b.at] = e
	for k := range b.freqs {
		from := k * b.step
		re, im := b.re[from:from+b.step], b.im[from:from+b.step]
		block := b.block[:len(re)]
		im = im[:len(re)]
		var sumRe, sumIm float32
		for i, x := range block {
			sumRe += x * re[i]
			sumIm += x * im[i]
		}
		p := b.phase[k]
		b.parts[k*steps+b.at] = complex64(complex(float64(sumRe), float64(sumIm)) * p)
		p *= b.turn[k]
		// One step of Newton keeps it on the unit circle.
		b.phase[k] = p * complex(1.5-0.5*(real(p)*real(p)+imag(p)*imag(p)), 0)
	}
	b.at = (b.at + 1) % steps
}

// look sums the window that ends with the newest step.
func (b *Bank) look() {
	b.sums, b.before = b.before, b.sums
	var e float32
	for i, w := range b.window {
		e += w * w * b.energy[(b.at+i)%steps]
	}
	b.power = e * b.powerGain
	for k := range b.freqs {
		ring := b.parts[k*steps : k*steps+steps]
		var re, im float32
		for i, w := range b.window {
			p := ring[(b.at+i)%steps]
			re += w * real(p)
			im += w * imag(p)
		}
		b.sums[k] = complex(re, im)
	}
	b.hops++
}

// Hop returns the number of hops so far.
func (b *Bank) Hop() int64 { return b.hops }

// HopSeconds returns how long a hop is.
func (b *Bank) HopSeconds() float64 { return b.hopSeconds }

// Power returns the mean square of the present window, above 300 Hz.
func (b *Bank) Power() float32 { return b.power }

// Square returns the squared amplitude of the sine at a place, as it is at the nominal frequency.
func (b *Bank) Square(k int) float32 {
	s := b.sums[k]
	return (real(s)*real(s) + imag(s)*imag(s)) * b.gain * b.gain
}

// Tone returns the sine near the frequency at a place: its squared amplitude, corrected for
// being off, and how far it is off in hertz, within ±HopsPerSecond/2.
func (b *Bank) Tone(k int) (square, offset float32) {
	s, o := b.sums[k], b.before[k]
	turn := math.Atan2(float64(imag(s)*real(o)-real(s)*imag(o)), float64(real(s)*real(o)+imag(s)*imag(o)))
	off := turn / (2 * math.Pi * b.hopSeconds)
	r := response(off * float64(steps*b.step) / float64(b.rate))
	return b.Square(k) / float32(r*r), float32(off)
}

// response is what the window lets through of a sine that is x bins off, a bin being
// one divided by the window's length; never less than a quarter, for that is no tone any more.
func response(x float64) float64 {
	if x < 0 {
		x = -x
	}
	if x < 1e-3 {
		return 1
	}
	if x > 1.5 {
		return 0.25
	}
	if math.Abs(x-1) < 1e-3 {
		return 0.5
	}
	r := math.Sin(math.Pi*x) / (math.Pi * x * (1 - x*x))
	return max(r, 0.25)
}

// biquad is a filter of the second order, direct form 2 transposed.
type biquad struct {
	b0, b1, b2, a1, a2 float32
	s1, s2             float32
}

// newHighPass returns a Butterworth high-pass (R. Bristow-Johnson, Cookbook formulae for
// audio EQ biquad filter coefficients). It takes away hum and the sub-audible tones of CTCSS.
func newHighPass(corner, rate float64) biquad {
	s, c := math.Sincos(2 * math.Pi * corner / rate)
	alpha := s / math.Sqrt2
	a0 := 1 + alpha
	return biquad{
		b0: float32((1 + c) / 2 / a0), b1: float32(-(1 + c) / a0), b2: float32((1 + c) / 2 / a0),
		a1: float32(-2 * c / a0), a2: float32((1 - alpha) / a0),
	}
}

func (f *biquad) next(x float32) float32 {
	y := f.b0*x + f.s1
	f.s1 = f.b1*x - f.a1*y + f.s2
	f.s2 = f.b2*x - f.a2*y
	return y
}
