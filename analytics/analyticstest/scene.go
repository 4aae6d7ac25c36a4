// Package analyticstest draws scenes whose truth is known exactly, for the
// tests of the heuristics. A scene is a function of time: the same scene gives the same
// pictures.
package analyticstest

import (
	"math"
	"math/rand/v2"
	"time"
)

// Scene is what a camera looks at. The zero value of every field but Width and
// Height leaves out what it stands for.
type Scene struct {
	Width, Height int     // pixels
	Seed          uint64  // of texture and noise
	Noise         float64 // of the sensor: its amplitude in grey levels
	// Light is the gain and the offset, in grey levels, at a time; nil is 1, 0.
	Light   func(t time.Duration) (gain, offset float64)
	Actors  []Actor
	Foliage []Foliage
	// Backdrop is luma, Width × Height, in place of the drawn background.
	Backdrop []byte
	Things   []Thing
	Falls    []Fall
	Sprites  []Sprite
	Front    []Front
	Rain     float64 // drops in a picture, for each million pixels
	Snow     float64 // flakes in a picture, for each million pixels
	Insects  []Insect
	Glows    []Glow
	// Extras are drawn before the rain, each as it likes, in the day's light.
	Extras []func(s *Scene, pix []float64, t time.Duration)
	// Shake is how far the camera is moved at a time, in pixels.
	Shake  func(t time.Duration) (dx, dy float64)
	Tamper Tamper
	Props  []Prop
	// Before is what happens between the scene and the sensor at a time, such as to the
	// lens; it may change pix and return it.
	Before func(s *Scene, pix []float64, t time.Duration) []float64

	background []float64
	elsewhere  []float64 // what a camera that was turned away looks at
	noise      []float64
	scratch    []float64 // the picture being drawn
}

// Actor is a person who walks from place to place.
type Actor struct {
	Height float64 // as a part of the picture's
	Shade  float64 // grey level of the clothes
	Look   *Cutout // a real person in place of the drawn one
	Faint  float64 // their contrast against what is behind them, 0 to 1; 0 is 1
	// Grows says that they come nearer as they come down in the picture: Height is that
	// at the beginning of Path.
	Grows bool
	Path  []Step // in order of time; the actor is there from the first to the last
}

// Step is where an actor stands at a time: the middle between the feet, as
// fractions of the picture. In between, they walk straight.
type Step struct {
	At   time.Duration
	X, Y float64
}

// Foliage is a rectangle of leaves that the wind moves.
type Foliage struct {
	X, Y, W, H float64 // fractions of the picture
	Sway       float64 // how far, as a part of the picture's width
	Period     time.Duration
}

// Draw writes the picture of a time into dst, Width × Height bytes of luma.
//
//go:norace
func (s *Scene) Draw(dst []byte, t time.Duration) {
	if s.background == nil {
		s.prepare()
	}
	if s.Tamper.Kind == Freeze {
		t = min(t, max(s.Tamper.At, 0))
	}
	if len(s.scratch) != len(dst) {
		s.scratch = make([]float64, len(dst))
	}
	pix := s.scratch
	copy(pix, s.background)
	for i := range s.Foliage {
		s.foliage(pix, &s.Foliage[i], uint64(i), t)
	}
	s.draw(pix, t)
	if s.Light != nil {
		gain, offset := s.Light(t)
		for i := range pix {
			pix[i] = pix[i]*gain + offset
		}
	}
	// A table of noise is read from another place in every picture.
	at := int(hash(s.Seed, uint64(t), 1) % uint64(len(s.noise)))
	s.shine(pix, t)
	pix = s.lens(pix, t)
	if s.Before != nil {
		pix = s.Before(s, pix, t)
	}
	for i := 0; i < len(pix); at = 0 {
		n := min(len(pix)-i, len(s.noise)-at)
		for k, noise := range s.noise[at : at+n] {
			dst[i+k] = uint8(min(max(int(pix[i+k]+s.Noise*noise+0.5), 0), 255))
		}
		i += n
	}
}

// prepare draws the background, soft patches of grey between hard edges, as
// walls and paths are, and the table of noise.
func (s *Scene) prepare() {
	rng := rand.New(rand.NewPCG(s.Seed, 7))
	if s.background = s.patches(rng); len(s.Backdrop) == len(s.background) {
		for i, v := range s.Backdrop {
			s.background[i] = float64(v)
		}
	}
	s.noise = make([]float64, 1<<16+1)
	for i := range s.noise {
		s.noise[i] = rng.NormFloat64()
	}
	if s.Tamper.Kind == Turn {
		s.elsewhere = s.patches(rng)
	}
}

