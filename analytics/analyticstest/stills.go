package analyticstest

import (
	"math"
	"time"
)

// stillKind is a kind of clip in which nothing is thrown.
type stillKind struct {
	name string
	fps  int // 25 if 0
	rows int // of the picture; 360 if 0
	add  func(st *studio, c *Clip)
}

func stillKinds() []stillKind {
	snow := func(lo, hi, pace, near float64) func(*studio, *Clip) {
		return func(st *studio, c *Clip) { st.snow(c, st.between(lo, hi), pace, near) }
	}
	return []stillKind{
		{name: "snow_light", add: snow(20, 60, 0.25, 0.1)},
		{name: "snow", rows: 720, add: snow(150, 400, 0.35, 0.1)},
		{name: "snow_heavy", add: snow(500, 1200, 0.4, 0.1)},
		{name: "snow_near", add: snow(20, 60, 0.8, 0.6)},
		{name: "snow_night", fps: 15, add: func(st *studio, c *Clip) { dark(c, 0.4, 3); st.snow(c, 150, 0.5, 0.3) }},
		{name: "sleet", add: snow(60, 200, 1.4, 0.3)},
		{name: "rain_light", add: func(st *studio, c *Clip) { st.rain(c, st.between(20, 60)) }},
		{name: "rain", rows: 720, add: func(st *studio, c *Clip) { st.rain(c, st.between(80, 200)) }},
		{name: "rain_heavy", add: func(st *studio, c *Clip) { st.rain(c, st.between(300, 600)) }},
		{name: "rain_night", fps: 15, add: func(st *studio, c *Clip) { dark(c, 0.4, 4); st.rain(c, 120) }},
		{name: "drops", add: (*studio).drops},
		{name: "birds", add: (*studio).birds},
		{name: "birds_many", rows: 720, add: func(st *studio, c *Clip) {
			for range 4 {
				st.birds(c)
			}
		}},
		{name: "insects", add: (*studio).insects},
		{name: "insects_night", fps: 20, add: func(st *studio, c *Clip) { dark(c, 0.4, 4); st.insects(c); st.insects(c) }},
		{name: "leaves", add: (*studio).leaves},
		{name: "laundry", add: (*studio).laundry},
		{name: "flags", rows: 720, add: func(st *studio, c *Clip) { st.laundry(c); st.curtains(c) }},
		{name: "people", add: (*studio).peopleBelow},
		{name: "cars", add: (*studio).cars},
		{name: "headlights", add: (*studio).headlights},
		{name: "branches", add: (*studio).branches},
		{name: "shake", add: func(st *studio, c *Clip) {
			gust, p, q := st.between(0.6, 2.5), st.between(1.5, 4), st.between(2, 5)
			c.Scene.Shake = func(t time.Duration) (float64, float64) {
				sec := t.Seconds()
				strength := gust * max(math.Sin(2*math.Pi*sec/9), 0)
				return strength * math.Sin(2*math.Pi*p*sec), 0.7 * strength * math.Sin(2*math.Pi*q*sec+1)
			}
		}},
		{name: "light", add: (*studio).lights},
		{name: "lift", add: (*studio).lifts},
	}
}

// dark makes it night.
func dark(c *Clip, gain, noise float64) {
	c.Scene.Light = func(time.Duration) (float64, float64) { return gain, 8 }
	c.Scene.Noise = noise
}

// still makes one clip of a kind.
func (st *studio) still(k stillKind, seconds float64) {
	if k.fps == 0 {
		k.fps = 25
	}
	if k.rows == 0 {
		k.rows = 360
	}
	if k.rows > 360 {
		seconds /= 2
	}
	k.add(st, st.before("quiet_fall_"+k.name, k.fps, seconds, k.rows))
}

// often calls add at times of the clip, on average every so many seconds.
func (st *studio) often(c *Clip, every float64, add func(at float64)) {
	for t := st.between(0, every); t < c.Length.Seconds(); t += st.between(0.3, 1.7) * every {
		add(t)
	}
}

func (c *Clip) sprite(from, until float64, pose func(sec float64) Pose) {
	c.Scene.Sprites = append(c.Scene.Sprites, Sprite{From: seconds64(from), Until: seconds64(until), Pose: pose})
}

// snow is flakes that the wind drives, count of them at 640×360 for the whole
// clip, some of them near. pace is heights a second of those in the middle.
func (st *studio) snow(c *Clip, count, pace, near float64) {
	h := float64(c.Scene.Height)
	gust, period, phase := st.between(0.02, 0.15), st.between(3, 8), st.between(0, 6)
	for range int(count) {
		x0, y0, p, q := st.rng.Float64(), st.rng.Float64(), st.between(1, 5), st.between(0, 6)
		depth := st.between(0.3, 1)
		if st.rng.Float64() < near {
			depth = st.between(1, 3)
		}
		v, sway := pace*depth*st.between(0.8, 1.2), 0.01*depth
		size, soft := h*0.006*depth*st.between(0.7, 1.3), max(1, h*0.004*(depth-1))
		shade := st.between(40, 90) / max(1, depth)
		c.sprite(0, c.Length.Seconds(), func(t float64) Pose {
			fall := v * (t + gust/2*math.Sin(2*math.Pi*t/period))
			x := x0 + sway*math.Sin(p*t+q) - 2*gust*depth*math.Cos(2*math.Pi*t/period+phase)
			return Pose{X: wrap(x, 0.05), Y: wrap(y0+fall+sway/2*math.Sin(1.7*p*t), 0.08), W: size, H: size, Soft: soft, Shade: shade, Clear: true}
		})
	}
}

// wrap takes a place around the picture, beyond its edges by a margin.
func wrap(v, margin float64) float64 {
	span := 1 + 2*margin
	v = math.Mod(v+margin, span)
	if v < 0 {
		v += span
	}
	return v - margin
}

// rain is drops that are seen in a few pictures each, count at a time.
func (st *studio) rain(c *Clip, count float64) {
	h := float64(c.Scene.Height)
	slant := st.between(-0.15, 0.15)
	for range int(count) {
		x0, y0, depth := st.rng.Float64(), st.rng.Float64(), st.between(0.4, 2.5)
		v, shade, seed := st.between(1.1, 1.5)*depth, st.between(10, 45), st.rng.Uint64()
		w, long := h*0.003*depth, h*0.006*depth
		c.sprite(0, c.Length.Seconds(), func(t float64) Pose {
			turns := math.Floor((y0 + v*t) / 1.2)
			x := x0 + float64(hash(seed, uint64(turns))%1000)/1000
			y := math.Mod(y0+v*t, 1.2) - 0.1
			return Pose{X: wrap(x+slant*y, 0), Y: y, W: w, H: long, Shade: shade, Clear: true}
		})
	}
}

// drops run down the lens: large, soft, by fits and starts.
func (st *studio) drops(c *Clip) {
	h := float64(c.Scene.Height)
	st.often(c, 2.5, func(at float64) {
		x, y0, size := st.rng.Float64(), st.between(0, 0.6), h*st.between(0.02, 0.06)
		rest, v, a := st.between(0, 2), st.between(0.05, 0.5), st.between(0, 0.5)
		p, shade := st.between(2, 6), st.aside()*st.between(15, 35)
		c.sprite(at, at+5, func(t float64) Pose {
			q := max(t-rest, 0)
			y := y0 + v*(q+0.7*math.Sin(p*q)/p) + a*q*q/4
			return Pose{X: x + 0.003*math.Sin(3*q), Y: y, W: size, H: size * 1.3, Soft: size / 3, Shade: shade, Clear: true}
		})
	})
}
