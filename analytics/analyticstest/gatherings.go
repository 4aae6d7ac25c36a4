package analyticstest

import (
	"fmt"
	"math"
	"time"

	"sentrybox/analytics/wire"
)

// crowd is people who gather in one place of a clip.
type crowd struct {
	st     *studio
	c      *Clip
	people int     // that the rule asks for
	after  float64 // seconds
	height float64 // of a person who stands at y, as a part of the picture's
	camera float64 // its height over the ground, in people's heights
	x, y   float64 // the middle of the place
	depth  float64 // of a row behind another, as a part of the picture's height
	room   float64 // from one person to the next, in their heights
	zone   [2]float64
}

const (
	pace      = 9.0 / 16 // widths for each height of the picture
	briefly   = 3 * time.Second
	hurry     = 0.06 // seconds of a scene's time that a person needs to turn
	wideAgain = 2    // so many more variants of each gathering in the wide sweep
)

// gatheringsWide are more variants of every gathering, about ten minutes.
func (st *studio) gatheringsWide() {
	for round := range wideAgain {
		st.gatherings(fmt.Sprintf("_w%d", round+1))
	}
}

// gatherings are crowds that come, stay and go in many ways, calm and agitated,
// and people who are too few or too brief for one.
func (st *studio) gatherings(suffix string) {
	st.calmGatherings(suffix)
	st.noGatherings(suffix)
	for _, how := range []string{"run", "push"} {
		k := st.crowd("gather_agitated_"+how+suffix, how == "push", 0.14, 0.4)
		n := k.people + st.rng.IntN(3)
		calm := 1.0
		if st.rng.IntN(2) == 0 { // only after it was reported
			calm = k.after + st.between(4, 6)
		}
		k.come(n, 2, st.between(1, 4))
		from := k.together() + calm
		until := from + st.between(8, 9)
		k.agitate(how, from, until)
		k.leave(until, until+1)
		k.truth()
		for i := range k.c.Events {
			k.c.Events[i].Agitated = true
		}
	}
}

func (st *studio) calmGatherings(suffix string) {
	for _, how := range []string{"singly", "groups", "milling", "queue", "zone", "again", "light"} {
		if rare := []string{"queue", "light"}; suffix == "" && how == rare[st.seed%2] {
			continue // each in every other seed; the wide sweep has both
		}
		tight := st.rngOf(how).IntN(2) == 0 || how == "groups"
		least := 0.1
		if how == "again" {
			least = 0.2 // a shorter way, and so a shorter clip
		}
		k := st.crowd("gather_"+how+suffix, tight, least, 0.45)
		n := k.people + st.rng.IntN(max(min(8-k.people, 3), 1))
		spread := st.between(1, 3)
		switch how {
		case "singly":
			spread = float64(n) * st.between(1, 1.5)
		case "groups":
			spread = 0.5
		case "queue":
			k.depth, k.room = 0, st.between(0.5, 0.7)
		case "zone":
			k.zone = [2]float64{max(k.x-0.3, 0), min(k.x+0.3, 1)}
		}
		k.come(n, 2, spread)
		from := k.together()
		until := from + k.after + st.between(4.5, 6)
		switch how {
		case "milling":
			k.mill(from, until)
		case "zone":
			k.bystanders(from-2, until)
		case "light":
			at, gain := from+st.between(-1, 3), st.between(0.65, 1.3)
			k.c.Scene.Light = func(t time.Duration) (float64, float64) {
				return 1 + (gain-1)*min(max(t.Seconds()-at, 0)/0.4, 1), 0
			}
		}
		k.leave(until, until+st.between(1, 3))
		if how == "again" {
			k.come(n, until+12, spread)
			until = k.together() + k.after + st.between(4, 5)
			k.leave(until, until+1)
		}
		k.truth()
	}
}

// noGatherings are what a rule must not take for a gathering.
func (st *studio) noGatherings(suffix string) {
	k := st.crowd("gather_none_fewer"+suffix, st.rngOf("fewer").IntN(2) == 0, 0.1, 0.45)
	k.come(k.people-1, 2, st.between(1, 4))
	k.leave(22, 24)
	k.truth()

	k = st.crowd("gather_none_stream"+suffix, false, 0.2, 0.4)
	for t := 2.0; t < 22; t += st.between(0.7, 1.4) * 5 / float64(k.people) {
		y := k.y + st.between(-1.5, 1.5)*k.depth
		h := k.tall(y)
		edge, speed := 0.25*h, st.between(0.65, 0.9)*h*pace
		from, to := -edge, 1+edge
		if st.rng.IntN(2) == 0 {
			from, to = to, from
		}
		k.add(Step{seconds64(t), from, y}, Step{seconds64(t + (1+2*edge)/speed), to, y})
		if !k.brief() {
			k.c.Scene.Actors = k.c.Scene.Actors[:len(k.c.Scene.Actors)-1]
		}
	}
	k.truth()

	k = st.crowd("gather_none_through"+suffix, st.rngOf("through").IntN(2) == 0, 0.25, 0.4)
	k.x, k.zone = 0.5, [2]float64{0.3, 0.7}
	for i, spot := range k.spots(k.people + 1 + st.rng.IntN(2)) {
		h := k.tall(spot[1])
		at, speed := 3+0.05*float64(i), 0.85*k.height*pace
		far := spot[0] - k.x - 0.5
		path := []Step{{seconds64(at), far, spot[1]}, {seconds64(at + 2/speed), far + 2, spot[1]}}
		k.add(path...)
		k.c.Scene.Actors[len(k.c.Scene.Actors)-1].Height = h
	}
	k.truth()
}

