package analyticstest

import (
	"fmt"
	"image"
	"slices"
	"time"

	"sentrybox/analytics/wire"
)

// sweep returns scenes of things left behind and of tampering, and of what is
// neither, in the variant of a seed: about three quarters of an hour.
func sweep(seed uint64, stock Stock) []Clip {
	st := &studio{seed: seed, stock: stock}
	st.leavings()
	st.nothingLeft()
	st.meddlings()
	st.untouched()
	return st.clips
}

// sweepRate is the rate of these clips' pictures.
const sweepRate = 8

// stage is a clip in which something may be left at a spot.
type stage struct {
	*Clip
	st    *studio
	after float64
	x, y  float64 // the spot
	seed  uint64
}

// stage begins a clip on one of the grounds. far says where on it.
func (st *studio) stage(name string, seconds float64, far bool) *stage {
	c := st.clip("leave_"+name, sweepRate, seconds)
	st.ground(c)
	s := &stage{Clip: c, st: st, after: []float64{5, 8, 10, 15, 20}[st.rng.IntN(5)], seed: st.rng.Uint64()}
	c.look(wire.AbandonedObject, s.after)
	s.x, s.y = st.between(0.3, 0.7), st.between(0.74, 0.93)
	if far {
		s.y = st.between(0.58, 0.7)
	}
	return s
}

// ground puts a photograph, a drawing or a paved square behind a clip.
func (st *studio) ground(c *Clip) {
	switch st.rng.IntN(4) {
	case 0:
		st.photo(c, st.stock.Street)
	case 1:
		st.photo(c, st.stock.Square)
	case 2:
		c.Scene.Backdrop = st.paving(c.Scene.Width, c.Scene.Height)
	}
}

// photo puts a photograph behind a clip, if there is one.
func (st *studio) photo(c *Clip, photo *image.Gray) {
	if photo != nil {
		c.Scene.Backdrop = slices.Clone(st.fit(photo, c.Scene.Width, c.Scene.Height))
	}
}

// fit is Fit, once for each photograph: the sweep's clips are of one size.
func (st *studio) fit(photo *image.Gray, w, h int) []byte {
	if st.fits == nil {
		st.fits = map[*image.Gray][]byte{}
	}
	if st.fits[photo] == nil {
		st.fits[photo] = Fit(photo, w, h)
	}
	return st.fits[photo]
}

// paving draws slabs that grow towards the camera, below a wall with windows.
func (st *studio) paving(w, h int) []byte {
	out := make([]byte, w*h)
	wall, slab, seed := st.between(90, 160), st.between(80, 150), st.rng.Uint64()
	for y := range h {
		for x := range w {
			d := float64(y)/float64(h) - 0.42
			if d < 0 {
				out[y*w+x] = uint8(wall + 20*unit(hash(seed, uint64(x/40), uint64(y/30))))
				continue
			}
			u, v := (float64(x)/float64(w)-0.5)/(d+0.1)*4, 1.2/(d+0.1)
			n := hash(seed, uint64(int64(u+100)), uint64(v*2))
			shade := slab + 14*(unit(n)-0.5) + 5*(unit(hash(seed, uint64(x), uint64(y)))-0.5)
			if fu := u + 100 - float64(int(u+100)); fu < 0.06 {
				shade -= 22
			}
			out[y*w+x] = uint8(min(max(shade, 0), 255))
		}
	}
	return out
}

