package analyticstest

import (
	"math"
	"math/rand/v2"
	"time"
)

// extra draws something of its own into a scene.
type extra = func(s *Scene, pix []float64, t time.Duration)

// car is a vehicle seen from the side that drives along a path; height is a part of the
// picture's.
func car(height, shade float64, path ...Step) extra {
	return along(path, func(s *Scene, pix []float64, cx, foot float64, _ time.Duration) {
		h := height * float64(s.Height)
		s.rect(pix, cx-1.3*h, foot-0.6*h, 2.6*h, 0.45*h, shade)
		s.rect(pix, cx-0.7*h, foot-h, 1.5*h, 0.4*h, shade*0.8)
		s.rect(pix, cx-0.6*h, foot-0.95*h, 1.3*h, 0.3*h, 40)
		s.ellipse(pix, cx-0.8*h, foot-0.17*h, 0.2*h, 0.17*h, 20)
		s.ellipse(pix, cx+0.8*h, foot-0.17*h, 0.2*h, 0.17*h, 20)
	})
}

// along draws something at the place on a path where it is, in pixels.
func along(path []Step, draw func(s *Scene, pix []float64, cx, foot float64, t time.Duration)) extra {
	a := Actor{Path: path}
	return func(s *Scene, pix []float64, t time.Duration) {
		if x, y, ok := a.place(t); ok {
			draw(s, pix, x*float64(s.Width), y*float64(s.Height), t)
		}
	}
}

// cat is a small animal that runs along a path.
func cat(height, shade float64, path ...Step) extra {
	return along(path, func(s *Scene, pix []float64, cx, foot float64, t time.Duration) {
		h := height * float64(s.Height)
		s.ellipse(pix, cx, foot-0.6*h, 1.1*h, 0.35*h, shade)
		s.ellipse(pix, cx+1.1*h, foot-0.75*h, 0.3*h, 0.3*h, shade)
		step := 0.3 * h * math.Sin(2*math.Pi*t.Seconds()*3)
		for _, leg := range []float64{-0.8, -0.5, 0.6, 0.9} {
			s.rect(pix, cx+leg*h+step*math.Copysign(1, leg), foot-0.4*h, 0.12*h+1, 0.4*h, shade)
		}
	})
}

// bird flaps across the picture.
func bird(from time.Duration, seconds, y, size, shade float64, toRight bool) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		f := (t - from).Seconds() / seconds
		if f < 0 || f > 1 {
			return
		}
		if !toRight {
			f = 1 - f
		}
		cx := f * float64(s.Width)
		cy := (y + 0.03*math.Sin(5*t.Seconds())) * float64(s.Height)
		wing := size * math.Abs(math.Sin(2*math.Pi*4*t.Seconds()))
		s.ellipse(pix, cx, cy, size, size*0.4, shade)
		s.ellipse(pix, cx, cy-wing/2, size*0.35, wing+1, shade)
	}
}

// cloth is a flag or laundry: a rectangle whose folds move in the wind.
func cloth(x, y, w, h, shade, wind float64) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		fw, fh := float64(s.Width), float64(s.Height)
		sec := t.Seconds()
		gust := wind * (0.6 + 0.4*math.Sin(sec/3))
		for py := int(y * fh); py < int((y+h)*fh); py++ {
			v := (float64(py)/fh - y) / h
			shift := gust * w * fw * 0.3 * v * math.Sin(2*math.Pi*0.6*sec+3*v)
			for px := int(x*fw + shift); px < int((x+w)*fw+shift); px++ {
				if px < 0 || px >= s.Width || py < 0 || py >= s.Height {
					continue
				}
				u := (float64(px) - x*fw - shift) / (w * fw)
				pix[py*s.Width+px] = shade + 25*gust*math.Sin(9*u-2*math.Pi*0.8*sec+2*v)
			}
		}
	}
}

