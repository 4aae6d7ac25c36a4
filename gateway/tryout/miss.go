package tryout

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sentrybox/analytics/wire"
)

const (
	mostKept   = 2000 // near misses, before the best are chosen
	mostMisses = 5    // of a rule
	// soon is how long before a decision what led to it was thought, in seconds.
	soon = 5
	// What is worth telling: a quiet picture has a little of everything.
	leastWorth       = 0.15
	leastOfNobody    = 0.3 // of what is about no track
	personWorth      = 0.5
	moverWorth       = 0.2
	outOfScaleWorth  = 0.1
	seenForLongWorth = 0.1
)

// Miss is something that a rule watched and did not decide on, at the moment when it was nearest to it.
type Miss struct {
	Rule  int
	At    time.Time
	Note  wire.Note
	Track *wire.Followed // that the note is about, nil if it is about none

	media float64 // media time, seconds
}

// key names what a rule watched.
type key struct {
	rule  int
	track uint64
	x, y  int // of the middle of what is no track, in sixteenths of the picture
}

type miss struct {
	Miss
	worth   float64
	decided bool
}

// misses collects what rules watched.
type misses struct {
	all map[key]*miss
}

// take takes in what was thought of a picture.
func (m *misses) take(o *wire.Overlay, at time.Time) {
	if m.all == nil {
		m.all = map[key]*miss{}
	}
	for i := range o.Notes {
		n := &o.Notes[i]
		k := key{rule: n.Rule, track: n.Track}
		switch {
		case n.Track != 0:
		case n.Box != nil:
			k.x, k.y = int(16*(n.Box[0]+n.Box[2]/2)), int(16*(n.Box[1]+n.Box[3]/2))
		case len(n.Measures) == 0 || n.Measures[0].Have == 0:
			continue // of the picture as a whole, and nothing yet
		}
		old := m.all[k]
		if n.Stance == wire.Decided {
			if old == nil && len(m.all) < mostKept {
				old = &miss{}
				m.all[k] = old
			}
			if old != nil {
				old.decided = true
			}
			continue
		}
		now := Miss{Rule: n.Rule, At: at, media: o.Time, Note: *n}
		if j := slices.IndexFunc(o.Tracks, func(t wire.Followed) bool { return t.ID == n.Track }); n.Track != 0 && j >= 0 {
			now.Track = &o.Tracks[j]
		}
		worth := now.worth()
		if old == nil && len(m.all) < mostKept {
			m.all[k] = &miss{Miss: now, worth: worth}
		} else if old != nil && worth >= old.worth {
			old.Miss, old.worth = now, worth
		}
	}
}

// decided notes that a rule has decided: what it thought of a moment before was no miss.
func (m *misses) decided(rule int, at float64) {
	for _, x := range m.all {
		if x.Rule == rule && at-x.media < soon && at >= x.media && x.Track == nil {
			x.decided = true
		}
	}
}

// worth says how near it was to an alert: how much of what is needed there was, and whether it is
// about a person.
func (m *Miss) worth() float64 {
	w := 0.0
	for _, x := range m.Note.Measures {
		if x.Need > 0 && x.Of != wire.StillFor && x.Of != wire.Away && x.Of != wire.Empty {
			w = min(max(x.Have/x.Need, 0), 1)
			break
		}
	}
	if m.Note.Stance == wire.Refused {
		w /= 2
	}
	if m.Track != nil {
		w += seenForLongWorth * min(m.Track.Age/10, 1)
		switch {
		case m.Track.Nature == wire.Person:
			w += personWorth
		case m.Track.Nature == wire.Mover:
			w += moverWorth
		case slices.Contains([]wire.Reason{wire.TooSmall, wire.TooLarge, wire.TooWide, wire.TooFast}, m.Track.Why):
			w += outOfScaleWorth
		}
	}
	if math.IsNaN(w) {
		return 0
	}
	return w
}

// best returns the nearest of each of so many rules.
func (m *misses) best(rules int) []Miss {
	var out []Miss
	for rule := range rules {
		var mine []*miss
		for _, x := range m.all {
			if x.Rule == rule && !x.decided && x.worth >= leastWorth && (x.Track != nil || x.worth >= leastOfNobody) {
				mine = append(mine, x)
			}
		}
		slices.SortFunc(mine, func(a, b *miss) int { return cmp.Or(cmp.Compare(b.worth, a.worth), cmp.Compare(a.media, b.media)) })
		for _, x := range mine[:min(len(mine), mostMisses)] {
			out = append(out, x.Miss)
		}
	}
	return out
}
