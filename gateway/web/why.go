package web

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
)

// seenRules returns the rules of a camera that its vision process knows, in its order.
func seenRules(c *config.Camera) []config.Rule {
	return slices.DeleteFunc(slices.Clone(c.Detect), func(r config.Rule) bool { return !slices.Contains(wire.Built(), r.Kind) })
}

// stanceOf says how far a rule is: the note that is nearest to an alert speaks for it.
func stanceOf(l text.Lang, o *wire.Overlay, rule int, schedule string) ruleStance {
	best, n := (*wire.Note)(nil), 0
	for i := range o.Notes {
		if c := &o.Notes[i]; c.Rule == rule {
			if n++; best == nil || nearer(c, best) {
				best = c
			}
		}
	}
	st := ruleStance{State: "quiet", Text: text.T(l, "see.nobody")}
	if best != nil {
		st.State, st.Text = string(best.Stance), noteWords(l, o, best)
		if n > 1 {
			st.Text += text.T(l, "see.others", n-1)
		}
	}
	if o.Armed[rule] || best != nil && best.Stance == wire.Decided {
		return st
	}
	off := ruleStance{State: "off", Text: text.T(l, "see.unarmed", schedule)}
	if best != nil && best.Why != wire.Disarmed {
		off.Text += text.T(l, "see.and") + st.Text
	}
	return off
}

// nearer says whether a is nearer to an alert than b.
func nearer(a, b *wire.Note) bool {
	order := []wire.Stance{wire.Decided, wire.Watching, wire.Refused}
	if i, k := slices.Index(order, a.Stance), slices.Index(order, b.Stance); i != k {
		return i < k
	}
	return progress(a) > progress(b)
}

// progress returns how much of what is needed there is, from 0 to 1: of the first measure that has
// a bound it must reach.
func progress(n *wire.Note) float64 {
	for _, m := range n.Measures {
		if m.Need > 0 && !atMost(m.Of) {
			return min(max(m.Have/m.Need, 0), 1)
		}
	}
	return 0
}

// noteWords says what a rule thinks of something.
func noteWords(l text.Lang, o *wire.Overlay, n *wire.Note) string {
	s := ""
	if n.Stance == wire.Decided {
		s = text.T(l, "see.decided")
	}
	add := func(more string) {
		if s != "" && more != "" {
			s += text.T(l, "see.and")
		}
		s += more
	}
	if n.Why != "" && n.Why != wire.TooShort && n.Why != wire.TooFew { // those the measures say themselves
		add(text.T(l, text.Key("why."+string(n.Why))))
	}
	if n.Why == wire.NotPerson || n.Why == wire.NotMover {
		i := slices.IndexFunc(o.Tracks, func(t wire.Followed) bool { return t.ID == n.Track && t.Why != "" })
		if n.Track != 0 && i >= 0 {
			return s + text.T(l, "see.colon") + trackWhy(l, &o.Tracks[i])
		}
	}
	for _, m := range n.Measures {
		add(measureWords(l, m))
	}
	return s
}

// trackWords says what is followed.
func trackWords(l text.Lang, t *wire.Followed) string {
	s := text.T(l, text.Key("nature."+string(t.Nature))) + " " + text.T(l, "measure.seconds", whole(t.Age))
	if t.Nature != wire.Person && t.Why != "" {
		s += text.T(l, "see.colon") + text.T(l, text.Key("why."+string(t.Why)))
	}
	return s
}

// trackWhy says why something is not taken for a person, with what was measured.
func trackWhy(l text.Lang, t *wire.Followed) string {
	parts := []string{text.T(l, text.Key("why."+string(t.Why)))}
	for _, m := range t.Measures {
		parts = append(parts, measureWords(l, m))
	}
	return strings.Join(parts, text.T(l, "see.and"))
}

// atMost says whether the bound of a quantity is one that it must stay below.
func atMost(q wire.Quantity) bool {
	return q == wire.StillFor || q == wire.Width || q == wire.TopSpeed || q == wire.Through || q == wire.RestlessPart
}

// measureWords says what was measured, such as "stays 12 s of 30 s".
func measureWords(l text.Lang, m wire.Measure) string {
	name, have := text.T(l, text.Key("measure."+string(m.Of))), amount(l, m.Of, m.Have)
	switch {
	case atMost(m.Of) && m.Need != 0:
		return text.T(l, "measure.most", name, have, amount(l, m.Of, m.Need))
	case m.Have >= m.Need: // what is reached needs no bound
		return text.T(l, "measure.plain", name, have)
	}
	return text.T(l, "measure.least", name, have, amount(l, m.Of, m.Need))
}

// amount writes a value with its unit.
func amount(l text.Lang, q wire.Quantity, v float64) string {
	switch q {
	case wire.AgeOf, wire.StillFor, wire.InZone, wire.Empty, wire.Away, wire.Alone, wire.LostFor, wire.Frozen:
		return text.T(l, "measure.seconds", whole(v))
	case wire.SeenIn, wire.OutlineNew, wire.Through, wire.Height, wire.Straightness, wire.RestlessPart, wire.FromLine, wire.BlocksLost:
		return whole(100*v) + " %"
	case wire.People, wire.Points, wire.Score:
		return whole(v)
	}
	return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64)
}

// whole writes a number as people read it, down to a tenth below three.
func whole(v float64) string {
	if v < 3 {
		return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
}

// privateNote says how much of a zone lies in privacy masks, empty if that is little.
func privateNote(l text.Lang, c *config.Camera, zone string) string {
	switch part := privatePart(c, zone); {
	case part >= 0.99:
		return text.T(l, "see.private")
	case part >= 0.05:
		return text.T(l, "see.privately", int(math.Round(100*part)))
	}
	return ""
}

// privatePart returns which part of a zone's area is private, from points of a grid.
func privatePart(c *config.Camera, zone string) float64 {
	z, drawn := c.Zones[zone]
	if len(c.Privacy) == 0 || drawn && len(z.Polygon) == 0 {
		return 0
	}
	const grid = 64
	in, private := 0, 0
	for y := range grid {
		for x := range grid {
			p := wire.Point{(float64(x) + 0.5) / grid, (float64(y) + 0.5) / grid}
			if drawn && !within(p, z.Polygon) {
				continue
			}
			in++
			if slices.ContainsFunc(c.Privacy, func(q config.Polygon) bool { return within(p, q) }) {
				private++
			}
		}
	}
	if in == 0 {
		return 0
	}
	return float64(private) / float64(in)
}

// within says whether a point lies in a polygon, by the even-odd rule.
func within(p wire.Point, poly []wire.Point) bool {
	odd := false
	for i, j := 0, len(poly)-1; i < len(poly); j, i = i, i+1 {
		a, b := poly[i], poly[j]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0]-a[0])*(p[1]-a[1])/(b[1]-a[1])+a[0] {
			odd = !odd
		}
	}
	return odd
}