// luggage makes something to leave at the spot.
func (s *stage) luggage() *luggage {
	rng := s.st.rng
	l := &luggage{shape: []string{"box", "bag", "case", "bottle"}[rng.IntN(4)], X: s.x, Y: s.y, seed: rng.Uint64()}
	part, wide := s.st.between(0.16, 0.32), 1.1
	switch l.shape {
	case "case":
		part, wide = s.st.between(0.3, 0.45), 0.6
	case "bottle":
		part, wide = s.st.between(0.16, 0.22), 0.4
	}
	l.H = min(max(part*tall(s.y), 0.022), 0.12)
	if l.shape == "bottle" {
		l.H = max(l.H, 0.04)
	}
	l.W = l.H * wide * float64(s.Scene.Height) / float64(s.Scene.Width)
	step := []float64{s.st.between(16, 24), s.st.between(30, 50), s.st.between(50, 80)}[rng.IntN(3)]
	if here := s.Scene.around(s.x, s.y-l.H/2, l.W, l.H); here > 128 || here > 70 && rng.IntN(2) == 0 {
		step = -step
	}
	l.shade = min(max(s.Scene.around(s.x, s.y-l.H/2, l.W, l.H)+step, 15), 235)
	if rng.IntN(2) == 0 {
		l.texture = s.st.between(10, 40)
	}
	return l
}

// around returns the mean shade of the background at a place.
func (s *Scene) around(x, y, w, h float64) float64 {
	if s.background == nil {
		s.prepare()
	}
	sum, n := 0.0, 0.0
	for py := max(int((y-h/2)*float64(s.Height)), 0); py < min(int((y+h/2)*float64(s.Height))+1, s.Height); py++ {
		for px := max(int((x-w/2)*float64(s.Width)), 0); px < min(int((x+w/2)*float64(s.Width))+1, s.Width); px++ {
			sum += s.background[py*s.Width+px]
			n++
		}
	}
	return sum / max(n, 1)
}

// put leaves luggage from a time to another.
func (s *stage) put(l *luggage, from, until float64) {
	s.Scene.Props = append(s.Scene.Props, Prop{From: seconds64(from), Until: seconds64(until), Foot: l.Y,
		Draw: func(sc *Scene, pix []float64, _ time.Duration) { l.drawAt(sc, pix, l.X, l.Y) }})
}

// carry draws luggage at an actor's side until it is put down.
func (s *stage) carry(l *luggage, a Actor, until float64) {
	s.Scene.Props = append(s.Scene.Props, Prop{Until: seconds64(until), Foot: a.Path[0].Y + 0.001, Draw: func(sc *Scene, pix []float64, t time.Duration) {
		if x, y, ok := a.place(t); ok {
			l.drawAt(sc, pix, x+0.12*a.Height, y-0.2*a.Height)
		}
	}})
}

// pace returns how long a person needs from one place of a height of the picture to another.
func (s *stage) pace(x0, x1 float64) float64 {
	return max(x1-x0, x0-x1) / (s.st.between(0.6, 0.85) * tall(s.y) * 9 / 16)
}

// owner comes from a side, is at the spot from a time for a while, and goes to x. It returns
// them and when they are gone.
func (s *stage) owner(at, stays, to float64) (Actor, float64) {
	from := -0.1
	if s.st.rng.IntN(2) == 0 {
		from = 1.1
	}
	dx := 0.2 * tall(s.y) * 9 / 16 * 1.6
	if to < s.x {
		dx = -dx
	}
	gone := at + stays + s.pace(s.x, to)
	path := []Step{{seconds64(at - s.pace(from, s.x)), from, s.y}, {seconds64(at), s.x - dx, s.y}}
	if stays > 0 {
		path = append(path, Step{seconds64(at + stays), s.x - dx, s.y})
	}
	path = append(path, Step{seconds64(gone), to, s.y})
	a := s.st.person(path...)
	a.Height = tall(s.y) * s.st.between(0.93, 1.07)
	s.Scene.Actors = append(s.Scene.Actors, a)
	return a, gone
}

// away is a side to go to.
func (s *stage) away() float64 { return -0.1 + 1.2*float64(s.st.rng.IntN(2)) }

// arrival is when the owner is at the spot: late enough to have walked there.
func (s *stage) arrival() float64 { return 5 + 0.8/(0.6*tall(s.y)*9/16)*0.6 }

