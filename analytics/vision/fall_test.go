//go:build cgo

package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

func TestFloor(t *testing.T) {
	floors := []wire.Floor{{Name: "11", Y: 0.4}, {Name: "12", Y: 0.3}, {Name: "10", Y: 0.5}}
	for _, tc := range []struct {
		floors []wire.Floor
		y      float64
		want   string
	}{
		{nil, 0.5, ""},
		{floors, 0.1, "12"}, // above all that is drawn
		{floors, 0.3, "12"},
		{floors, 0.37, "12"},
		{floors, 0.39, "11"}, // a little above its line
		{floors, 0.45, "11"},
		{floors, 0.9, "10"},
	} {
		if got := floor(tc.floors, tc.y); got != tc.want {
			t.Errorf("floor at %v: %q, want %q", tc.y, got, tc.want)
		}
	}
}

// drop sends pictures at 25 a second in which something falls from rest at 2 s.
func (g *gateway) drop(from, to time.Duration) {
	g.t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	img := image.NewYCbCr(image.Rect(0, 0, testWidth, testHeight), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	for at := from; at < to; at += 40 * time.Millisecond {
		for i := range img.Y {
			img.Y[i] = uint8(110 + 10*(i/40%2) + rng.IntN(4))
		}
		if s := (at - 2*time.Second).Seconds(); s >= 0 {
			y := int(30 + 60*s*s)
			for k := y; k < min(y+5, testHeight); k++ {
				for x := range 5 {
					img.Y[k*testWidth+160+x] = 220
				}
			}
		}
		var b bytes.Buffer
		g.check(jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}))
		g.seq++
		g.check(g.w.AccessUnit(&wire.AccessUnit{Seq: g.seq, PTS: at, Wall: testEpoch().Add(at),
			Codec: wire.CodecMJPEG, Keyframe: true, Data: b.Bytes()}))
	}
}

func TestThrownObject(t *testing.T) {
	cfg := testConfig(wire.ThrownObject)
	cfg.Zones[0].Floors = []wire.Floor{{Name: "3", Y: 0.05}, {Name: "2", Y: 0.5}}
	g := newGateway(t, cfg)
	g.drop(0, 6*time.Second)
	g.check(g.w.End())
	a := g.talk(cfg)
	if len(a.detections) != 2 {
		t.Fatalf("%d detections, want the two ends of one", len(a.detections))
	}
	b, e := a.detections[0], a.detections[1]
	if b.Phase != wire.Begun || e.Phase != wire.Ended || b.ID != e.ID || b.Floor != "3" || len(b.Track) < 10 {
		t.Errorf("%+v, then %+v", b, e)
	}
	if b.Start < 1.9 || b.Start > 2.7 || e.End < 3.3 || e.End > 3.7 || b.Detected > 4.6 {
		t.Errorf("from %v to %v, detected at %v", b.Start, e.End, b.Detected)
	}
	if want := testEpoch().Add(time.Duration(b.Start * float64(time.Second))); b.StartWall.Sub(want).Abs() > time.Millisecond {
		t.Errorf("start at %v, want %v", b.StartWall, want)
	}
	if _, err := jpeg.Decode(bytes.NewReader(b.JPEG)); err != nil {
		t.Errorf("thumbnail: %v", err)
	}
}

// TestThrownDisarmed: nothing is said of what falls while the rule is not armed.
func TestThrownDisarmed(t *testing.T) {
	cfg := testConfig(wire.ThrownObject)
	cfg.Armed[0] = false
	g := newGateway(t, cfg)
	g.drop(0, 5*time.Second)
	g.check(g.w.JSON(wire.TypeArm, wire.Arm{Armed: []bool{true}}))
	g.drop(5*time.Second, 6*time.Second)
	g.check(g.w.End())
	if a := g.talk(cfg); len(a.detections) != 0 {
		t.Errorf("%d detections", len(a.detections))
	}
}
