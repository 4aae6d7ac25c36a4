package throw

import (
	"math"
	"math/rand/v2"
	"time"

	"sentrybox/analytics/wire"
)

const (
	sceneWidth, sceneHeight = 640, 720
	exposure                = 0.012 // seconds
)

// mover is a small thing: where it is at a time in seconds, as pixels, its half
// width and height, and how its grey level differs from what is behind it.
type mover func(t float64) (x, y, rx, ry, contrast float64, ok bool)

// scene is what a camera sees before a facade.
type scene struct {
	noise  float64 // of the sensor, grey levels
	rate   float64 // pictures a second
	long   float64 // seconds
	movers []mover
	// swing sways whole areas: x and y in, shift of x and y out.
	shift func(t float64) (dx, dy int)
	// light is, for a time, what is added to the grey level at a place; nil for none.
	light func(t float64) func(x, y float64) float64
	times func(i int, t float64) float64
	again func(i int) bool // the picture is the one before once more

	back, clean []int32 // in sixteenths of a grey level
	table       []float64
	rng         *rand.Rand
}

func newScene(seed uint64) *scene {
	s := &scene{noise: 1.5, rate: 25, long: 5, rng: rand.New(rand.NewPCG(seed, 3))}
	s.back = make([]int32, sceneWidth*sceneHeight)
	wall := 90 + 80*s.rng.Float64()
	pane := wall - 50 + 30*s.rng.Float64()
	pitch := 50 + s.rng.IntN(40)
	for y := range sceneHeight {
		for x := range sceneWidth {
			v := wall + 6*math.Sin(float64(x)/37) + 4*math.Sin(float64(y)/11)
			if x%pitch > pitch/3 && y%pitch > pitch/2 {
				v = pane
			}
			s.back[y*sceneWidth+x] = int32(16 * (v + 4*(s.rng.Float64()-0.5)))
		}
	}
	s.table = make([]float64, 1<<15+1)
	for i := range s.table {
		s.table[i] = s.rng.NormFloat64()
	}
	return s
}

// run draws every picture and returns what d finds.
func (s *scene) run(d *Detector) []Event {
	var got []Event
	s.clean = make([]int32, len(s.back))
	n := int(s.long * s.rate)
	for i := range n {
		t := float64(i) / s.rate
		at := t
		if s.times != nil {
			if at = s.times(i, t); !d.Due(time.Duration(at * float64(time.Second))) {
				continue
			}
		}
		buf := d.Buffer()
		if s.again == nil || !s.again(i) {
			s.draw(t)
		}
		rows := s.rng.IntN(len(s.table))
		if s.again != nil && s.again(i) {
			copy(buf, d.history[0].pix)
		} else {
			s.expose(buf, rows)
		}
		got = append(got, d.Step(time.Duration(at*float64(time.Second)))...)
	}
	return append(got, d.Finish()...)
}

func (s *scene) draw(t float64) {
	if s.shift != nil {
		dx, dy := s.shift(t)
		for y := range sceneHeight {
			v := min(max(y+dy, 0), sceneHeight-1)
			for x := range sceneWidth {
				s.clean[y*sceneWidth+x] = s.back[v*sceneWidth+min(max(x+dx, 0), sceneWidth-1)]
			}
		}
	} else {
		copy(s.clean, s.back)
	}
	if s.light != nil {
		light := s.light(t)
		for y := range sceneHeight {
			for x := range sceneWidth {
				s.clean[y*sceneWidth+x] += int32(16 * light(float64(x), float64(y)))
			}
		}
	}
	const steps = 6 // of the shutter
	for _, m := range s.movers {
		for k := range steps {
			x, y, rx, ry, c, ok := m(t + exposure*float64(k)/steps)
			if ok {
				s.ellipse(x, y, rx, ry, c/steps)
			}
		}
	}
}

func evenly(level float64) func(x, y float64) float64 {
	return func(_, _ float64) float64 { return level }
}

