package analyticstest

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Thing is something that stands still for a while, such as a bag.
type Thing struct {
	From, Until time.Duration
	X, Y, W, H  float64 // middle of the foot, and size, as fractions of the picture
	Shade       float64 // grey level
}

// Prop is anything else in a scene, which draws itself.
type Prop struct {
	From, Until time.Duration
	Foot        float64 // where it stands: what is lower in the picture hides it
	Draw        func(s *Scene, pix []float64, t time.Duration)
}

// Fall is an object in free fall.
type Fall struct {
	At          time.Duration // let go
	X           float64       // where, as a fraction of the picture's width
	Top, Bottom float64       // first and last seen, as fractions of the picture's height
	Drift       float64       // sideways, picture widths a second
	Gravity     float64       // picture heights a second squared
	Size        float64       // diameter in pixels
	Shade       float64       // grey level
}

// Ends returns when the object is last seen.
func (f *Fall) Ends() time.Duration {
	return f.At + time.Duration(math.Sqrt(2*(f.Bottom-f.Top)/f.Gravity)*float64(time.Second))
}

// Insect flies near the lens: large, blurred and fast.
type Insect struct {
	From, Until time.Duration
	Size        float64 // radius in pixels
	Shade       float64 // grey levels above what is behind it
	Seed        uint64  // of its way
}

// Glow is a patch of light, such as a headlight's on a wall.
type Glow struct {
	From, Until    time.Duration
	X0, Y0, X1, Y1 float64 // from where to where it moves, fractions of the picture
	Radius         float64 // as a part of the picture's width
	Level          float64 // grey levels in its middle
}

// draw draws everything that stands or moves before the background. What is
// nearer, that is lower in the picture, comes last.
func (s *Scene) draw(pix []float64, t time.Duration) {
	type item struct {
		foot float64
		draw func()
	}
	var items []item
	for i := range s.Actors {
		if _, y, ok := s.Actors[i].place(t); ok {
			items = append(items, item{y, func() { s.actor(pix, &s.Actors[i], t) }})
		}
	}
	for i := range s.Things {
		if th := &s.Things[i]; t >= th.From && t <= th.Until {
			items = append(items, item{th.Y, func() { s.thing(pix, th) }})
		}
	}
	for i := range s.Props {
		if p := &s.Props[i]; t >= p.From && t <= p.Until {
			items = append(items, item{p.Foot, func() { p.Draw(s, pix, t) }})
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.foot, b.foot) })
	for _, it := range items {
		it.draw()
	}
	for _, extra := range s.Extras {
		extra(s, pix, t)
	}
	for i := range s.Falls {
		s.fall(pix, &s.Falls[i], t)
	}
	for i := range s.Sprites {
		s.sprite(pix, &s.Sprites[i], t)
	}
	s.rain(pix, t)
	s.snow(pix, t)
}

// shine draws what has light of its own, or the camera's: the day's light is not
// on it.
func (s *Scene) shine(pix []float64, t time.Duration) {
	for i := range s.Glows {
		s.glow(pix, &s.Glows[i], t)
	}
	for i := range s.Insects {
		s.insect(pix, &s.Insects[i], t)
	}
}

// thing draws a bag: a box with a seam and a handle.
func (s *Scene) thing(pix []float64, th *Thing) {
	w, h := th.W*float64(s.Width), th.H*float64(s.Height)
	x0, y0 := th.X*float64(s.Width)-w/2, th.Y*float64(s.Height)-h
	s.rect(pix, x0+0.3*w, y0-0.25*h, 0.4*w, 0.08*h, th.Shade-10)
	s.rect(pix, x0+0.3*w, y0-0.25*h, 0.06*w, 0.25*h, th.Shade-10)
	s.rect(pix, x0+0.64*w, y0-0.25*h, 0.06*w, 0.25*h, th.Shade-10)
	s.rect(pix, x0, y0, w, h, th.Shade)
	s.rect(pix, x0, y0+0.35*h, w, 0.1*h, th.Shade+18)
	s.rect(pix, x0+0.9*w, y0, 0.1*w, h, th.Shade-12)
}

func (s *Scene) rect(pix []float64, x0, y0, w, h, shade float64) {
	for y := max(int(math.Round(y0)), 0); y < min(int(math.Round(y0+h)), s.Height); y++ {
		for x := max(int(math.Round(x0)), 0); x < min(int(math.Round(x0+w)), s.Width); x++ {
			pix[y*s.Width+x] = shade
		}
	}
}

// shutter is how long a picture is exposed.
const shutter = 16 * time.Millisecond

