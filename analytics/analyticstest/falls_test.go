package analyticstest

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

func TestFallClipsAreSound(t *testing.T) {
	names := map[string]bool{}
	falls, still := 0, time.Duration(0)
	for _, c := range FallClips(FirstTestSeed, Stock{}) {
		if names[c.Name] {
			t.Errorf("%s twice", c.Name)
		}
		names[c.Name] = true
		if len(c.Events) == 0 {
			still += c.Length
		}
		for _, e := range c.Events {
			falls++
			if e.Kind != wire.ThrownObject || e.Start < 3*time.Second || e.End < e.Start+400*time.Millisecond || e.End > c.Length-time.Second {
				t.Errorf("%s: %s from %v to %v of %v", c.Name, e.Kind, e.Start, e.End, c.Length)
			}
			if o := e.Origin; o[0] < 0.2 || o[0] > 0.9 || o[1] < 0 || o[1] > 0.7 {
				t.Errorf("%s: falls from %v", c.Name, o)
			}
		}
	}
	if falls < 50 || still < 15*time.Minute {
		t.Errorf("%d falls, %v without", falls, still)
	}
}

func TestFlight(t *testing.T) {
	f := Flight{X: 0.5, Y: 0.1, VX: 0.2, Gravity: 0.4, Ground: 0.9}
	if got := f.fly(2); math.Abs(got-2) > 0.01 {
		t.Errorf("lands after %v s, want 2: 0.8 = 0.4/2 · 2²", got)
	}
	if x, y := f.at(1); math.Abs(x-0.6) > 0.002 || math.Abs(y-0.3) > 0.002 {
		t.Errorf("after 1 s at %v, %v", x, y)
	}
	air := Flight{X: 0.5, Y: 0.1, Gravity: 0.4, Terminal: 0.3, Ground: 0.9}
	if got := air.fly(2); got < 2.5 || got > 3.5 {
		t.Errorf("lands after %v s in the air", got)
	}
	_, a := air.at(2)
	if _, b := air.at(2.5); b-a > 0.5*0.3 || b-a < 0.5*0.27 {
		t.Errorf("falls by %v in half a second, its speed is 0.3 at most", b-a)
	}
	ball := Flight{X: 0.5, Y: 0.1, Gravity: 0.4, Bounce: 0.5, Ground: 0.9}
	land := ball.fly(2)
	if _, y := ball.at(land + 0.5); y > 0.8 || y < 0.6 {
		t.Errorf("half a second after it landed at %v", y)
	}
}

func TestSprite(t *testing.T) {
	at := func(sec float64) Pose { return Pose{X: 0.5 + sec, Y: 0.5, W: 10, H: 6, Shade: 0} }
	s := Scene{Width: 100, Height: 100, Backdrop: bytes.Repeat([]byte{200}, 100*100),
		Sprites: []Sprite{{From: time.Second, Until: 2 * time.Second, Pose: at, Shutter: time.Nanosecond}}}
	pic := make([]byte, 100*100)
	s.Draw(pic, time.Second)
	for p, want := range map[[2]int]byte{{50, 50}: 0, {46, 50}: 0, {43, 50}: 200, {50, 52}: 0, {50, 54}: 200} {
		if got := pic[p[1]*100+p[0]]; got != want {
			t.Errorf("%v is %d, want %d", p, got, want)
		}
	}
	s.Draw(pic, 1200*time.Millisecond)
	if pic[50*100+70] != 0 || pic[50*100+50] != 200 {
		t.Error("it did not move")
	}
	s.Front = []Front{{X: 0.6, Y: 0, W: 0.4, H: 1}}
	s.Draw(pic, 1200*time.Millisecond)
	if slices.Min(pic) < 200 {
		t.Error("seen through what is before it")
	}
	s.Front, s.Sprites[0].Shutter = nil, 100*time.Millisecond
	s.Draw(pic, time.Second)
	if v := pic[50*100+46]; v < 20 || v > 180 {
		t.Errorf("its edge is %d, not blurred", v)
	}
}