func (s *Scene) patches(rng *rand.Rand) []float64 {
	pix := make([]float64, s.Width*s.Height)
	for i := range pix {
		y := i / s.Width
		pix[i] = 120 - 40*float64(y)/float64(s.Height)
	}
	for range 40 {
		x0, y0 := rng.IntN(s.Width), rng.IntN(s.Height)
		w, h := s.Width/20+rng.IntN(s.Width/5), s.Height/20+rng.IntN(s.Height/5)
		shade := 30 * (rng.Float64() - 0.5)
		for y := y0; y < min(y0+h, s.Height); y++ {
			for x := x0; x < min(x0+w, s.Width); x++ {
				pix[y*s.Width+x] += shade
			}
		}
	}
	return pix
}

// Where returns where an actor's box is at a time: x, y, width and height as
// fractions of the picture; false if the actor is not in the scene.
func (s *Scene) Where(actor int, t time.Duration) (box [4]float64, ok bool) {
	a := &s.Actors[actor]
	x, y, ok := a.place(t)
	tall := a.tall(y)
	w := tall * float64(s.Height) / float64(s.Width) * 0.36
	return [4]float64{x - w/2, y - tall, w, tall}, ok
}

// tall is the actor's height with the feet at y.
func (a *Actor) tall(y float64) float64 {
	if !a.Grows {
		return a.Height
	}
	return a.Height * tall(y) / tall(a.Path[0].Y)
}

func (a *Actor) place(t time.Duration) (x, y float64, ok bool) {
	for i := 1; i < len(a.Path); i++ {
		p, q := a.Path[i-1], a.Path[i]
		if t >= p.At && t <= q.At {
			f := float64(t-p.At) / float64(max(q.At-p.At, 1))
			return p.X + f*(q.X-p.X), p.Y + f*(q.Y-p.Y), true
		}
	}
	return 0, 0, false
}

func (s *Scene) actor(pix []float64, a *Actor, t time.Duration) {
	x, y, ok := a.place(t)
	if !ok {
		return
	}
	if a.Look != nil {
		s.cutout(pix, a, t)
		return
	}
	h := a.tall(y) * float64(s.Height)
	cx, foot := x*float64(s.Width), y*float64(s.Height)
	// A person moves a little also when they stand.
	lean := 0.02 * h * math.Sin(2*math.Pi*t.Seconds()/3.1)
	stride := 0.09 * h * math.Sin(2*math.Pi*t.Seconds()/0.9)
	if p, _, _ := a.place(t + 100*time.Millisecond); p == x {
		stride = 0
	}
	s.ellipse(pix, cx+lean, foot-0.93*h, 0.06*h, 0.07*h, a.Shade+30)
	s.ellipse(pix, cx+lean, foot-0.66*h, 0.13*h, 0.22*h, a.Shade)
	s.ellipse(pix, cx+stride, foot-0.24*h, 0.055*h, 0.25*h, a.Shade-15)
	s.ellipse(pix, cx-stride, foot-0.24*h, 0.055*h, 0.25*h, a.Shade-15)
}

//go:norace
func (s *Scene) ellipse(pix []float64, cx, cy, rx, ry, shade float64) {
	for y := max(int(cy-ry), 0); y <= min(int(cy+ry), s.Height-1); y++ {
		for x := max(int(cx-rx), 0); x <= min(int(cx+rx), s.Width-1); x++ {
			dx, dy := (float64(x)-cx)/rx, (float64(y)-cy)/ry
			if dx*dx+dy*dy <= 1 {
				pix[y*s.Width+x] = shade
			}
		}
	}
}

// foliage draws leaves that hang on branches, each with its own swing.
func (s *Scene) foliage(pix []float64, f *Foliage, number uint64, t time.Duration) {
	rng := rand.New(rand.NewPCG(s.Seed+number, 11))
	w, h := float64(s.Width), float64(s.Height)
	leaf := max(w/100, 1.5)
	for range int(3 * f.W * w * f.H * h / (leaf * leaf * 4)) {
		x, y := (f.X+rng.Float64()*f.W)*w, (f.Y+rng.Float64()*f.H)*h
		shade := 50 + 110*rng.Float64()
		phase, pace := 2*math.Pi*rng.Float64()*0.2, 0.8+0.4*rng.Float64()
		swing := 2*math.Pi*pace*float64(t)/float64(max(f.Period, 1)) + phase
		x += f.Sway * w * math.Sin(swing)
		y += 0.3 * f.Sway * w * math.Cos(1.3*swing)
		s.ellipse(pix, x, y, leaf, leaf*0.7, shade)
	}
}

func hash(v ...uint64) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, x := range v {
		h = (h ^ x) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}
