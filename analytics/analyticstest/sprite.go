package analyticstest

import (
	"math"
	"time"
)

// Sprite is a small thing that moves before the background. It is drawn with the blur of its
// motion.
type Sprite struct {
	From, Until time.Duration
	// Pose is what it looks like at a time in seconds since From.
	Pose    func(sec float64) Pose
	Shutter time.Duration // how long a picture is exposed; 0 is 16 ms
}

// Pose is where a sprite is and what it looks like.
type Pose struct {
	X, Y  float64 // its middle, as fractions of the picture
	W, H  float64 // its axes, in pixels
	Turn  float64 // of the first axis against the horizontal, in radians
	Soft  float64 // pixels over which its edge fades; 0 is 1
	Box   bool    // a rectangle rather than an ellipse
	Shade float64 // grey level, or what it adds if Clear
	Clear bool    // it adds to what is behind it rather than covers it
}

// Front is a rectangle of the background before which no sprite is seen, such as
// a balcony's. Fractions of the picture.
type Front struct{ X, Y, W, H float64 }

const spriteSteps = 8 // of the shutter

//go:norace
func (s *Scene) sprite(pix []float64, sp *Sprite, t time.Duration) {
	if t < sp.From || t > sp.Until {
		return
	}
	open := sp.Shutter
	if open == 0 {
		open = shutter
	}
	var poses [spriteSteps]Pose
	n := spriteSteps
	x0, y0, x1, y1 := s.Width, s.Height, 0, 0
	for k := range poses {
		p := sp.Pose((t - sp.From + time.Duration(k)*open/spriteSteps).Seconds())
		if p.Soft == 0 {
			p.Soft = 1
		}
		p.X, p.Y = p.X*float64(s.Width), p.Y*float64(s.Height)
		poses[k] = p
		if k == spriteSteps-1 && math.Hypot(p.X-poses[0].X, p.Y-poses[0].Y) < 0.3 {
			n = 1 // it is sharp
		}
		r := math.Hypot(p.W, p.H)/2 + p.Soft
		x0, x1 = min(x0, int(p.X-r)), max(x1, int(p.X+r)+2)
		y0, y1 = min(y0, int(p.Y-r)), max(y1, int(p.Y+r)+2)
	}
	x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, s.Width), min(y1, s.Height)
	last := &poses[spriteSteps-1]
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			cover := 0.0
			for k := range poses[:n] {
				cover += poses[k].cover(float64(x), float64(y))
			}
			if cover /= float64(n); cover == 0 || s.hidden(x, y) {
				continue
			}
			if i := y*s.Width + x; last.Clear {
				pix[i] += cover * last.Shade
			} else {
				pix[i] += cover * (last.Shade - pix[i])
			}
		}
	}
}

// cover is how much of a pixel a pose covers, 0 to 1.
func (p *Pose) cover(x, y float64) float64 {
	dx, dy := x-p.X, y-p.Y
	if p.Turn != 0 {
		sin, cos := math.Sincos(p.Turn)
		dx, dy = dx*cos+dy*sin, dy*cos-dx*sin
	}
	rx, ry := p.W/2, p.H/2
	in := 0.0 // distance to the edge, inwards
	if p.Box {
		in = min(rx-math.Abs(dx), ry-math.Abs(dy))
	} else if r := min(rx, ry); r > 0 {
		in = (1 - math.Hypot(dx/rx, dy/ry)) * r
	}
	return min(max(in/p.Soft+0.5, 0), 1) * min(1, 2*min(rx, ry))
}

func (s *Scene) hidden(x, y int) bool {
	fx, fy := float64(x)/float64(s.Width), float64(y)/float64(s.Height)
	for _, f := range s.Front {
		if fx >= f.X && fx < f.X+f.W && fy >= f.Y && fy < f.Y+f.H {
			return true
		}
	}
	return false
}

// Flight is the way of a thing under gravity and the drag of the air. Lengths are in
// heights of the picture.
type Flight struct {
	X, Y     float64 // where it begins, as fractions of the picture
	VX, VY   float64 // thrown, a second
	Gravity  float64 // a second squared
	Terminal float64 // speed at which the air holds it, a second; 0 for no air
	Ground   float64 // where it lands, as a fraction of the picture's height
	Bounce   float64 // part of its speed that it keeps there; 0 if it is gone

	way  [][2]float64 // every flightStep
	land int          // index of the landing
}

const (
	flightStep = 1. / 500
	flightMost = 8. // seconds
	bounceTime = 1.2
)

// fly computes the way in a picture of width to height aspect. It returns how long
// the thing flies until it lands or has left the picture below.
func (f *Flight) fly(aspect float64) float64 {
	x, y, vx, vy := f.X, f.Y, f.VX, f.VY
	for i := range int(flightMost / flightStep) {
		f.way = append(f.way, [2]float64{x, y})
		if f.land > 0 && (f.Bounce == 0 || float64(i-f.land)*flightStep > bounceTime) {
			break
		}
		drag := 0.0
		if f.Terminal > 0 {
			drag = f.Gravity / (f.Terminal * f.Terminal) * math.Hypot(vx, vy)
		}
		vx -= drag * vx * flightStep
		vy += (f.Gravity - drag*vy) * flightStep
		x += vx * flightStep / aspect
		y += vy * flightStep
		if y >= min(f.Ground, 1.02) && vy > 0 {
			if f.land == 0 {
				f.land = i + 1
			}
			y, vy, vx = f.Ground, -f.Bounce*vy, f.Bounce*vx
		}
	}
	if f.land == 0 {
		f.land = len(f.way) - 1
	}
	return float64(f.land) * flightStep
}

// at returns where the thing is, as fractions of the picture.
func (f *Flight) at(sec float64) (x, y float64) {
	i := min(max(sec/flightStep, 0), float64(len(f.way)-1))
	k := min(int(i), len(f.way)-2)
	a, b, w := f.way[k], f.way[k+1], i-float64(k)
	return a[0] + w*(b[0]-a[0]), a[1] + w*(b[1]-a[1])
}
