package analyticstest

import (
	"bytes"
	"image"
	"slices"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// square is a square of light on a dark ground that walks to the right.
func footage(w, h, n int) [][]byte {
	var out [][]byte
	for k := range n {
		pic := bytes.Repeat([]byte{60}, w*h)
		for y := 20; y < 80; y++ {
			for x := 10 + 2*k; x < 30+2*k; x++ {
				pic[y*w+x] = 200
			}
		}
		out = append(out, pic)
	}
	return out
}

func TestCutPeople(t *testing.T) {
	background, people := CutPeople(160, 120, 10, footage(160, 120, 50))
	if slices.Max(background) != 60 {
		t.Errorf("the walker is in the background: %d", slices.Max(background))
	}
	if len(people) != 1 || people[0].Dir != 1 || people[0].Height < 58 || people[0].Height > 64 || len(people[0].Frames) < 45 {
		t.Fatalf("%d people: %+v", len(people), people)
	}
	for _, f := range people[0].Frames {
		for i, a := range f.Alpha {
			if a != 0 && f.Luma[i] != 200 && f.Luma[i] != 60 {
				t.Fatalf("a pixel of %d", f.Luma[i])
			}
		}
	}
	// Pasted into a scene, they are where the actor is.
	s := Scene{Width: 160, Height: 120, Backdrop: bytes.Repeat([]byte{60}, 160*120), Actors: []Actor{
		{Height: 0.5, Look: people[0], Path: []Step{{0, 0.2, 0.9}, {10 * time.Second, 0.8, 0.9}}},
	}}
	pic := make([]byte, 160*120)
	s.Draw(pic, 5*time.Second)
	if pic[78*160+80] < 190 || pic[78*160+20] != 60 {
		t.Errorf("in the middle %d, at the left %d", pic[78*160+80], pic[78*160+20])
	}
}

func TestClipsAreSound(t *testing.T) {
	names := map[string]bool{}
	kinds := map[wire.Kind]int{}
	total := time.Duration(0)
	for _, c := range Clips(FirstTestSeed, Stock{}) {
		if names[c.Name] {
			t.Errorf("%s twice", c.Name)
		}
		names[c.Name] = true
		total += c.Length
		for _, e := range c.Events {
			kinds[e.Kind]++
			if e.Start < 0 || e.End <= e.Start || e.End > c.Length {
				t.Errorf("%s: %s from %v to %v of %v", c.Name, e.Kind, e.Start, e.End, c.Length)
			}
			i := slices.IndexFunc(c.Rules, func(r wire.Rule) bool { return r.Kind == e.Kind })
			if i < 0 {
				t.Errorf("%s: no rule for %s", c.Name, e.Kind)
			} else if after := time.Duration(c.Rules[i].After * float64(time.Second)); e.End-e.Start < after+5*time.Second && after > 0 {
				t.Errorf("%s: %s for %v, hardly longer than %v", c.Name, e.Kind, e.End-e.Start, after)
			}
		}
	}
	for _, k := range wire.Kinds() {
		if k != wire.Motion && kinds[k] < 1 {
			t.Errorf("no %s", k)
		}
	}
	if total < 10*time.Minute || total > 30*time.Minute {
		t.Errorf("%v of footage", total)
	}
}

func clipNamed(t *testing.T, clips []Clip, name string) *Clip {
	t.Helper()
	i := slices.IndexFunc(clips, func(c Clip) bool { return len(c.Name) > len(name) && c.Name[:len(name)] == name })
	if i < 0 {
		t.Fatalf("no clip %s", name)
	}
	return &clips[i]
}

func TestSeeds(t *testing.T) {
	draw := func(seed uint64) []byte {
		c := clipNamed(t, Clips(seed, Stock{}), "quiet_snow")
		pic := make([]byte, c.Scene.Width*c.Scene.Height)
		c.Draw(pic, 100)
		return pic
	}
	if !bytes.Equal(draw(1), draw(1)) {
		t.Error("the same seed gives another picture")
	}
	if bytes.Equal(draw(1), draw(2)) {
		t.Error("another seed gives the same picture")
	}
}

// TestFall looks for the object where gravity puts it.
func TestFall(t *testing.T) {
	s := Scene{Width: 200, Height: 200, Backdrop: bytes.Repeat([]byte{200}, 200*200), Falls: []Fall{
		{At: time.Second, X: 0.5, Top: 0.1, Bottom: 0.9, Gravity: 0.4, Size: 10, Shade: 0},
	}}
	if got := s.Falls[0].Ends(); got != 3*time.Second {
		t.Errorf("ends at %v, want 3 s: 0.8 = 0.4/2 · 2²", got)
	}
	pic := make([]byte, 200*200)
	for at, y := range map[time.Duration]int{time.Second: 20, 2 * time.Second: 60, 2500 * time.Millisecond: 110} {
		s.Draw(pic, at)
		if v := pic[y*200+100]; v > 60 {
			t.Errorf("after %v: %d at row %d", at, v, y)
		}
	}
	for _, at := range []time.Duration{900 * time.Millisecond, 3100 * time.Millisecond} {
		s.Draw(pic, at)
		if slices.Min(pic) < 200 {
			t.Errorf("an object at %v", at)
		}
	}
}

func TestTamper(t *testing.T) {
	mean := func(pic []byte) (m int) {
		for _, v := range pic {
			m += int(v)
		}
		return m / len(pic)
	}
	clips := Clips(3, Stock{})
	for name, check := range map[string]func(before, after, later []byte) bool{
		"tamper_cover":  func(b, a, _ []byte) bool { return mean(a) < 35 && mean(b) > 60 },
		"tamper_blind":  func(b, a, _ []byte) bool { return mean(a) > 230 && mean(b) < 150 },
		"tamper_freeze": func(b, a, l []byte) bool { return bytes.Equal(a, l) && !bytes.Equal(b, a) },
		"tamper_turn":   func(_, a, l []byte) bool { return !bytes.Equal(a, l) },
	} {
		c := clipNamed(t, clips, name)
		var pics [3][]byte
		for i, at := range []int{10, 18, 22} {
			pics[i] = make([]byte, c.Scene.Width*c.Scene.Height)
			c.Draw(pics[i], at*c.FPS)
		}
		if !check(pics[0], pics[1], pics[2]) {
			t.Errorf("%s: means %d, %d, %d", name, mean(pics[0]), mean(pics[1]), mean(pics[2]))
		}
	}
}

func TestFit(t *testing.T) {
	src := image.NewGray(image.Rect(0, 0, 90, 60))
	for i := range src.Pix {
		src.Pix[i] = uint8(i % 90 * 2)
	}
	got := Fit(src, 30, 20)
	for x := 1; x < 29; x++ {
		if want := 6*x + 2; int(got[10*30+x]) < want-1 || int(got[10*30+x]) > want+1 {
			t.Errorf("column %d is %d, want %d", x, got[10*30+x], want)
		}
	}
}
