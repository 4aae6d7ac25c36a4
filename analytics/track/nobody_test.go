//go:build cgo

package track

import (
	"testing"
	"time"

	"sentrybox/analytics/motion"
	"sentrybox/analytics/perspective"
	"sentrybox/analytics/wire"
)

// TestEmptyPlace: a track that ends up on the place that somebody left is nobody, and
// the place is not kept.
func TestEmptyPlace(t *testing.T) {
	tr := New(width, height, 0)
	var r motion.Result
	for i := range 80 {
		b := blob(100+float64(min(i, 24))*8, 300, 30, 80)
		if i > 24 { // nothing moves any more, and the outline is the background's
			b.Moving, b.New, b.Lost = 0, 0.25, 0.5
		}
		r = result(b)
		tr.Update(r, time.Duration(i)*period)
		if k := &tr.Tracks()[0]; i == 20 && (!k.Person || k.Empty || !r.Blobs[0].Hold) {
			t.Fatalf("walking: person %v, empty %v, held %v", k.Person, k.Empty, r.Blobs[0].Hold)
		}
	}
	if k := &tr.Tracks()[0]; k.Person || k.Mover || !k.Empty || r.Blobs[0].Hold {
		t.Errorf("person %v, mover %v, empty %v, held %v", k.Person, k.Mover, k.Empty, r.Blobs[0].Hold)
	}
}

// TestStanderIsSomebody: who stands motionless before the background is somebody still.
func TestStanderIsSomebody(t *testing.T) {
	tr := New(width, height, 0)
	for i := range 120 {
		b := blob(100+float64(min(i, 24))*8, 300, 30, 80)
		if i > 24 {
			b.Moving, b.Lost = 0, 0.2
		}
		tr.Update(result(b), time.Duration(i)*period)
	}
	if k := &tr.Tracks()[0]; !k.Person || k.Empty {
		t.Errorf("person %v, empty %v", k.Person, k.Empty)
	}
}

// TestSizeByPlace: a cat near the camera is as tall as a person far away.
func TestSizeByPlace(t *testing.T) {
	people := perspective.New([]wire.Figure{{Head: 0.4, Foot: 0.95}, {Head: 0.42, Foot: 0.5}})
	for name, tc := range map[string]struct {
		y, w, h float64
		person  bool
	}{
		"person near": {340, 70, 190, true},
		"person far":  {185, 12, 32, true},
		"cat near":    {340, 30, 32, false},
	} {
		tr := New(width, height, 0)
		tr.Judge(people)
		for i := range 30 {
			tr.Update(result(blob(60+float64(i)*12, tc.y, tc.w, tc.h)), time.Duration(i)*period)
		}
		if k := &tr.Tracks()[0]; k.Person != tc.person {
			t.Errorf("%s: person %v", name, k.Person)
		}
	}
}

// TestLearnsFromPassers: after some people have passed, the same cat is none.
func TestLearnsFromPassers(t *testing.T) {
	tr := New(width, height, 0)
	now := time.Duration(0)
	pass := func(y, w, h float64) bool {
		person := false
		for i := range 44 {
			now += period
			tr.Update(result(blob(20+float64(i)*14, y, w, h)), now)
			for _, k := range tr.Tracks() {
				person = person || k.Person && k.Seen > 8
			}
		}
		for range 24 {
			now += period
			tr.Update(result(), now)
		}
		return person
	}
	if !pass(340, 30, 50) {
		t.Fatal("nothing is known yet, and it walks like a person")
	}
	for range 12 {
		if !pass(340, 70, 180) {
			t.Fatal("a person is none")
		}
	}
	if pass(340, 30, 50) {
		t.Error("a quarter of the height of those who passed there, and yet a person")
	}
}
