package mdc1200

import (
	"fmt"
	"math"

	"sentrybox/drivers/tone"
)

const (
	baud   = 1200
	centre = 1500

	maxSyncErrors = 5
	minCoherence  = 0.36 // of the sync word's correlation, squared; 0.83 without noise
	maxWrong      = 12   // bits of a block that may be wrong
	pendings      = 4
	slack         = 1.01 // of the time that a block takes
	ringBits      = syncBits + 2*blockBits + 24
)

// Decoder finds bursts in a signal. It is used by one goroutine and allocates nothing while it works.
type Decoder struct {
	bit    float64 // samples of a bit
	pulse  []float32
	mixer  complex128 // the centre's oscillator and its turn
	turn   complex128
	mixed  []complex64 // the newest len(pulse), a ring
	mixAt  int
	z      []complex64 // filtered: a ring
	energy []float32
	n      int64 // samples so far
	sync   [syncBits]float32
	lag    [syncBits]int64     // of each bit of the sync word, in samples before the last
	turns  [syncBits]complex64 // what turns each to the same phase

	open  [pendings]pending
	t     trellis
	found Packet
}

// pending is a sync word whose block is on its way.
type pending struct {
	at    int64 // the sample at which its last bit ends; 0 for none
	value float32
	due   int64
	wide  bool // the second block is waited for too
}

// New returns a Decoder for a rate of tone.MinRate to tone.MaxRate samples a second.
func New(rate int) (*Decoder, error) {
	if rate < tone.MinRate || rate > tone.MaxRate {
		return nil, fmt.Errorf("%w %d: want %d to %d", tone.ErrRate, rate, tone.MinRate, tone.MaxRate)
	}
	d := &Decoder{bit: float64(rate) / baud, mixer: 1}
	s, c := math.Sincos(-2 * math.Pi * centre / float64(rate))
	d.turn = complex(c, s)
	half := int(d.bit)
	for i := -half; i <= half; i++ {
		d.pulse = append(d.pulse, float32(math.Cos(math.Pi*float64(i)/(2*d.bit))/d.bit))
	}
	d.mixed = make([]complex64, len(d.pulse))
	size := 1
	for float64(size) < ringBits*d.bit {
		size *= 2
	}
	d.z, d.energy = make([]complex64, size), make([]float32, size)
	word := uint64(syncWord)
	for i := range syncBits {
		d.sync[i] = float32(2*int(word>>(syncBits-1-i)&1) - 1)
		d.lag[i] = int64(float64(syncBits-1-i)*d.bit + 0.5)
		d.turns[i] = quarter(i) * complex(d.sync[i], 0)
	}
	return d, nil
}

// quarter is the turn of a quarter of a circle, i times.
func quarter(i int) complex64 { return [4]complex64{1, 1i, -1, -1i}[i&3] }

// Write takes samples up to the end of the next packet. It returns how many it took, and
// whether a packet is there for Packet to return.
func (d *Decoder) Write(x []float32) (n int, packet bool) {
	for i, v := range x {
		d.filter(v)
		d.seek()
		for p := range d.open {
			if o := &d.open[p]; o.at != 0 && d.n >= o.due && d.read(o) {
				return i + 1, true
			}
		}
	}
	return len(x), false
}

// Packet returns the newest packet.
func (d *Decoder) Packet() Packet { return d.found }

// filter mixes a sample down and puts the matched filter's output into the ring. What
// stands at place n is the filter centred half a pulse earlier.
func (d *Decoder) filter(v float32) {
	m := complex64(d.mixer)
	d.mixer *= d.turn
	r := d.mixer
	d.mixer = r * complex(1.5-0.5*(real(r)*real(r)+imag(r)*imag(r)), 0)
	d.mixed[d.mixAt] = complex(v*real(m), v*imag(m))
	if d.mixAt++; d.mixAt == len(d.mixed) {
		d.mixAt = 0
	}
	var re, im float32
	older, newer := d.mixed[d.mixAt:], d.mixed[:d.mixAt]
	pulse := d.pulse[:len(older)]
	for i, c := range older {
		re += pulse[i] * real(c)
		im += pulse[i] * imag(c)
	}
	pulse = d.pulse[len(older):]
	pulse = pulse[:len(newer)]
	for i, c := range newer {
		re += pulse[i] * real(c)
		im += pulse[i] * imag(c)
	}
	at := int(d.n) & (len(d.z) - 1)
	d.z[at], d.energy[at] = complex(re, im), re*re+im*im
	d.n++
}

// seek looks for a sync word that ends with the newest sample.
func (d *Decoder) seek() {
	last := d.n - 1
	mask := int64(len(d.z) - 1)
	var c complex64
	var e float32
	for i := range syncBits {
		at := (last - d.lag[i]) & mask
		c += d.z[at] * d.turns[i]
		e += d.energy[at]
	}
	value := real(c)*real(c) + imag(c)*imag(c)
	if e < 1e-7 || value < minCoherence*syncBits*e || d.syncErrors(last, c) > maxSyncErrors {
		return
	}
	d.note(last, value/e)
}

