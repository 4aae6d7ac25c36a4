//go:build cgo

package main

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

func TestAlone(t *testing.T) {
	unit := func(nals ...[]byte) []byte {
		var b []byte
		for _, n := range nals {
			b = append(append(b, 0, 0, 0, 1), n...)
		}
		return b
	}
	sps, recovery := []byte{0x67, 1}, []byte{6, 6, 1, 0xc4, 0x80}
	for name, c := range map[string]struct {
		codec uint8
		data  []byte
		want  bool
	}{
		"nothing":                    {wire.CodecH264, nil, false},
		"parameters alone":           {wire.CodecH264, unit(sps), false},
		"JPEG":                       {wire.CodecMJPEG, []byte{0xff, 0xd8}, true},
		"IDR":                        {wire.CodecH264, unit(sps, []byte{0x65, 0x88}), true},
		"I slices":                   {wire.CodecH264, unit(recovery, []byte{0x41, 0x88}, []byte{0x41, 0x16, 0x20}), true},  // first_mb 0, then 10
		"slices of I alone":          {wire.CodecH264, unit([]byte{0x41, 0xb0}), true},                                      // slice_type 2
		"SI":                         {wire.CodecH264, unit([]byte{0x41, 0x8a}), true},                                      // slice_type 9
		"P":                          {wire.CodecH264, unit(recovery, []byte{0x41, 0x9a}), false},                           // slice_type 5
		"a slice of I, another of P": {wire.CodecH264, unit(recovery, []byte{0x41, 0x88}, []byte{0x41, 0x16, 0x60}), false}, // first_mb 10, slice_type 5
		"a slice without an end":     {wire.CodecH264, unit([]byte{0x41, 0, 0, 0, 0, 0}), false},
		"a slice without a header":   {wire.CodecH264, unit([]byte{0x41}), false},
		"IDR_N_LP":                   {wire.CodecH265, unit([]byte{20 << 1, 1, 0xd0}), true},
		"CRA":                        {wire.CodecH265, unit([]byte{33 << 1, 1, 1}, []byte{21 << 1, 1, 0xd0}), true},
		"TRAIL_R":                    {wire.CodecH265, unit([]byte{1 << 1, 1, 0xd0}), false},
	} {
		au := &wire.AccessUnit{Codec: c.codec, Keyframe: true, Data: c.data}
		if got := alone(au); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if au.Keyframe = false; alone(au) {
			t.Errorf("%s: a picture that is no keyframe", name)
		}
	}
}

// TestRefreshWithoutKeyframes: where a stream is refreshed little by little, nothing can be seen in the pictures at which that
// begins, and nothing right in those behind them until it is complete: none may be passed over.
func TestRefreshWithoutKeyframes(t *testing.T) {
	cfg := testConfig(wire.Motion)
	cfg.Lazy = true
	l := newLoop(t, strollers(0), 12*time.Second, cfg)
	for i := range l.units { // an encoder's keyframes are the end of a refresh that began with a P-picture 25 before
		l.units[i].Keyframe = i == 0 || i%50 == 25
	}
	last := time.Duration(0)
	for l.n < 4*len(l.units) {
		l.units[0].Keyframe = l.n == 0
		l.next(t)
		if gap := l.s.watch.now - last; gap > time.Second {
			t.Fatalf("nothing was analysed from %v to %v", last, l.s.watch.now)
		}
		last = l.s.watch.now
		if l.s.lazy.asleep {
			t.Fatalf("asleep at %v", last)
		}
	}
	if c := l.s.report.next; c.Analysed > 5*c.Seen/10 || c.Damaged > 0 {
		t.Errorf("%d pictures of %d analysed, %d damaged: it does not doze", c.Analysed, c.Seen, c.Damaged)
	}
}

// TestDoubt: FFmpeg gives out pictures of H.265 whose references it never had, grey ones.
func TestDoubt(t *testing.T) {
	b, err := os.ReadFile("../cv/testdata/plain.h265")
	if err != nil {
		t.Fatal(err)
	}
	delimiter := []byte{0, 0, 0, 1, 70, 1}
	units := bytes.Split(b, delimiter)[1:]
	sets := units[0][:bytes.Index(units[0], []byte{0, 0, 1, 20 << 1})]
	for name, c := range map[string]struct {
		keys, gaps []int
		from       int
		sound      []bool // of the pictures from the first on
	}{
		"from a keyframe":            {keys: []int{0}, sound: []bool{true, true, true, true, true, true, true}},
		"something was lost":         {keys: []int{0}, gaps: []int{3}, sound: []bool{true, true, true, false, false, false, false}},
		"a refresh from its begin":   {keys: []int{2, 5}, from: 2, sound: []bool{false, false, false, true, true}},
		"loss within a refresh":      {keys: []int{0, 2, 4, 6}, gaps: []int{3}, sound: []bool{true, true, true, false, false, false, true}},
		"loss right before the next": {keys: []int{0, 2, 4}, gaps: []int{2}, sound: []bool{true, true, false, false, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{log: slog.New(slog.DiscardHandler)}
			defer s.close()
			n := 0
			for i := c.from; n < len(c.sound); i++ {
				au := &wire.AccessUnit{Codec: wire.CodecH265, PTS: time.Duration(i) * time.Second, Keyframe: slices.Contains(c.keys, i), Gap: slices.Contains(c.gaps, i)}
				au.Data = append(bytes.Clone(sets), units[i]...)
				if err := s.send(au); err != nil {
					t.Fatal(err)
				}
				for {
					pic, err := s.next(func(time.Duration) bool { return false })
					if err != nil {
						t.Fatal(err)
					}
					if pic == nil || n == len(c.sound) {
						break
					}
					if pic.sound != c.sound[n] {
						t.Errorf("picture %d: sound: %v", c.from+n, pic.sound)
					}
					n++
				}
			}
		})
	}
}

// FuzzAlone: no bytes of a camera end the process, and what is no keyframe is never one that stands alone.
func FuzzAlone(f *testing.F) {
	f.Add(uint8(wire.CodecH264), []byte{0, 0, 1, 0x41, 0x16, 0x20, 0, 0, 1})
	f.Add(uint8(wire.CodecH265), []byte{0, 0, 0, 1, 0x26, 1, 0, 0, 1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, codec uint8, data []byte) {
		au := wire.AccessUnit{Codec: codec, Keyframe: true, Data: data}
		if was := alone(&au); alone(&au) != was {
			t.Error("it is not the same twice")
		}
		if au.Keyframe = false; alone(&au) {
			t.Error("a picture that is no keyframe stands alone")
		}
	})
}
