package throw

import (
	"slices"
	"testing"

	"sentrybox/analytics/wire"
)

func TestExplainer(t *testing.T) {
	s := dropped(3, 60, 500, 14, -45)
	d := watchAll()
	e := NewExplainer(d)
	events := s.run(d)
	if len(events) != 1 {
		t.Fatalf("%d events, want one", len(events))
	}
	if notes := e.Explain(nil); len(notes) != 0 {
		t.Errorf("nothing is under way, but %+v", notes)
	}
	d.begun = true // as before the end
	notes := e.Explain([]wire.Note{{Rule: 7}})
	if len(notes) < 2 || notes[0].Rule != 7 {
		t.Fatalf("notes %+v", notes)
	}
	n := notes[1]
	if n.Stance != wire.Decided || n.Why != "" || len(n.Measures) != 2 || n.Measures[1].Have < n.Measures[1].Need {
		t.Errorf("the fall is explained by %+v", n)
	}
	for i, v := range events[0].Box {
		if d := v - n.Box[i]; d > 0.02 || d < -0.02 {
			t.Errorf("it is at %v, the fall at %v", *n.Box, events[0].Box)
		}
	}
	if len(notes)-1 > 2*maxExplains || len(e.verdicts) > maxVerdicts {
		t.Errorf("%d notes of %d verdicts", len(notes), len(e.verdicts))
	}
}

// TestEveryVerdictHasAName holds that each reason of judge and shape is one of the wire's.
func TestEveryVerdictHasAName(t *testing.T) {
	for _, reason := range []string{"score", "short", "low", "gaps", "sideways", "up", "company", "acceleration", "unsure",
		"slow", "steady", "straight", "sways", "weak", "crowd", "changes"} {
		if why := reasonOf(verdict{reason: reason}); why == wire.Other || !slices.Contains(wire.Reasons(), why) {
			t.Errorf("%s is told as %q", reason, why)
		}
	}
	if why := reasonOf(verdict{reason: "moonlight"}); why != wire.Other {
		t.Errorf("a new reason is told as %q", why)
	}
}