// rngOf chooses by a name before its clip is there.
func (st *studio) rngOf(name string) *dice {
	return &dice{hash(st.seed, uint64(len(st.clips)), uint64(len(name)), 23)}
}

// dice is thrown once.
type dice struct{ v uint64 }

// IntN returns 0 to n-1.
func (d *dice) IntN(n int) int { return int(d.v >> 7 % uint64(n)) }

// crowd begins a clip with a place for people of a height between least and
// most, as parts of the picture's.
func (st *studio) crowd(name string, tight bool, least, most float64) *crowd {
	c := st.clip(name, 12, 30)
	switch st.rng.IntN(3) {
	case 0:
		c.on(st.stock.Street)
	case 1:
		c.on(st.stock.Square)
	}
	k := &crowd{st: st, c: c, people: 3 + st.rng.IntN(4), after: math.Round(st.between(5, 8)), camera: st.between(1.7, 2.6),
		height: least * math.Pow(most/least, st.rng.Float64()), zone: [2]float64{0, 1}}
	k.y = min(max(0.65+0.6*(k.height-0.1), k.height+0.12), 0.9)
	k.x, k.room, k.depth = st.between(0.4, 0.6), st.between(0.55, 0.75), st.between(0.2, 0.3)*k.height
	if k.height < 0.2 { // a shorter way
		k.x = st.between(0.25, 0.35)
		if st.rng.IntN(2) == 0 {
			k.x = 1 - k.x
		}
	}
	if tight {
		k.room, k.depth = st.between(0.3, 0.38), st.between(0.14, 0.22)*k.height
	}
	return k
}

// tall is a person's height by where their feet are: the horizon is as high as the camera.
func (k *crowd) tall(y float64) float64 { return max(k.height+(y-k.y)/k.camera, 0.05) }

// spots are where n people stand, in rows if there is no room for one.
func (k *crowd) spots(n int) [][2]float64 {
	rows := max(int(math.Ceil(float64(n)*k.room*k.height*pace/0.8)), 1)
	if k.depth > 0 && n > 3 {
		rows = max(rows, 2)
	}
	each := (n + rows - 1) / rows
	var out [][2]float64
	for i := range n {
		row, at := i/each, float64(i%each)+0.5*float64(i/each%2)
		y := k.y + k.depth*(float64(row)-float64(rows-1)/2) + 0.2*k.depth*(k.st.rng.Float64()-0.5)
		x := k.x + k.room*k.height*pace*(at-float64(each-1)/2+0.2*(k.st.rng.Float64()-0.5))
		out = append(out, [2]float64{min(max(x, 0.04), 0.96), min(y, 0.97)})
	}
	return out
}

// add lets somebody walk a path.
func (k *crowd) add(path ...Step) {
	a := k.st.person(path...)
	a.Height = k.tall(path[0].Y) * k.st.between(0.93, 1.07)
	k.c.Scene.Actors = append(k.c.Scene.Actors, a)
}

// come lets n people walk in from both sides within a time, in groups if that is short.
func (k *crowd) come(n int, at, spread float64) {
	for i, spot := range k.spots(n) {
		edge := 0.25 * k.height
		from := -edge
		if spot[0] > k.x != (k.st.rng.IntN(4) == 0) {
			from = 1 + edge
		}
		if k.height < 0.2 {
			from = -edge
			if k.x > 0.5 {
				from = 1 + edge
			}
		}
		t := at + spread*float64(i)/float64(n) + k.st.between(0, 0.4)
		arrive := t + math.Abs(spot[0]-from)/(k.st.between(0.8, 1)*k.height*pace)
		k.add(Step{seconds64(t), from, spot[1]}, Step{seconds64(arrive), spot[0], spot[1]})
	}
}

// together returns when the last who come stand, in seconds.
func (k *crowd) together() float64 {
	last := 0.0
	for _, a := range k.c.Scene.Actors {
		last = max(last, a.last().At.Seconds())
	}
	return last
}

func (a *Actor) last() Step { return a.Path[len(a.Path)-1] }

// walkTo extends a path: a wait until a time, then a walk of so many heights a second.
func (k *crowd) walkTo(a *Actor, at, x, y, speed float64) float64 {
	p := a.last()
	if at > p.At.Seconds() {
		a.Path = append(a.Path, Step{seconds64(at), p.X, p.Y})
	}
	way := math.Hypot((x-p.X)/pace, y-p.Y)
	arrive := max(at, p.At.Seconds()) + max(way/(speed*k.height), hurry)
	a.Path = append(a.Path, Step{seconds64(arrive), x, y})
	return arrive
}

