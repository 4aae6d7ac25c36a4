package modbustest

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"time"
)

// Dead answers nothing.
func Dead() Fault { return func([]byte) []Piece { return nil } }

// Late answers after a while.
func Late(by time.Duration) Fault {
	return func(answer []byte) []Piece { return []Piece{{After: by, Data: answer}} }
}

// WrongCRC turns a bit.
func WrongCRC(rnd *rand.Rand) Fault {
	return func(answer []byte) []Piece {
		answer = bytes.Clone(answer)
		answer[rnd.IntN(len(answer))] ^= 1 << rnd.IntN(8)
		return []Piece{{Data: answer}}
	}
}

// Split sends the answer in two, with a pause between.
func Split(rnd *rand.Rand, pause time.Duration) Fault {
	return func(answer []byte) []Piece {
		at := 1 + rnd.IntN(len(answer)-1)
		return []Piece{{Data: answer[:at]}, {After: pause, Data: answer[at:]}}
	}
}

// CutOff sends the beginning of the answer.
func CutOff(rnd *rand.Rand) Fault {
	return func(answer []byte) []Piece { return []Piece{{Data: answer[:rnd.IntN(len(answer))]}} }
}

// Noisy sends up to so many random bytes before and after the answer.
func Noisy(rnd *rand.Rand, most int) Fault {
	return func(answer []byte) []Piece {
		return []Piece{{Data: Noise(rnd, rnd.IntN(most+1))}, {Data: answer}, {Data: Noise(rnd, rnd.IntN(most+1))}}
	}
}

// Merged sends an answer of another unit, which nobody asked for, right before the answer.
func Merged(other []byte) Fault {
	return func(answer []byte) []Piece { return []Piece{{Data: append(bytes.Clone(other), answer...)}} }
}

// Flood answers, and goes on sending for a while.
func Flood(rnd *rand.Rand, bytes int, pause time.Duration) Fault {
	return func(answer []byte) []Piece {
		pieces := []Piece{{Data: answer}}
		for at := time.Duration(0); bytes > 0; bytes -= 64 {
			at += pause
			pieces = append(pieces, Piece{After: at, Data: Noise(rnd, 64)})
		}
		return pieces
	}
}

// Noise returns n random bytes.
func Noise(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.UintN(256))
	}
	return b
}

// NewRand returns a source of chance that the units of a bus may share.
func NewRand(seed uint64) *rand.Rand { return rand.New(&source{pcg: rand.NewPCG(seed, 0)}) }

type source struct {
	mu  sync.Mutex
	pcg *rand.PCG
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pcg.Uint64()
}
