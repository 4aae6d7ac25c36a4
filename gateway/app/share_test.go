package app

import (
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/load"
)

// TestShareTold: the duty room hears of a box that is too slow only when that lasts, and
// of how many pictures that has cost.
func TestShareTold(t *testing.T) {
	var s share
	var c load.Controller
	now := time.Unix(1_770_000_000, 0)
	skipped := uint64(7) // from before
	look := func(lag time.Duration, hot string) (news bool) {
		now = now.Add(time.Second)
		signs := load.Signs{Pressure: 0.9, Hot: hot, Cameras: []load.Camera{{ID: "a", Lag: lag}, {ID: "b", Lag: lag}}}
		c.Look(now, signs)
		return s.take(now, &c, signs, skipped)
	}
	look(0, "")
	if s.overload() != nil {
		t.Error("told of a box that is fast enough")
	}
	if code, sure := s.lasting(now); code != "" || sure {
		t.Errorf("at once: %q, %v", code, sure)
	}
	look(time.Second, "")
	if !look(time.Second, "") {
		t.Fatal("a lag that lasts is no news")
	}
	skipped += 5
	look(time.Second, "")
	if o := s.overload(); o == nil || o.Step != 1 || o.Reason != "cpu" || o.Skipped != 5 {
		t.Errorf("%+v", o)
	}
	if _, sure := s.lasting(now); sure {
		t.Error("sure within seconds")
	}
	if code, sure := s.lasting(now.Add(2 * overloadLasts)); code != alert.Overload || !sure {
		t.Errorf("%q, %v", code, sure)
	}
	look(time.Second, "cpu-thermal is at 90 °C")
	for range 5 {
		look(time.Second, "cpu-thermal is at 90 °C")
	}
	if code, _ := s.lasting(now); code != alert.Overheated {
		t.Errorf("%q of a hot box", code)
	}
	for range 3600 {
		look(0, "")
	}
	if code, sure := s.lasting(now); code != "" || !sure || s.overload() != nil {
		t.Errorf("an hour later: %q, %v, %+v", code, sure, s.overload())
	}
}