// fall draws the object with the blur of its motion.
func (s *Scene) fall(pix []float64, f *Fall, t time.Duration) {
	if t < f.At || t > f.Ends() {
		return
	}
	const steps = 5
	for k := range steps {
		tau := (t - f.At + time.Duration(k)*shutter/steps).Seconds()
		x := (f.X + f.Drift*tau) * float64(s.Width)
		y := (f.Top + f.Gravity*tau*tau/2) * float64(s.Height)
		s.soft(pix, x, y, f.Size/2, func(old, cover float64) float64 { return old + cover/(steps-float64(k)*0.6)*(f.Shade-old) })
	}
}

// soft visits the pixels of a disc; cover falls to 0 over one pixel at its edge.
func (s *Scene) soft(pix []float64, cx, cy, r float64, paint func(old, cover float64) float64) {
	for y := max(int(cy-r-1), 0); y <= min(int(cy+r+1), s.Height-1); y++ {
		for x := max(int(cx-r-1), 0); x <= min(int(cx+r+1), s.Width-1); x++ {
			if cover := min(r+0.5-math.Hypot(float64(x)-cx, float64(y)-cy), 1); cover > 0 {
				i := y*s.Width + x
				pix[i] = paint(pix[i], cover)
			}
		}
	}
}

func (s *Scene) glow(pix []float64, g *Glow, t time.Duration) {
	if t < g.From || t > g.Until {
		return
	}
	f := float64(t-g.From) / float64(max(g.Until-g.From, 1))
	cx, cy := (g.X0+f*(g.X1-g.X0))*float64(s.Width), (g.Y0+f*(g.Y1-g.Y0))*float64(s.Height)
	r := g.Radius * float64(s.Width)
	// It comes and goes within 0.2 s.
	level := g.Level * min((t-g.From).Seconds()/0.2, (g.Until-t).Seconds()/0.2, 1)
	across := make([]float64, s.Width)
	for x := range across {
		across[x] = level * math.Exp(-(float64(x)-cx)*(float64(x)-cx)/(2*r*r))
	}
	for y := range s.Height {
		down := math.Exp(-(float64(y) - cy) * (float64(y) - cy) / (2 * r * r))
		for x, v := range across {
			i := y*s.Width + x
			pix[i] += v * down * (0.4 + pix[i]/200) // more on what is bright
		}
	}
}

// rain draws streaks, which are elsewhere in every picture.
func (s *Scene) rain(pix []float64, t time.Duration) {
	rng := rand.New(rand.NewPCG(s.Seed+uint64(t), 13))
	for range int(s.Rain * float64(len(pix)) / 1e6) {
		near := rng.Float64()
		length := float64(s.Height) * (0.02 + 0.07*near*near)
		x, y := rng.Float64()*float64(s.Width), rng.Float64()*float64(s.Height)
		bright := 10 + 30*rng.Float64()
		for k := range int(length) {
			px, py := int(x+0.12*float64(k)), int(y)+k
			if px < s.Width && py < s.Height {
				pix[py*s.Width+px] += bright
			}
		}
	}
}

// snow draws flakes that sink and waver, some of them close.
func (s *Scene) snow(pix []float64, t time.Duration) {
	rng := rand.New(rand.NewPCG(s.Seed, 17))
	w, h := float64(s.Width), float64(s.Height)
	for i := range int(s.Snow * float64(len(pix)) / 1e6) {
		near := rng.Float64()
		if i%12 > 0 {
			near *= 0.4
		}
		pace := 0.1 + 0.5*near + 0.05*rng.Float64()
		y := math.Mod(rng.Float64()+pace*t.Seconds(), 1.1) * h
		x := rng.Float64()*w + 0.03*w*math.Sin(t.Seconds()*(1+rng.Float64())+6*rng.Float64())
		bright := 70 * (1 - 0.6*near)
		s.soft(pix, x, y, 1+0.012*h*near, func(old, cover float64) float64 { return old + cover*bright })
	}
}

func (s *Scene) insect(pix []float64, in *Insect, t time.Duration) {
	if t < in.From || t > in.Until {
		return
	}
	rng := rand.New(rand.NewPCG(in.Seed, 19))
	sec := (t - in.From).Seconds()
	way := func() float64 {
		v := rng.Float64() + (rng.Float64()-0.5)*0.6*sec
		for k := 1.0; k <= 3; k++ {
			v += 0.25 / k * math.Sin(2*math.Pi*(0.4*k*(0.7+0.6*rng.Float64())*sec+rng.Float64()))
		}
		return v
	}
	x, y := way()*float64(s.Width), way()*float64(s.Height)
	for _, part := range []float64{1, 0.75, 0.5} { // softer towards its edge
		s.soft(pix, x, y, in.Size*part, func(old, cover float64) float64 { return old + cover*in.Shade/3 })
	}
}
