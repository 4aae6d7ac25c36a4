package throw

import (
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// FuzzStep feeds pictures, sizes and media times of every sort. Nothing may panic, memory stays
// what it was made with, and what is told lies within the picture and the past.
func FuzzStep(f *testing.F) {
	f.Add(uint16(64), uint16(48), []byte("\x28\x00\x10\x28\xff\x40\x28\x80\x70"))
	f.Add(uint16(17), uint16(300), []byte{0, 0, 0, 255, 255, 255, 40, 9, 9, 40, 9, 9})
	f.Add(uint16(160), uint16(120), []byte{})
	falling := make([]byte, 0, 240)
	for i := range 80 {
		falling = append(falling, 40, byte(i*i/40), 3)
	}
	f.Add(uint16(96), uint16(200), falling)
	f.Fuzz(func(t *testing.T, width, height uint16, script []byte) {
		w, h := int(width%400), int(height%400)
		d := New([]wire.Point{{0, 0}, {1, 0}, {1, 0.9}, {0, 1}}, [][]wire.Point{{{0, 0}, {0.2, 0}, {0, 0.2}}}, w, h)
		if d == nil {
			return
		}
		at := time.Duration(0)
		for n := 0; len(script) >= 3 && n < 300; n++ {
			step, y, kind := script[0], script[1], script[2]
			script = script[3:]
			// Mostly an even clock that now and then stands still, jumps or goes back.
			switch at += time.Duration(step) * time.Millisecond; {
			case step > 250:
				at -= 2 * time.Second
			case step > 240:
				at += time.Hour
			}
			d.Due(at)
			scribble(d.Buffer(), d.w, int(y), int(kind), n)
			check(t, d.Step(at), at)
			if held := len(d.history) + len(d.spare); held > 3*maxLag+4 {
				t.Fatalf("%d pictures are kept", held)
			}
			if used := len(d.link.live) + len(d.waiting) + len(d.told) + len(d.link.free); used != poolSize {
				t.Fatalf("%d tracks of %d", used, poolSize)
			}
		}
		check(t, d.Finish(), at)
	})
}

// scribble draws a picture: flat, noise, squares, stripes.
func scribble(buf []byte, w, y, kind, n int) {
	for i := range buf {
		switch kind % 4 {
		case 0:
			buf[i] = byte(90 + (i*7+n*13)%5)
		case 1:
			buf[i] = byte((i + n) * (i>>3 + n*31) >> 2)
		case 2:
			buf[i] = byte(y + 40*(i/w/4%2))
		default:
			buf[i] = 90
		}
	}
	for row := y; row < y+6; row++ {
		for x := w / 2; x < min(w/2+6, w); x++ {
			if i := row*w + x; i < len(buf) {
				buf[i] = 200
			}
		}
	}
}

func check(t *testing.T, events []Event, at time.Duration) {
	t.Helper()
	for _, e := range events {
		b := e.Box
		if e.Start > e.End || b[0] < 0 || b[1] < 0 || b[2] < 0 || b[3] < 0 || b[0]+b[2] > 1.001 || b[1]+b[3] > 1.001 || len(e.Track) > wire.MaxTrack {
			t.Fatalf("at %v: %+v", at, e)
		}
		if e.Origin[1] > e.Top[1] || e.Origin[1] < 0 || !(e.Confidence >= 0 && e.Confidence <= 1) {
			t.Fatalf("at %v: %+v", at, e)
		}
	}
}
