package wire

import (
	"slices"
	"testing"
)

// TestKept: a rule goes on with one that looks for the same in the same place, with the most alike first, and
// with none of another zone, line or number of people.
func TestKept(t *testing.T) {
	square := []Point{{0, 0}, {1, 0}, {1, 1}}
	zones := func(gate []Point) []Zone {
		return []Zone{{Name: "gate", Polygon: gate}, {Name: "yard", Polygon: square}, {Name: "kerb", Line: square[:2]}}
	}
	old := &Config{Zones: zones(square), Rules: []Rule{
		{Kind: Loitering, Zone: "gate", After: 30}, {Kind: Loitering, Zone: "gate", After: 60},
		{Kind: Gathering, Zone: "yard", People: 5, After: 20}, {Kind: LineCrossing, Zone: "kerb"}}}
	for name, tc := range map[string]struct {
		gate  []Point
		rules []Rule
		want  []int
	}{
		"as before":           {square, old.Rules, []int{0, 1, 2, 3}},
		"none":                {square, nil, []int{}},
		"another order":       {square, []Rule{old.Rules[3], old.Rules[1]}, []int{3, 1}},
		"more patient":        {square, []Rule{{Kind: Loitering, Zone: "gate", After: 90}}, []int{0}},
		"the alike first":     {square, []Rule{{Kind: Loitering, Zone: "gate", After: 90}, old.Rules[0]}, []int{1, 0}},
		"one more than there": {square, []Rule{old.Rules[0], old.Rules[0], old.Rules[0]}, []int{0, 1, -1}},
		"graver":              {square, []Rule{{Kind: Loitering, Zone: "gate", After: 30, Severity: 1}}, []int{0}},
		"more people":         {square, []Rule{{Kind: Gathering, Zone: "yard", People: 6, After: 20}}, []int{-1}},
		"another way":         {square, []Rule{{Kind: LineCrossing, Zone: "kerb", Direction: LeftToRight}}, []int{-1}},
		"another kind":        {square, []Rule{{Kind: Motion, Zone: "gate"}}, []int{-1}},
		"another place":       {square[:2], old.Rules, []int{-1, -1, 2, 3}},
		"the same elsewhere":  {square, []Rule{{Kind: Loitering, Zone: "yard", After: 30}}, []int{-1}},
	} {
		to := old.Revised(&Revision{Zones: zones(tc.gate), Rules: tc.rules})
		if got := to.Kept(old); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