// ellipse adds to the grey levels, with soft edges.
func (s *scene) ellipse(cx, cy, rx, ry, add float64) {
	for y := max(int(cy-ry-1), 0); y <= min(int(cy+ry+1), sceneHeight-1); y++ {
		for x := max(int(cx-rx-1), 0); x <= min(int(cx+rx+1), sceneWidth-1); x++ {
			d := math.Hypot((float64(x)-cx)/rx, (float64(y)-cy)/ry)
			s.clean[y*sceneWidth+x] += int32(16 * add * min(max((1-d)*min(rx, ry)+0.5, 0), 1))
		}
	}
}

func (s *scene) expose(buf []byte, at int) {
	noise := make([]int32, len(s.table))
	for i, v := range s.table {
		noise[i] = int32(16*s.noise*v) + 8
	}
	for i := 0; i < len(buf); {
		n := min(len(buf)-i, len(noise)-at)
		dst, clean, add := buf[i:i+n], s.clean[i:i+n], noise[at:at+n]
		for k := range dst {
			dst[k] = uint8(min(max((clean[k]+add[k])>>4, 0), 255))
		}
		i, at = i+n, 0
	}
}

func watchAll() *Detector {
	return New([]wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, nil, sceneWidth, sceneHeight)
}

// falling is a thing let go or thrown at a time: g in pixels a second squared,
// size across in pixels.
func falling(at, x, y, vx, vy, g, size, contrast float64) mover {
	return func(t float64) (float64, float64, float64, float64, float64, bool) {
		s := t - at
		if s < 0 {
			return 0, 0, 0, 0, 0, false
		}
		py := y + vy*s + g*s*s/2
		r := size / 2
		return x + vx*s, py, r, r * (0.8 + 0.2*math.Cos(9*s)), contrast, py < sceneHeight-20
	}
}