// clouds darken bands of the picture that wander over it.
func clouds(depth, speed float64) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		sec := t.Seconds()
		for y := range s.Height {
			fy := float64(y) / float64(s.Height)
			for x := range s.Width {
				fx := float64(x) / float64(s.Width)
				v := math.Sin(2*math.Pi*(0.8*fx+0.35*fy-speed*sec)) + 0.5*math.Sin(2*math.Pi*(1.7*fx-0.6*fy-1.3*speed*sec)+1)
				pix[y*s.Width+x] *= 1 - depth/(1+math.Exp(-6*v))
			}
		}
	}
}

// dapple is the shadow of a tree on the ground, which the wind moves.
func dapple(seed uint64, x, y, w, h, depth, sway float64) extra {
	rng := rand.New(rand.NewPCG(seed, 23))
	type spot struct{ x, y, r, phase float64 }
	spots := make([]spot, 60)
	for i := range spots {
		spots[i] = spot{x + w*rng.Float64(), y + h*rng.Float64(), 0.008 + 0.02*rng.Float64(), rng.Float64()}
	}
	return func(s *Scene, pix []float64, t time.Duration) {
		fw, fh := float64(s.Width), float64(s.Height)
		for _, p := range spots {
			swing := sway * math.Sin(2*math.Pi*(t.Seconds()/2.3+0.2*p.phase))
			s.soft(pix, (p.x+swing)*fw, (p.y+0.2*swing)*fh, p.r*fw, func(old, cover float64) float64 { return old * (1 - depth*cover) })
		}
	}
}

// web is a thread of a spider's web close to the lens: wide, soft and swinging.
func web(x0, y0, x1, y1, level float64) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		fw, fh := float64(s.Width), float64(s.Height)
		swing := 0.02 * math.Sin(2*math.Pi*0.9*t.Seconds()) * (0.5 + 0.5*math.Sin(t.Seconds()/4))
		for k := range 200 {
			f := float64(k) / 199
			bow := swing * math.Sin(math.Pi*f)
			s.soft(pix, (x0+f*(x1-x0)+bow)*fw, (y0+f*(y1-y0)+bow)*fh, 0.008*fw, func(old, cover float64) float64 { return old + 0.25*level*cover })
		}
	}
}

// ripples move on a puddle.
func ripples(x, y, w, h, level float64) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		fw, fh := float64(s.Width), float64(s.Height)
		sec := t.Seconds()
		for py := int(y * fh); py < int((y+h)*fh) && py < s.Height; py++ {
			for px := int(x * fw); px < int((x+w)*fw) && px < s.Width; px++ {
				fx, fy := (float64(px)/fw-x)/w*2-1, (float64(py)/fh-y)/h*2-1
				if fx*fx+fy*fy > 1 {
					continue
				}
				pix[py*s.Width+px] += level * math.Sin(30*fx+7*sec) * math.Sin(24*fy-5*sec+2*math.Sin(sec))
			}
		}
	}
}

// lamp is a light that lights a part of the ground, at the level that a function of time gives.
func lamp(x, y, radius float64, level func(sec float64) float64) extra {
	return func(s *Scene, pix []float64, t time.Duration) {
		v := level(t.Seconds())
		if v == 0 {
			return
		}
		fw, fh := float64(s.Width), float64(s.Height)
		r := radius * fw
		for py := range s.Height {
			for px := range s.Width {
				dx, dy := float64(px)-x*fw, (float64(py)-y*fh)*1.6
				pix[py*s.Width+px] += v * math.Exp(-(dx*dx+dy*dy)/(2*r*r)) * (0.3 + pix[py*s.Width+px]/160)
			}
		}
	}
}

// shadow is the shadow of somebody or something outside the picture, which passes.
func shadow(depth float64, path ...Step) extra {
	a := Actor{Path: path}
	return func(s *Scene, pix []float64, t time.Duration) {
		x, y, ok := a.place(t)
		if !ok {
			return
		}
		fw, fh := float64(s.Width), float64(s.Height)
		for k := range 24 {
			f := float64(k) / 23
			s.soft(pix, (x+0.12*f)*fw, (y-0.1*f)*fh, 0.018*fw, func(old, cover float64) float64 { return old * (1 - depth*cover*0.35) })
		}
	}
}