// syncErrors counts the bits of a sync word that are wrong when it is turned by its own phase.
func (d *Decoder) syncErrors(last int64, c complex64) int {
	mask, wrong := int64(len(d.z)-1), 0
	for i := range syncBits {
		z := d.z[(last-d.lag[i])&mask] * d.turns[i]
		if real(z)*real(c)+imag(z)*imag(c) <= 0 {
			wrong++
		}
	}
	return wrong
}

// note keeps a sync word, the best of those that are a bit apart at the most.
func (d *Decoder) note(at int64, value float32) {
	due := at + int64(blockBits*slack*d.bit) + 2
	free := -1
	for i := range d.open {
		o := &d.open[i]
		if o.at == 0 {
			free = i
			continue
		}
		if at-o.at <= int64(d.bit) && !o.wide {
			if value > o.value {
				o.at, o.value, o.due = at, value, due
			}
			return
		}
	}
	if free >= 0 {
		d.open[free] = pending{at: at, value: value, due: due}
	}
}

// read tries to read what is behind a sync word.
func (d *Decoder) read(o *pending) bool {
	first, wrong, ok := d.atAnySpeed(o.at, 0)
	if !ok {
		o.at = 0
		return false
	}
	p := Packet{Op: first[0], Arg: first[1], Unit: uint16(first[2])<<8 | uint16(first[3]), Fixed: wrong}
	if double(p.Op) {
		if !o.wide {
			o.wide = true
			o.due = o.at + int64(2*blockBits*slack*d.bit) + 2
			return false
		}
		if second, more, ok := d.atAnySpeed(o.at, blockBits); ok {
			p.Extra, p.Double, p.Fixed = [4]byte(second[:4]), true, wrong+more
		}
	}
	o.at = 0
	d.found = p
	return true
}

// atAnySpeed reads a block at the speed at which the fewest bits are wrong.
func (d *Decoder) atAnySpeed(at int64, skip int) (data [7]byte, wrong int, ok bool) {
	for _, skew := range [5]float64{0, 0.0025, -0.0025, 0.005, -0.005} {
		got, n, fits := d.block(at, skew, skip)
		if fits && (!ok || n < wrong) {
			data, wrong, ok = got, n, true
		}
		if ok && wrong == 0 {
			break
		}
	}
	return data, wrong, ok
}

// block reads the 112 bits that begin skip bits behind a sync word, if the clock is so much slow.
func (d *Decoder) block(at int64, skew float64, skip int) (data [7]byte, wrong int, ok bool) {
	bit := d.bit * (1 + skew)
	// Phase and turn of the sync word at this speed.
	var c complex128
	for i := range syncBits {
		z := complex128(d.between(float64(at)-float64(syncBits-1-i)*bit)) * d.derotate(i-(syncBits-1), bit)
		c += z * complex(float64(d.sync[i]), 0)
	}
	if c == 0 {
		return data, 0, false
	}
	ref := c / complex(math.Hypot(real(c), imag(c)), 0)
	for i := 1; i <= skip+blockBits; i++ {
		z := complex128(d.between(float64(at)+float64(i)*bit)) * d.derotate(i, bit)
		soft := real(z)*real(ref) + imag(z)*imag(ref)
		// The reference follows the decisions: sound cards and radios are off by a little.
		cross := imag(z)*real(ref) - real(z)*imag(ref)
		if soft < 0 {
			cross = -cross
		}
		if m := math.Hypot(real(z), imag(z)); m > 0 {
			turn := 0.06 * cross / m
			ref *= complex(1, turn)
			ref /= complex(math.Hypot(real(ref), imag(ref)), 0)
		}
		if i > skip {
			d.air(i-skip-1, float32(soft))
		}
	}
	data, wrong = d.t.decode()
	ok = wrong <= maxWrong && crc(data[:4]) == uint16(data[4])|uint16(data[5])<<8
	return data, wrong, ok
}

// derotate is the turn that makes bit i, counted from the last of the sync word, one of two
// opposite phases. At another speed the centre is another too.
func (d *Decoder) derotate(i int, bit float64) complex128 {
	s, c := math.Sincos(math.Pi/2*float64(i) + 2*math.Pi*centre/baud*float64(i)*(bit/d.bit-1))
	return complex(c, s)
}

// air notes a soft bit at a place on the air.
func (d *Decoder) air(at int, soft float32) {
	// The inverse of place.
	d.t.soft[at%16*7+at/16] = soft
}

// between interpolates the filtered signal.
func (d *Decoder) between(at float64) complex64 {
	whole := math.Floor(at)
	part := float32(at - whole)
	mask := int64(len(d.z) - 1)
	a, b := d.z[int64(whole)&mask], d.z[(int64(whole)+1)&mask]
	return a + (b-a)*complex(part, 0)
}