// mill lets everybody take a few steps now and then.
func (k *crowd) mill(from, until float64) {
	for i := range k.c.Scene.Actors {
		a := &k.c.Scene.Actors[i]
		home := a.last()
		for t := from + k.st.between(0, 2); t < until-2; t += k.st.between(1, 3) {
			x := home.X + k.st.between(-0.7, 0.7)*k.height*pace
			t = k.walkTo(a, t, min(max(x, 0.04), 0.96), home.Y+k.st.between(-0.3, 0.3)*k.depth, k.st.between(0.5, 0.8))
		}
	}
}

// agitate lets everybody run to and fro, or push each other.
func (k *crowd) agitate(how string, from, until float64) {
	for i := range k.c.Scene.Actors {
		a := &k.c.Scene.Actors[i]
		home := a.last()
		for t := from + k.st.between(0, 0.8); t < until-0.5; {
			if how == "run" {
				reach := k.st.between(0.8, 1.8) * k.height * pace
				if a.last().X > home.X {
					reach = -reach
				}
				x := min(max(home.X+reach, 0.05), 0.95)
				t = k.walkTo(a, t, x, home.Y+k.st.between(-0.5, 0.5)*k.depth, k.st.between(1.7, 2.8))
				continue
			}
			x := home.X + k.st.between(-0.5, 0.5)*k.height*pace
			t = k.walkTo(a, t, min(max(x, 0.04), 0.96), home.Y+k.st.between(-0.05, 0.05)*k.height, k.st.between(1.6, 2.7))
			t += k.st.between(0, 0.3)
		}
	}
}

// bystanders stand and pass outside the zone.
func (k *crowd) bystanders(from, until float64) {
	for i := range 2 + k.st.rng.IntN(2) {
		x, edge := k.zone[1]+0.25*k.height*pace+0.05*float64(i+1), 1+0.25*k.height
		if k.zone[1] == 1 || k.zone[0] > 1-k.zone[1] {
			x, edge = k.zone[0]-0.25*k.height*pace-0.05*float64(i+1), -0.25*k.height
		}
		at := max(from-2*float64(i), 1)
		arrive := at + math.Abs(edge-x)/(0.8*k.height*pace)
		k.add(Step{seconds64(at), edge, k.y}, Step{seconds64(arrive), x, k.y}, Step{seconds64(max(until, arrive+1)), x, k.y},
			Step{seconds64(max(until, arrive+1) + 4), edge, k.y})
	}
}

// leave lets everybody who still stands there go, between two times, and ends the clip.
func (k *crowd) leave(from, until float64) {
	for i := range k.c.Scene.Actors {
		a := &k.c.Scene.Actors[i]
		p := a.last()
		if p.X < 0 || p.X > 1 {
			continue
		}
		edge := -0.25 * k.height
		if p.X > 0.5 {
			edge = 1 - edge
		}
		k.walkTo(a, k.st.between(from, until), edge, p.Y, k.st.between(0.75, 0.95))
	}
}

// counts returns for how long there are as many in the zone as the rule asks for; spans
// less than briefly apart are one.
func (k *crowd) counts() [][2]time.Duration {
	const step = 100 * time.Millisecond
	var spans [][2]time.Duration
	for t := time.Duration(0); t <= k.end(); t += step {
		in := 0
		for i := range k.c.Scene.Actors {
			if x, _, ok := k.c.Scene.Actors[i].place(t); ok && x >= max(k.zone[0], 0.01) && x <= min(k.zone[1], 0.99) {
				in++
			}
		}
		if in < k.people {
			continue
		}
		if n := len(spans) - 1; n >= 0 && t-spans[n][1] < briefly {
			spans[n][1] = t
		} else {
			spans = append(spans, [2]time.Duration{t, t})
		}
	}
	return spans
}

// brief says whether there are never enough people for anywhere near the rule's time.
func (k *crowd) brief() bool {
	for _, s := range k.counts() {
		if s[1]-s[0] > seconds64(k.after-2.5) {
			return false
		}
	}
	return true
}

func (k *crowd) end() time.Duration {
	last := time.Duration(0)
	for _, a := range k.c.Scene.Actors {
		last = max(last, a.last().At)
	}
	return last
}

// truth sets the clip's rule, zone, length and events.
func (k *crowd) truth() {
	k.c.Length = min(k.end()+time.Second, time.Minute).Truncate(time.Second)
	k.c.Zones[0].Polygon = []wire.Point{{k.zone[0], 0}, {k.zone[1], 0}, {k.zone[1], 1}, {k.zone[0], 1}}
	k.c.Rules = []wire.Rule{{Kind: wire.Gathering, Zone: zoneName, After: k.after, People: k.people}}
	for _, s := range k.counts() {
		if s[1]-s[0] >= seconds64(k.after) {
			k.c.event(wire.Gathering, s[0], s[1])
		}
	}
}
