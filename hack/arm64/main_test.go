package main

import "testing"

func TestCompare(t *testing.T) {
	a := line{Kind: "intrusion", Zone: "all", Start: 1, Detected: 2, End: 3, Box: [4]float64{0.1, 0.1, 0.2, 0.2}, Confidence: 0.9}
	near, late, elsewhere, other := a, a, a, a
	near.Detected += 0.1
	late.Detected += 1
	elsewhere.Box[0] += 0.1
	other.Kind = "loitering"
	for name, c := range map[string]struct {
		truth, found   []line
		missing, extra int
	}{
		"the same":     {[]line{a}, []line{a}, 0, 0},
		"near":         {[]line{a}, []line{near}, 0, 0},
		"late":         {[]line{a}, []line{late}, 1, 1},
		"elsewhere":    {[]line{a}, []line{elsewhere}, 1, 1},
		"another kind": {[]line{a}, []line{other}, 1, 1},
		"none":         {[]line{a}, nil, 1, 0},
		"twice":        {[]line{a}, []line{a, near}, 0, 1},
		"twice each":   {[]line{a, a}, []line{a, near}, 0, 0},
	} {
		missing, extra, _ := compare(c.truth, c.found)
		if len(missing) != c.missing || len(extra) != c.extra {
			t.Errorf("%s: %d missing, %d besides; want %d and %d", name, len(missing), len(extra), c.missing, c.extra)
		}
	}
}
