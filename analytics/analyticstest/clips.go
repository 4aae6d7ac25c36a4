package analyticstest

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"sentrybox/analytics/wire"
)

// Clip is a scene for measuring: what the camera sees, what it is asked to look
// for, and what there is to find.
type Clip struct {
	Name   string
	FPS    int
	Length time.Duration
	Rate   int // kbit/s of the encoder at 640×360, 0 for what cameras have
	Scene  *Scene
	Zones  []wire.Zone
	Rules  []wire.Rule
	Events []Event
	// Capture is when the camera takes picture i, whatever its timestamp says; nil is i/FPS.
	Capture func(i int) time.Duration
	GOP     int // pictures between keyframes, 0 for two seconds' worth
	// Quantizer is x264's constant rate factor to encode with, 0 for a camera's usual 25.
	Quantizer int
}

// Event is one behaviour of a clip, in media time.
type Event struct {
	Kind       wire.Kind
	Zone       string
	Start, End time.Duration
	Agitated   bool       // of a gathering: people run or push
	Origin     wire.Point // of a thrown object: where it came into sight, as fractions of the picture
	Floor      string     // from which it came, where floors are drawn
}

// Pictures is how many pictures a clip has.
func (c *Clip) Pictures() int { return int(c.Length.Seconds() * float64(c.FPS)) }

// Draw writes picture i into dst, see Scene.Draw.
func (c *Clip) Draw(dst []byte, i int) {
	t := time.Duration(i) * time.Second / time.Duration(c.FPS)
	if c.Capture != nil {
		t = c.Capture(i)
	}
	c.Scene.Draw(dst, t)
}

// Stock is real footage that scenes are composed of. What it lacks is drawn.
type Stock struct {
	Street *image.Gray // ground in its lower half
	Square *image.Gray // seen from above
	Facade *image.Gray // a tall building
	People []*Cutout
}

// Seeds of scenes. Constants of the heuristics are tuned on variants from the
// first to the last tuning seed; results are only told of the test seeds.
const (
	FirstTuningSeed = 1
	LastTuningSeed  = 9
	FirstTestSeed   = 100
)

const (
	zoneName = "z"
	afterSec = 12 // of loitering
)

// studio makes the clips of one seed.
type studio struct {
	seed  uint64
	stock Stock
	clips []Clip
	rng   *rand.Rand // of the clip at work
	fits  map[*image.Gray][]byte
}

// Clips returns every scene in the variant of a seed: under half an hour. The
// same seed and stock give the same clips.
func Clips(seed uint64, stock Stock) []Clip {
	st := &studio{seed: seed, stock: stock}
	st.walkers()
	st.lines()
	st.loiterers()
	st.crowds()
	st.bags()
	st.throws()
	st.tampering()
	st.nuisances()
	st.gatherings("")
	st.fallsForAll()
	return append(st.clips, sample(seed, stock)...)
}

// Wide returns the many more scenes that the heuristics are tuned with, some
// hours: each kind in every way that it is known to happen, and what must stay silent, for longer.
func Wide(seed uint64, stock Stock) []Clip {
	st := &studio{seed: seed, stock: stock}
	st.widePresence()
	st.gatheringsWide()
	return append(st.clips, sweep(seed, stock)...)
}

// sample is a few of sweep's scenes.
func sample(seed uint64, stock Stock) []Clip {
	few := []string{"leave_plain1", "leave_passed", "leave_none_bench", "leave_none_old", "meddle_most", "meddle_turn_small", "meddle_none_lorry"}
	return slices.DeleteFunc(sweep(seed, stock), func(c Clip) bool {
		return !slices.Contains(few, c.Name[:strings.LastIndex(c.Name, "_")])
	})
}

// clip adds a clip of 640×360 whose only zone is the whole picture.
func (st *studio) clip(name string, fps int, seconds float64) *Clip {
	st.rng = rand.New(rand.NewPCG(st.seed, hash(uint64(len(name)), uint64(len(st.clips)))))
	st.clips = append(st.clips, Clip{
		Name: fmt.Sprintf("%s_%d", name, st.seed), FPS: fps, Length: seconds64(seconds),
		Scene: &Scene{Width: 640, Height: 360, Seed: st.seed*1000 + uint64(len(st.clips)), Noise: 1.5 + 1.5*st.rng.Float64()},
		Zones: []wire.Zone{{Name: zoneName, Polygon: []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}},
	})
	return &st.clips[len(st.clips)-1]
}