// last makes the clip as long as it takes to decide.
func (s *stage) last(gone float64) {
	s.Length = max(s.Length, seconds64(gone+s.after+12))
}

// found says that what was left at a time is to be found.
func (s *stage) found(at float64) {
	s.event(wire.AbandonedObject, seconds64(at), s.Length)
}

// simple leaves one thing, and says when its owner was gone.
func (s *stage) simple(stays float64) float64 {
	l, at := s.luggage(), s.arrival()
	a, gone := s.owner(at, stays, s.away())
	if s.st.rng.IntN(2) == 0 {
		s.carry(l, a, at+0.6*stays)
	}
	s.last(gone)
	s.put(l, at+0.6*stays, s.Length.Seconds()+1)
	s.found(at + 0.6*stays)
	return gone
}

// passers go by before the spot.
func (s *stage) passers(from float64, n int) {
	for range n {
		a := s.st.person(s.st.stroll(from, min(s.y+s.st.between(0.01, 0.06), 0.97))...)
		s.Scene.Actors = append(s.Scene.Actors, a)
		from += s.st.between(4, 7)
	}
}

// leavings are scenes in which something is left.
func (st *studio) leavings() {
	for k := range 8 { // plain ones, near and far
		st.stage(fmt.Sprintf("plain%d", k), 10, k%2 == 1).simple(st.between(1, 3))
	}
	st.stage("walking", 10, false).simple(0)
	st.stage("stood", 10, true).simple(st.between(12, 25))

	s := st.stage("passed", 10, false)
	s.passers(s.simple(2)+2, 3)

	s = st.stage("group", 10, false)
	s.simple(2)
	for k := range 2 { // walk with the owner, and on
		a := s.Scene.Actors[0]
		b := st.person(a.Path...)
		b.Height = a.Height
		b.Path = append([]Step(nil), a.Path...)
		for i := range b.Path {
			b.Path[i].X += (0.35 + 0.3*float64(k)) * a.Height
			b.Path[i].Y -= 0.01
		}
		s.Scene.Actors = append(s.Scene.Actors, b)
	}

	s = st.stage("watched", 10, true) // from a few heights away, until the owner goes
	l, near := s.luggage(), s.x+2.4*tall(s.y)*9/16
	at := s.arrival()
	_, there := s.owner(at, 1.5, near)
	goes := there + s.after + 10
	o := &s.Scene.Actors[0]
	o.Path = append(o.Path, Step{seconds64(goes), near, s.y}, Step{seconds64(goes + s.pace(near, 1.1)), 1.1, s.y})
	s.last(goes + s.pace(near, 1.1))
	s.put(l, at+1, s.Length.Seconds()+1)
	s.found(goes)

	s = st.stage("taken", 10, false) // and taken away when it was found
	gone := s.simple(2)
	back := gone + s.after + 8
	s.Length = seconds64(back + s.pace(-0.1, 1.1) + 10)
	s.Scene.Actors = append(s.Scene.Actors, st.person(Step{seconds64(back), -0.1, s.y}, Step{seconds64(back + s.pace(-0.1, s.x)), s.x, s.y},
		Step{seconds64(back + s.pace(-0.1, s.x) + 2), s.x, s.y}, Step{seconds64(back + s.pace(-0.1, 1.1) + 2), 1.1, s.y}))
	p := &s.Scene.Props[len(s.Scene.Props)-1]
	p.Until = seconds64(back + s.pace(-0.1, s.x) + 1)
	s.Events[0].End = p.Until

	s = st.stage("two", 10, false)
	s.simple(2)
	s.x, s.y = s.x+0.2, s.y-0.06
	if s.x > 0.75 {
		s.x -= 0.45
	}
	s.simple(2)
	s.Events[0].End, s.Events[1].End = s.Length, s.Length

	s = st.stage("light", 10, false)
	gone = s.simple(2)
	from, to := gone-2, st.between(0.6, 1.25)
	s.Scene.Light = func(t time.Duration) (float64, float64) {
		return 1 + (to-1)*min(max((t.Seconds()-from)/6, 0), 1), 0
	}

	s = st.stage("night", 10, false)
	s.Scene.Noise = st.between(3.5, 5)
	s.Scene.Light = func(time.Duration) (float64, float64) { return 0.55, 10 }
	s.simple(2)

	s = st.stage("shake", 10, false)
	s.simple(2)
	s.Scene.Shake = gusts(st.between(0.6, 1.4))

	for k, q := range []int{20, 30, 34} {
		s = st.stage(fmt.Sprintf("rate%d", q), 10, k == 1)
		s.Quantizer = q
		s.simple(2)
	}
}

