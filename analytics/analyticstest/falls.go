package analyticstest

import (
	"cmp"
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// FallClips returns a wide sweep of scenes for thrown objects alone: falls of many
// kinds, about six minutes, and what must not be taken for one, about twenty. The same
// seed and stock give the same clips.
func FallClips(seed uint64, stock Stock) []Clip {
	st := &studio{seed: seed, stock: stock}
	for _, f := range fallKinds() {
		st.falls(f)
	}
	for _, q := range stillKinds() {
		st.still(q, 60)
	}
	return st.clips
}

// fallsForAll adds some of them to the scenes of every kind.
func (st *studio) fallsForAll() {
	for _, f := range fallKinds() {
		switch f.name {
		case "down", "bag", "balconies", "snow", "slow_rate":
			st.falls(f)
		}
	}
	for _, q := range stillKinds() {
		switch q.name {
		case "snow_light", "birds", "leaves", "people", "laundry":
			st.still(q, 25)
		}
	}
}

// fallKind is a kind of clip in which things fall.
type fallKind struct {
	name string
	fps  int // 25 if 0
	rows int // of the picture; 720 if 0
	// add changes the clip before things fall in it, if not nil.
	add func(st *studio, c *Clip)
	// shape changes how a thing falls, if not nil.
	shape func(st *studio, o *object)
	count int // of things; 2 if 0
	apart float64
}

// object is a thing that falls. Sizes are pixels at 720 lines.
type object struct {
	Flight
	size, long float64 // its axes
	spin       float64 // radians a second
	contrast   float64 // against what is behind it in the mean; negative is darker
	flicker    float64 // how far the contrast changes while it turns
	shutter    time.Duration
}

func fallKinds() []fallKind {
	size := func(lo, hi float64) func(*studio, *object) {
		return func(st *studio, o *object) { o.size = st.between(lo, hi); o.long = o.size }
	}
	weather := func(name string) func(*studio, *Clip) {
		return func(st *studio, c *Clip) {
			for _, q := range stillKinds() {
				if q.name == name {
					q.add(st, c)
				}
			}
		}
	}
	return []fallKind{
		{name: "plain"},
		{name: "plain_small", rows: 360},
		{name: "plain_large", rows: 1080},
		{name: "tiny", shape: func(st *studio, o *object) { size(4, 6)(st, o); o.contrast *= 1.3 }},
		{name: "faint", shape: func(st *studio, o *object) {
			size(12, 20)(st, o)
			o.contrast = math.Copysign(st.between(17, 25), o.contrast)
		}},
		{name: "sharp", shape: func(_ *studio, o *object) { o.shutter = time.Millisecond }},
		{name: "blurred", shape: func(_ *studio, o *object) { o.shutter = 33 * time.Millisecond }},
		{name: "down", shape: func(st *studio, o *object) { o.VY = st.between(0.05, 0.25) }},
		{name: "up", shape: func(st *studio, o *object) { o.Y += 0.1; o.VY = -st.between(0.05, 0.2) }},
		{name: "sideways", shape: func(st *studio, o *object) { o.VX = st.aside() * st.between(0.08, 0.2) }},
		{name: "bag", shape: func(st *studio, o *object) {
			size(10, 20)(st, o)
			o.Terminal = st.between(0.8, 1.2) * math.Sqrt(2*o.Gravity*(o.Ground-o.Y))
			o.spin, o.flicker, o.long = st.between(3, 8), 0.3, o.size*1.5
		}},
		{name: "bottle", shape: func(st *studio, o *object) {
			size(5, 9)(st, o)
			o.spin, o.flicker, o.long = st.between(5, 20), 0.4, o.size*2.5
		}},
		{name: "bounce", shape: func(st *studio, o *object) { o.Bounce = st.between(0.2, 0.5) }},
		{name: "balconies", add: func(st *studio, c *Clip) {
			x, w := st.between(0.3, 0.5), st.between(0.3, 0.4)
			for y := 0.08; y < 0.8; y += st.between(0.1, 0.14) {
				c.Scene.Front = append(c.Scene.Front, Front{x, y, w, st.between(0.015, 0.04)})
			}
		}},
		{name: "several", count: 3, apart: 0.4},
		{name: "short", shape: func(st *studio, o *object) {
			o.Y = st.between(0.3, 0.6)
			o.Ground = o.Y + st.between(0.17, 0.25)
		}},
		{name: "leaves", shape: func(_ *studio, o *object) { o.Ground = 1.5 }},
		{name: "enters", shape: func(st *studio, o *object) {
			o.Y = -0.02
			o.VY = st.between(0.1, 0.5)
		}},
		{name: "slow_rate", fps: 12}, {name: "rate_15", fps: 15}, {name: "rate_20", fps: 20}, {name: "rate_30", fps: 30, rows: 360},
		{name: "repeats", add: func(st *studio, c *Clip) {
			every := 4 + st.rng.IntN(4)
			c.Capture = func(i int) time.Duration {
				if i%every == every-1 {
					i--
				}
				return time.Duration(i) * time.Second / 25
			}
		}},
		{name: "jitter", add: func(st *studio, c *Clip) {
			by, seed := st.between(0.15, 0.35), st.rng.Uint64()
			c.Capture = func(i int) time.Duration {
				late := by * (float64(hash(seed, uint64(i))%1000)/1000 - 0.5)
				return time.Duration((float64(i) + 1 + late) * float64(time.Second) / 25)
			}
		}},
		{name: "low_rate", add: func(_ *studio, c *Clip) { c.Rate, c.GOP = 250, 100 }},
		{name: "night", add: func(st *studio, c *Clip) {
			gain := st.between(0.3, 0.5)
			c.Scene.Light = func(time.Duration) (float64, float64) { return gain, 10 }
			c.Scene.Noise = st.between(3, 4.5)
		}, shape: func(st *studio, o *object) { o.size, o.long, o.contrast = 12, 12, st.between(90, 130) }},
		{name: "snow", add: weather("snow_light")},
		{name: "rain", add: weather("rain_light")},
		{name: "birds", add: weather("birds")},
		{name: "trees", add: weather("branches")},
		{name: "shaken", add: func(_ *studio, c *Clip) {
			c.Scene.Shake = func(t time.Duration) (float64, float64) {
				sec := t.Seconds()
				return 0.5 * math.Sin(2*math.Pi*3.1*sec), 0.4 * math.Sin(2*math.Pi*4.3*sec+1)
			}
		}},
	}
}

func (st *studio) aside() float64 { return float64(2*st.rng.IntN(2) - 1) }

// falls makes one clip of a kind.
func (st *studio) falls(k fallKind) {
	k.fps = cmp.Or(k.fps, 25)
	if k.count == 0 {
		k.count, k.apart = 2, 4.5
	}
	c := st.before("throw_"+k.name, k.fps, 13, cmp.Or(k.rows, 720))
	if k.add != nil {
		k.add(st, c)
	}
	s := c.Scene
	aspect := float64(s.Width) / float64(s.Height)
	for i := range k.count {
		o := object{
			Flight:   Flight{X: st.between(0.3, 0.85), Y: st.between(0.05, 0.3), Gravity: st.between(0.25, 1.1), Ground: st.between(0.8, 0.95)},
			size:     st.between(6, 20),
			contrast: st.aside() * st.between(30, 80),
			shutter:  time.Duration(st.between(4, 20) * float64(time.Millisecond)),
		}
		o.long = o.size
		if st.rng.IntN(2) == 0 {
			o.VX = st.between(-0.05, 0.05)
		}
		if k.shape != nil {
			k.shape(st, &o)
		}
		at := seconds64(3.5 + k.apart*float64(i) + st.between(0, 0.7))
		long := o.fly(aspect)
		st.launch(c, &o, at)
		e := Event{Kind: wire.ThrownObject, Zone: zoneName, Start: at, End: at + seconds64(long)}
		e.Origin = wire.Point{o.X, max(o.Y, 0)}
		e.Floor = floorOf(c.Zones[0].Floors, o.Y)
		c.Events = append(c.Events, e)
	}
}

// launch adds the object to a clip.
func (st *studio) launch(c *Clip, o *object, at time.Duration) {
	s := c.Scene
	f := o.Flight
	scale := float64(s.Height) / 720
	shade := st.behind(s, &f) + o.contrast
	size, long, spin, flicker, turn := o.size*scale, o.long*scale, o.spin, o.flicker*o.contrast, st.between(0, 3)
	end := seconds64(float64(len(f.way)-1) * flightStep)
	s.Sprites = append(s.Sprites, Sprite{From: at, Until: at + end, Shutter: o.shutter, Pose: func(sec float64) Pose {
		x, y := f.at(sec)
		return Pose{X: x, Y: y, W: long, H: size, Turn: turn + spin*sec, Shade: min(max(shade+flicker*math.Sin(spin*sec+turn), 5), 250)}
	}})
}

// behind returns the mean grey level behind a flight.
func (st *studio) behind(s *Scene, f *Flight) float64 {
	sum, n := 0.0, 0.0
	for i := 0; i < f.land; i += 20 {
		x, y := int(f.way[i][0]*float64(s.Width)), int(f.way[i][1]*float64(s.Height))
		if x >= 0 && y >= 0 && x < s.Width && y < s.Height {
			sum += float64(s.Backdrop[y*s.Width+x])
			n++
		}
	}
	return sum / max(n, 1)
}