// on puts a photograph behind a clip.
func (c *Clip) on(photo *image.Gray) *Clip {
	if photo != nil {
		c.Scene.Backdrop = Fit(photo, c.Scene.Width, c.Scene.Height)
	}
	return c
}

func (c *Clip) look(kind wire.Kind, after float64) *Clip {
	r := wire.Rule{Kind: kind, Zone: zoneName, After: after}
	if kind == wire.Gathering {
		r.People = 4
	}
	if kind == wire.Tamper {
		r.Zone = "" // the whole picture
	}
	c.Rules = append(c.Rules, r)
	return c
}

func (c *Clip) event(kind wire.Kind, start, end time.Duration) {
	c.Events = append(c.Events, Event{Kind: kind, Zone: zoneName, Start: start, End: min(end, c.Length)})
}

func seconds64(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (st *studio) between(a, b float64) float64 { return a + st.rng.Float64()*(b-a) }

// person returns someone who follows a path; their height is what the place where they
// begin asks for.
func (st *studio) person(path ...Step) Actor {
	shade := st.between(25, 60)
	if st.rng.IntN(3) == 0 {
		shade = st.between(170, 200)
	}
	a := Actor{Height: tall(path[0].Y) * st.between(0.93, 1.07), Shade: shade, Path: path}
	if n := len(st.stock.People); n > 0 {
		a.Look = st.stock.People[st.rng.IntN(n)]
	}
	return a
}

// tall is a person's height in the picture by where their feet are.
func tall(y float64) float64 { return 0.14 + (y-0.5)*0.62 }

// stroll crosses the picture at a height of it from a time on, at a person's pace.
func (st *studio) stroll(at, y float64) []Step {
	h := tall(y)
	speed := st.between(0.6, 0.85) * h * 9 / 16 // picture widths a second
	edge := 0.12 * h * 2
	from, to := -edge, 1+edge
	if st.rng.IntN(2) == 0 {
		from, to = to, from
	}
	return []Step{{seconds64(at), from, y}, {seconds64(at + (1+2*edge)/speed), to, y}}
}

// seen returns when at least n of the actors are in the picture at once, as spans of which
// those less than a second apart are one.
func (s *Scene) seen(n int, length time.Duration) [][2]time.Duration {
	const step = 50 * time.Millisecond
	var spans [][2]time.Duration
	for t := time.Duration(0); t <= length; t += step {
		in := 0
		for i := range s.Actors {
			if box, ok := s.Where(i, t); ok && box[0] < 1 && box[0]+box[2] > 0 {
				in++
			}
		}
		if in < n {
			continue
		}
		if k := len(spans) - 1; k >= 0 && t-spans[k][1] < time.Second {
			spans[k][1] = t
		} else {
			spans = append(spans, [2]time.Duration{t, t})
		}
	}
	return spans
}

// presence adds an event for each time that at least n people are there.
func (c *Clip) presence(kind wire.Kind, n int) {
	for _, span := range c.Scene.seen(n, c.Length) {
		c.event(kind, span[0], span[1])
	}
}

// Fit cuts the middle of a picture to the shape of w × h, the top and the bottom
// equally, and scales it.
func Fit(src *image.Gray, w, h int) []byte {
	b := src.Bounds()
	scale := min(float64(b.Dx())/float64(w), float64(b.Dy())/float64(h))
	x0, y0 := (float64(b.Dx())-scale*float64(w))/2, (float64(b.Dy())-scale*float64(h))*0.8
	out := make([]byte, w*h)
	const sub = 3 // samples a pixel and direction
	for y := range h {
		for x := range w {
			sum := 0.0
			for k := range sub * sub {
				u := x0 + scale*(float64(x)+(float64(k%sub)+0.5)/sub)
				v := y0 + scale*(float64(y)+(float64(k/sub)+0.5)/sub)
				sum += bilinear(src, u-0.5, v-0.5)
			}
			out[y*w+x] = uint8(math.Round(sum / (sub * sub)))
		}
	}
	return out
}

func bilinear(src *image.Gray, u, v float64) float64 {
	b := src.Bounds()
	at := func(x, y int) float64 {
		return float64(src.GrayAt(b.Min.X+min(max(x, 0), b.Dx()-1), b.Min.Y+min(max(y, 0), b.Dy()-1)).Y)
	}
	x, y := int(math.Floor(u)), int(math.Floor(v))
	ax, ay := u-float64(x), v-float64(y)
	return (1-ay)*((1-ax)*at(x, y)+ax*at(x+1, y)) + ay*((1-ax)*at(x, y+1)+ax*at(x+1, y+1))
}
