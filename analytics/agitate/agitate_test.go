//go:build cgo

package agitate_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"sentrybox/analytics/agitate"
)

const period = 125 * time.Millisecond

// figure is somebody in clothes of noise, whose feet are at x, in heights.
type figure func(t float64) (x float64)

// film shows figures of a height in pixels, each a blob of its own.
type film struct {
	width, height int
	tall          float64
	figures       []figure
	pix, classes  []uint8
	clothes       []uint8
}

func newFilm(tall float64, figures ...figure) *film {
	f := &film{width: int(8 * tall), height: int(2 * tall), tall: tall, figures: figures}
	f.pix, f.classes = make([]uint8, f.width*f.height), make([]uint8, f.width*f.height)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 4096 {
		f.clothes = append(f.clothes, uint8(rng.IntN(200)))
	}
	return f
}

// cloth returns the grey of a place on somebody's clothes, in heights.
func (f *film) cloth(who int, u, v float64) uint8 {
	const patch = 0.07
	u, v = u/patch+1000, v/patch+1000
	at := func(x, y int) float64 { return float64(f.clothes[(x*31+y*977+who*131)%len(f.clothes)]) }
	x, y := int(u), int(v)
	a, b := u-float64(x), v-float64(y)
	return uint8((1-b)*((1-a)*at(x, y)+a*at(x+1, y)) + b*((1-a)*at(x, y+1)+a*at(x+1, y+1)))
}

// draw draws a picture.
//
//go:norace
func (f *film) draw(t time.Duration) {
	for i := range f.pix {
		f.pix[i], f.classes[i] = 230, 0
	}
	for who, place := range f.figures {
		x := place(t.Seconds()) + float64(who)
		x0, y0 := x*f.tall, 0.5*f.tall
		for py := int(y0); py < int(y0+f.tall); py++ {
			for px := int(x0); px < int(x0+0.3*f.tall); px++ {
				if px >= 0 && px < f.width {
					i := py*f.width + px
					f.pix[i] = f.cloth(who, (float64(px)-x0)/f.tall, (float64(py)-y0)/f.tall)
					f.classes[i] = uint8(who + 1)
				}
			}
		}
	}
}

// watch returns since when and until when a meter calls the film agitated.
func (f *film) watch(m *agitate.Meter, length time.Duration) (from, until time.Duration) {
	g := agitate.Group{Height: f.tall}
	for i := range f.figures {
		g.Blobs[i] = true
	}
	for t := time.Duration(0); t < length; t += period {
		f.draw(t)
		m.Look(f.pix, f.classes, f.width, f.height, &g, t)
		if m.Agitated() {
			if from == 0 {
				from = t
			}
			until = t
		}
	}
	return from, until
}

func stands(x float64) figure { return func(float64) float64 { return x } }

func walks(x, speed float64) figure { return func(t float64) float64 { return x + speed*t } }

// jerks goes to and fro, from one time to another.
func jerks(x, speed, from, until float64) figure {
	const leg = 0.5 // seconds
	return func(t float64) float64 {
		t = min(max(t-from, 0), until-from)
		return x + speed*math.Abs(math.Mod(t, 2*leg)-leg)
	}
}

func TestCalmAndAgitated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		figures []figure
		want    bool
	}{
		"standing":          {[]figure{stands(1), stands(1.2), stands(1.4)}, false},
		"walking":           {[]figure{walks(0, 0.7), walks(0.2, 0.75), walks(0.1, 0.8)}, false},
		"passing":           {[]figure{walks(0, 0.8), walks(5, -0.8), stands(1)}, false},
		"running":           {[]figure{jerks(0, 2.4, 0, 8), jerks(1, 2.6, 0.2, 8), jerks(1.5, 2.5, 0.4, 8)}, true},
		"two who fight":     {[]figure{stands(0), stands(0.2), stands(0.4), jerks(1.4, 2.4, 0, 8), jerks(1.5, 2.4, 0.5, 8)}, true},
		"a moment's hurry":  {[]figure{stands(0), stands(0.2), stands(0.4), jerks(1.4, 2.4, 3, 3.5)}, false},
		"nobody looked for": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tall := range []float64{28, 80} {
				var m agitate.Meter
				f := newFilm(tall, tc.figures...)
				from, until := f.watch(&m, 7*time.Second)
				fast, moving := m.Shares()
				if (from > 0) != tc.want || from > 4*time.Second {
					t.Errorf("%v pixels tall: agitated from %v to %v, shares %.2f of %.2f", tall, from, until, fast, moving)
				}
			}
		})
	}
}

func TestCalmsDown(t *testing.T) {
	t.Parallel()
	var m agitate.Meter
	f := newFilm(60, jerks(0, 2.4, 3, 8), jerks(1, 2.5, 3, 8), stands(1.5))
	from, until := f.watch(&m, 16*time.Second)
	if from < 3*time.Second || from > 7*time.Second || until < 8*time.Second || until > 13*time.Second {
		t.Errorf("agitated from %v to %v, want 3 s to 8 s and a while", from, until)
	}
	if from, _ := f.watch(&m, 8*time.Second); from == 0 { // the clock begins anew
		t.Error("nothing after a jump of the clock")
	}
	m.Reset()
	if m.Agitated() {
		t.Error("agitated after a reset")
	}
}

func TestPicturesFarApartTellNothing(t *testing.T) {
	t.Parallel()
	var m agitate.Meter
	f := newFilm(60, jerks(0, 2.4, 0, 60), jerks(1, 2.5, 0, 60))
	g := agitate.Group{Height: f.tall}
	g.Blobs[0], g.Blobs[1] = true, true
	for at := time.Duration(0); at < time.Minute; at += 700 * time.Millisecond {
		f.draw(at)
		m.Look(f.pix, f.classes, f.width, f.height, &g, at)
		if m.Agitated() {
			t.Fatalf("agitated at %v", at)
		}
	}
}

// BenchmarkLook is for seven people of 100 pixels who all move, at 800 × 200.
func BenchmarkLook(b *testing.B) {
	var figures []figure
	for i := range 7 {
		figures = append(figures, jerks(0.05*float64(i), 2, 0, 1e6))
	}
	f := newFilm(100, figures...)
	g := agitate.Group{Height: f.tall}
	for i := range figures {
		g.Blobs[i] = true
	}
	var films [2]film
	for i := range films {
		f.draw(time.Duration(i) * period)
		films[i] = *f
		films[i].pix, films[i].classes = append([]uint8(nil), f.pix...), append([]uint8(nil), f.classes...)
	}
	var m agitate.Meter
	m.Look(films[1].pix, films[1].classes, f.width, f.height, &g, 0)
	m.Look(films[0].pix, films[0].classes, f.width, f.height, &g, period)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p := &films[i%2]
		i++
		m.Look(p.pix, p.classes, f.width, f.height, &g, time.Duration(i+1)*period)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}