// nothingLeft are scenes in which nothing is.
func (st *studio) nothingLeft() {
	for _, how := range []string{"bench", "ground", "pair"} {
		s := st.stage("none_"+how, 75, how == "pair")
		low := 0.62
		if how == "ground" {
			low = 0.45
		}
		st.sits(s, low)
		if how == "pair" {
			s.x += 0.6 * tall(s.y) * 9 / 16
			st.sits(s, low)
		}
	}
	s := st.stage("none_stands", 60, false)
	s.owner(s.arrival(), 40, s.away())

	s = st.stage("none_old", 45, false) // what was there is taken
	l, at := s.luggage(), s.arrival()
	s.put(l, -1, at+1)
	s.owner(at, 2, s.away())

	s = st.stage("none_back", 45, false) // and so is what was left too soon for a word
	l, at = s.luggage(), s.arrival()
	s.put(l, at+1, at+4+0.6*s.after)
	s.owner(at, 2, s.away())
	o := &s.Scene.Actors[0]
	o.Path = append(o.Path[:len(o.Path)-1], Step{seconds64(at + 3 + 0.3*s.after), s.x + 0.15, s.y}, Step{seconds64(at + 3.5 + 0.6*s.after), s.x, s.y},
		Step{seconds64(at + 5 + 0.6*s.after), s.x, s.y}, Step{seconds64(at + 5 + 0.6*s.after + s.pace(s.x, 1.1)), 1.1, s.y})

	s = st.stage("none_beside", 60, true) // the owner stays
	l, at = s.luggage(), s.arrival()
	s.put(l, at+1, 100)
	s.owner(at, 100, 1.1)

	s = st.stage("none_watched", 60, true) // a few heights away
	l, at = s.luggage(), s.arrival()
	s.put(l, at+1, 100)
	_, there := s.owner(at, 1.5, s.x+2.4*tall(s.y)*9/16)
	o = &s.Scene.Actors[0]
	o.Path = append(o.Path, Step{seconds64(there + 100), o.Path[len(o.Path)-1].X, s.y})

	st.vehicles()
	st.lightsAndDoors()
	st.grounds()
}

func (st *studio) sits(s *stage, low float64) {
	at := s.arrival()
	until := s.Length.Seconds() - 12
	a, _ := s.owner(at, 0, 1.1)
	o := &s.Scene.Actors[len(s.Scene.Actors)-1]
	o.Path = []Step{a.Path[0], {seconds64(at), s.x, s.y}}
	s.Scene.Props = append(s.Scene.Props, sitter(o, s.x, s.y, low, seconds64(at), seconds64(until), st.rng.Uint64()))
	b := *o
	b.Path = []Step{{seconds64(until), s.x, s.y}, {seconds64(until + s.pace(s.x, 1.1)), 1.1, s.y}}
	s.Scene.Actors = append(s.Scene.Actors, b)
}

func gusts(strength float64) func(time.Duration) (float64, float64) {
	return func(t time.Duration) (float64, float64) { return gust(t, strength) }
}

// meadow has leaves that blow over it.
func (st *studio) meadow(s *stage) {
	s.Scene.Props = append(s.Scene.Props, litter(12+st.rng.IntN(10), time.Hour, st.rng.Uint64()))
}
