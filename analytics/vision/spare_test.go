//go:build cgo

package main

import (
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

func TestLeaf(t *testing.T) {
	unit := func(nals ...[]byte) []byte {
		var b []byte
		for _, n := range nals {
			b = append(append(b, 0, 0, 0, 1), n...)
		}
		return b
	}
	delimiter264, delimiter265 := []byte{9, 0xf0}, []byte{35 << 1, 1, 0x50}
	for name, c := range map[string]struct {
		codec uint8
		data  []byte
		want  bool
	}{
		"nothing":                       {wire.CodecH264, nil, false},
		"a start code":                  {wire.CodecH264, []byte{0, 0, 1}, false},
		"parameters alone":              {wire.CodecH264, unit([]byte{0x67, 1}, []byte{0x68, 1}), false},
		"B-picture":                     {wire.CodecH264, unit(delimiter264, []byte{0x01, 0x9a}, []byte{0x01, 0x9b}), true},
		"P-picture":                     {wire.CodecH264, unit(delimiter264, []byte{0x41, 0x9a}), false},
		"one slice that is referred to": {wire.CodecH264, unit([]byte{0x01, 0x9a}, []byte{0x21, 0x9a}), false},
		"keyframe":                      {wire.CodecH264, unit([]byte{0x67, 1}, []byte{0x68, 1}, []byte{0x65, 0x88}), false},
		"TRAIL_N":                       {wire.CodecH265, unit(delimiter265, []byte{0 << 1, 1, 0xd0}), true},
		"TRAIL_R":                       {wire.CodecH265, unit(delimiter265, []byte{1 << 1, 1, 0xd0}), false},
		"RASL_N":                        {wire.CodecH265, unit([]byte{8 << 1, 1, 0xd0}), true},
		"IDR_N_LP":                      {wire.CodecH265, unit([]byte{20 << 1, 1, 0xd0}), false},
		"cut off":                       {wire.CodecH265, unit([]byte{0}), false},
	} {
		var p spare
		if got := p.leaf(&wire.AccessUnit{Codec: c.codec, Data: c.data}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	// A picture of a lower layer may be referred to by one of a higher.
	p := spare{}
	low := &wire.AccessUnit{Codec: wire.CodecH265, Data: unit([]byte{0, 1, 0xd0})}
	high := &wire.AccessUnit{Codec: wire.CodecH265, Data: unit([]byte{0, 2, 0xd0})}
	if !p.leaf(low) || !p.leaf(high) || p.leaf(low) {
		t.Error("H.265: layers are not told apart")
	}
}

// TestSpares holds that of pictures that nothing is predicted from those are decoded that are due.
func TestSpares(t *testing.T) {
	const step = 40 * time.Millisecond
	leaf, other := []byte{0, 0, 1, 0x01, 0x9a}, []byte{0, 0, 1, 0x41, 0x9a}
	s := &session{cfg: wire.Config{Lazy: true}}
	s.watch = newWatcher(&s.cfg, nil)
	s.falls = newFalls(s.watch, nil)
	s.lazy = newLazy(s)
	decoded, analysed := 0, 0
	for i := range 500 {
		pts := time.Duration(i) * step
		au := &wire.AccessUnit{PTS: pts, Codec: wire.CodecH264, Keyframe: i%50 == 0, Data: leaf}
		if i%2 == 0 {
			au.Data = other
		}
		s.lazy.spare.count(au)
		spared := s.lazy.spares(au)
		if spared && (i%2 == 0 || i < 50) {
			t.Fatalf("picture %d spared", i)
		}
		if !spared {
			decoded++
			if s.watch.due(pts) {
				analysed++
				s.watch.schedule(pts)
			}
		}
	}
	if analysed < 155 || analysed > 165 || decoded > 380 {
		t.Errorf("%d decoded and %d analysed of 500 pictures in 20 s", decoded, analysed)
	}
}