// nuisances are what must not be taken for a fall, each by a seed.
func nuisances() map[string]func(s *scene) {
	r := func(s *scene, lo, hi float64) float64 { return lo + (hi-lo)*s.rng.Float64() }
	return map[string]func(*scene){
		"birds": func(s *scene) {
			for range 4 {
				t0, y0, v, a, dir := r(s, 1, 3), r(s, 50, 500), r(s, 150, 500), r(s, -150, 250), math.Copysign(1, s.rng.Float64()-0.5)
				flap := r(s, 5, 12)
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					q := t - t0
					x := 320 - dir*320 + dir*v*q
					return x, y0 + 80*q*r1(a) + a*q*q/2, 5, 2 + 2*math.Abs(math.Sin(flap*q)), -60, q > 0
				})
			}
		},
		"insects": func(s *scene) {
			for range 6 {
				x0, y0, p1, p2, p3 := r(s, 0, 640), r(s, 0, 720), r(s, 1, 6), r(s, 1, 6), r(s, 2, 9)
				size := r(s, 3, 25)
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					return x0 + 150*math.Sin(p1*t) + 60*math.Sin(p3*t), y0 + 170*math.Cos(p2*t) + 50*math.Cos(p3*t+1), size, size * 0.7, 40, true
				})
			}
		},
		"rain": func(s *scene) {
			for range 60 {
				x0, y0, v, dx := r(s, 0, 640), r(s, 0, 720), r(s, 900, 1600), r(s, -100, 100)
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					y := math.Mod(y0+v*t, 800) - 40
					k := math.Floor((y0 + v*t) / 800)
					return math.Mod(x0+211*k+dx*math.Mod(t, 0.7)+1280, 640), y, 1, 12, 25, true
				})
			}
		},
		"snow": func(s *scene) {
			for range 120 {
				x0, y0, v, p := r(s, 0, 640), r(s, 0, 720), r(s, 80, 350), r(s, 1, 4)
				size := r(s, 1, 4)
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					return x0 + 20*math.Sin(p*t+x0), math.Mod(y0+v*t, 740), size, size, 50, true
				})
			}
		},
		"leaves": func(s *scene) {
			for range 8 {
				x0, y0, t0, v, p, a := r(s, 0, 640), r(s, -100, 300), r(s, 0, 2), r(s, 60, 200), r(s, 2, 6), r(s, 10, 50)
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					q := t - t0
					return x0 + a*math.Sin(p*q), y0 + v*q + a/4*math.Sin(2*p*q), 5, 2 + 2*math.Abs(math.Cos(p*q)), -45, q > 0
				})
			}
		},
		"laundry": func(s *scene) {
			for range 3 {
				x0, y0, p := r(s, 50, 590), r(s, 100, 600), r(s, 2, 7)
				for k := range 6 {
					s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
						w := float64(k) * 9
						return x0 + 12*math.Sin(p*t+w/30) + w, y0 + w/3 + 5*math.Cos(p*t+w/20), 12, 25, 50, true
					})
				}
			}
		},
		"light steps": func(s *scene) {
			p := r(s, 0.3, 0.9)
			s.light = func(t float64) func(x, y float64) float64 {
				if math.Mod(t, 2*p) < p {
					return evenly(0)
				}
				return evenly(25)
			}
		},
		"windows lit": func(s *scene) { // one below the other
			x0, step, t0 := r(s, 50, 590), r(s, 0.04, 0.2), 1.5
			for k := range 8 {
				s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
					return x0, 60 + 70*float64(k), 9, 12, 60, t > t0+step*float64(k)
				})
			}
		},
		"headlights": func(s *scene) {
			p, w := r(s, 200, 700), r(s, 30, 120)
			s.light = func(t float64) func(x, y float64) float64 {
				at := math.Mod(p*t, 1500) - 300
				return func(x, y float64) float64 {
					d := (at - x - 0.7*y) / w
					return 60 * max(0, 1-d*d)
				}
			}
		},
		"shake": func(s *scene) {
			p := r(s, 3, 9)
			s.shift = func(t float64) (int, int) {
				return int(math.Round(2 * math.Sin(p*t))), int(math.Round(2 * math.Cos(1.7*p*t)))
			}
		},
		"lift": func(s *scene) {
			x0, v := r(s, 50, 590), r(s, 100, 500)
			s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
				return x0, v*(t-1) - 30, 8, 10, -50, true
			})
		},
		"lift that starts": func(s *scene) {
			x0, v := r(s, 50, 590), r(s, 100, 230)
			s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
				q := max(t-1.2, 0)
				y := 100 + v*q*q/2
				if q > 1 {
					y = 100 + v/2 + v*(q-1)
				}
				return x0, y, 8, 10, -50, true
			})
		},
		"rising": func(s *scene) {
			x0, v, a := r(s, 50, 590), r(s, 300, 900), r(s, -100, 100)
			s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
				q := t - 1.5
				return x0 + 20*q, 700 - v*q + a*q*q/2, 7, 7, -50, q > 0
			})
		},
		"ball": func(s *scene) { // bounces along the ground
			v, h, per := r(s, 180, 400), r(s, 60, 110), r(s, 0.6, 0.9)
			s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
				q := t - 1.2
				u := math.Mod(q, per)/per*2 - 1
				return v * q, 690 - h*(1-u*u), 9, 9, -60, q > 0
			})
		},
		"people": func(s *scene) { // near the lower edge, with limbs
			for range 2 {
				v, x0, p := r(s, 30, 120), r(s, 0, 400), r(s, 4, 8)
				for k := range 5 {
					s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
						f := float64(k)
						return x0 + v*t + 15*math.Sin(p*t+f*2), 500 + 40*f + 6*math.Cos(2*p*t), 14, 22, -50, true
					})
				}
			}
		},
		"cars": func(s *scene) { // towards the camera
			for range 2 {
				x0, t0, z := r(s, 200, 440), r(s, 0.5, 2), r(s, 1.5, 3)
				for k := range 4 {
					s.movers = append(s.movers, func(t float64) (float64, float64, float64, float64, float64, bool) {
						q := 1 - (t-t0)/z
						if q < 0.08 || q > 1 {
							return 0, 0, 0, 0, 0, false
						}
						scale := 0.12 / q
						return x0 + 120*scale*(float64(k%2)-0.5), 200 + 400*scale + 60*scale*float64(k/2), 30 * scale, 20 * scale, 60 - 80*float64(k%2), true
					})
				}
			}
		},
	}
}

func r1(a float64) float64 { return math.Copysign(0.3, a) }
