// Package uarttest is a device on a UART that is no hardware: it talks, as well as
// the line lets it.
package uarttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is what happens to a frame on its way.
type Fault string

// The faults.
const (
	Noise  Fault = "noise"  // random bytes before and after it
	Split  Fault = "split"  // in two, with a pause between
	Merged Fault = "merged" // twice, without a pause
	Flip   Fault = "flip"   // a bit of it is wrong
	Cut    Fault = "cut"    // its end is missing
	Dead   Fault = "dead"   // it does not come
	Flood  Fault = "flood"  // behind some kilobytes of noise
)

// Faults returns all of them.
func Faults() []Fault { return []Fault{Noise, Split, Merged, Flip, Cut, Dead, Flood} }

// pause is how long a split frame is held.
const pause = 30 * time.Millisecond

// Talker sends frames.
type Talker struct {
	// Line is where to.
	Line io.Writer
	// Frame returns the next frame.
	Frame func() []byte
	// Every is the interval.
	Every time.Duration

	mu     sync.Mutex
	faults []Fault
	chance float64
}

// Misbehave has so many of the frames, from 0 to 1, meet one of the faults.
func (t *Talker) Misbehave(chance float64, faults ...Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chance, t.faults = chance, faults
}

// Run talks until ctx ends, and then returns nil. It goes on while the line is away.
func (t *Talker) Run(ctx context.Context, rnd *rand.Rand) error {
	if t.Every <= 0 {
		return fmt.Errorf("uarttest: every %v", t.Every)
	}
	tick := time.NewTicker(t.Every)
	defer tick.Stop()
	for {
		t.say(rnd)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// fault draws what happens to the next frame; empty if nothing does.
func (t *Talker) fault(rnd *rand.Rand) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.faults) == 0 || rnd.Float64() >= t.chance {
		return ""
	}
	return t.faults[rnd.IntN(len(t.faults))]
}

func (t *Talker) say(rnd *rand.Rand) {
	frame := bytes.Clone(t.Frame())
	send := func(b []byte) { _, _ = t.Line.Write(b) } // a line that is away hears nothing
	if len(frame) == 0 {
		return
	}
	switch t.fault(rnd) {
	case Noise:
		send(random(rnd, 30))
		send(frame)
		send(random(rnd, 30))
	case Split:
		at := rnd.IntN(len(frame))
		send(frame[:at])
		time.Sleep(pause)
		send(frame[at:])
	case Merged:
		send(append(frame, frame...))
	case Flip:
		frame[rnd.IntN(len(frame))] ^= 1 << rnd.IntN(8)
		send(frame)
	case Cut:
		send(frame[:rnd.IntN(len(frame))])
	case Dead:
	case Flood:
		for range 64 {
			send(random(rnd, 64))
		}
		send(frame)
	default:
		send(frame)
	}
}

// random returns up to n random bytes.
func random(rnd *rand.Rand, n int) []byte {
	b := make([]byte, rnd.IntN(n+1))
	for i := range b {
		b[i] = byte(rnd.UintN(256))
	}
	return b
}
