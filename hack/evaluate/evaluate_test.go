package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sentrybox/analytics/wire"
)

func ev(kind wire.Kind, start, end float64) event {
	return event{Kind: kind, Start: start, End: end, Zone: "z"}
}

func det(kind wire.Kind, at float64) detection { return detection{Kind: kind, Zone: "z", Detected: at} }

func TestMatch(t *testing.T) {
	const in, th = wire.Intrusion, wire.ThrownObject
	other := det(in, 5)
	other.Zone = "y"
	whole := det(in, 5)
	whole.Zone = "all"
	for name, c := range map[string]struct {
		events     []event
		detections []detection
		want       []int
	}{
		"nothing":              {want: []int{}},
		"at the start":         {[]event{ev(in, 5, 9)}, []detection{det(in, 5)}, []int{0}},
		"before the start":     {[]event{ev(in, 5, 9)}, []detection{det(in, 4.99)}, []int{-1}},
		"10 s after the end":   {[]event{ev(in, 5, 9)}, []detection{det(in, 19)}, []int{0}},
		"later":                {[]event{ev(in, 5, 9)}, []detection{det(in, 19.01)}, []int{-1}},
		"another kind":         {[]event{ev(in, 5, 9)}, []detection{det(th, 6)}, []int{-1}},
		"another zone":         {[]event{ev(in, 5, 9)}, []detection{other}, []int{-1}},
		"the whole picture":    {[]event{ev(in, 5, 9)}, []detection{whole}, []int{0}},
		"the earlier of two":   {[]event{ev(in, 5, 9)}, []detection{det(in, 8), det(in, 6)}, []int{1}},
		"one finds one":        {[]event{ev(in, 5, 9), ev(in, 6, 9)}, []detection{det(in, 7)}, []int{-1, 0}},
		"more before cheaper":  {[]event{ev(th, 0, 5), ev(th, 7, 8)}, []detection{det(th, 8), det(th, 16)}, []int{0, 1}},
		"both, by giving way":  {[]event{ev(th, 0, 5), ev(th, 7, 8)}, []detection{det(th, 14), det(th, 16)}, []int{0, 1}},
		"no later than needed": {[]event{ev(th, 0, 5), ev(th, 1, 20)}, []detection{det(th, 2), det(th, 3), det(th, 25)}, []int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := match(c.events, c.detections); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func count(pairs []int) (n int) {
	for _, j := range pairs {
		if j >= 0 {
			n++
		}
	}
	return n
}

// TestMatchIsBest compares with all ways to match.
func TestMatchIsBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var events []event
		for range rng.IntN(6) {
			start := float64(rng.IntN(40))
			events = append(events, ev(wire.Intrusion, start, start+float64(rng.IntN(10))))
		}
		var detections []detection
		for range rng.IntN(6) {
			detections = append(detections, det(wire.Intrusion, float64(rng.IntN(50))))
		}
		pairs, total := match(events, detections), 0
		used := map[int]bool{}
		for i, j := range pairs {
			if j < 0 {
				continue
			}
			if used[j] || !fits(events[i], detections[j]) {
				t.Fatalf("%v for %v and %v", pairs, events, detections)
			}
			used[j] = true
			total += cost(events[i], detections[j])
		}
		wantPairs, wantCost := best(events, detections, make([]bool, len(detections)))
		if count(pairs) != wantPairs || total != wantCost {
			t.Fatalf("%d pairs at %d, want %d at %d: %v and %v", count(pairs), total, wantPairs, wantCost, events, detections)
		}
	}
}

func best(events []event, detections []detection, used []bool) (pairs, total int) {
	if len(events) == 0 {
		return 0, 0
	}
	pairs, total = best(events[1:], detections, used)
	for j, d := range detections {
		if used[j] || !fits(events[0], d) {
			continue
		}
		used[j] = true
		p, c := best(events[1:], detections, used)
		used[j] = false
		p, c = p+1, c+cost(events[0], d)
		if p > pairs || p == pairs && c < total {
			pairs, total = p, c
		}
	}
	return pairs, total
}

func TestParseTruth(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"sound":           {`{"name":"a","seconds":4,"events":[{"kind":"motion","start":1,"end":2,"zone":"z"}]}`, ""},
		"nothing":         {`{"name":"a","seconds":4,"events":[]}`, ""},
		"a later end":     {`{"name":"a","seconds":4,"events":[{"kind":"motion","start":1,"end":4.1,"zone":"z"}]}`, ""},
		"empty":           {``, "EOF"},
		"no object":       {`[]`, "cannot unmarshal array"},
		"more follows":    {`{"seconds":4} {}`, "something follows"},
		"no length":       {`{"name":"a","events":[]}`, "seconds is 0"},
		"a kind":          {`{"seconds":4,"events":[{"kind":"flying","start":1,"end":2}]}`, `events[0]: unknown kind "flying"`},
		"backwards":       {`{"seconds":4,"events":[{"kind":"motion","start":3,"end":2}]}`, "events[0]: from 3 to 2 s"},
		"negative":        {`{"seconds":4,"events":[{"kind":"motion","start":-1,"end":2}]}`, "events[0]: from -1 to 2 s"},
		"beyond":          {`{"seconds":4,"events":[{"kind":"motion","start":5,"end":6}]}`, "after the clip's end"},
		"an agitated bag": {`{"seconds":4,"events":[{"kind":"abandoned_object","start":1,"end":2,"agitated":true}]}`, "cannot be agitated"},
		"two problems":    {`{"events":[{"kind":"flying","start":1,"end":2}]}`, "unknown kind"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseTruth([]byte(c.text))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// writeClip writes the three files of a clip; the video is of no matter to the program of
// the test.
func writeClip(t *testing.T, dir, name, camera, truth string) {
	t.Helper()
	for ext, text := range map[string]string{".mp4": "", ".camera.yaml": camera, ".truth.json": truth} {
		if truth == "" && ext != ".mp4" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name+ext), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEvaluate measures a program that prints known lines.
func TestEvaluate(t *testing.T) {
	dir := t.TempDir()
	const camera = `{id: c, zones: {z: {polygon: [[0,0],[1,0],[1,1]]}}, detect: [{kind: intrusion, zone: z}, {kind: loitering, zone: z, after: 12s}]}`
	writeClip(t, dir, "one", camera, `{"seconds":1800,"events":[{"kind":"intrusion","start":2,"end":9,"zone":"z"},{"kind":"loitering","start":100,"end":200,"zone":"z"}]}`)
	writeClip(t, dir, "two", camera, `{"seconds":1800,"events":[{"kind":"intrusion","start":2,"end":9,"zone":"z"}]}`)
	writeClip(t, dir, "none", "", "")
	program := filepath.Join(t.TempDir(), "program")
	script := `#!/bin/sh
case "$4" in
*one.mp4) echo '{"kind":"intrusion","zone":"z","start":2,"detected":3.5,"end":9,"box":[0,0,1,1],"confidence":1}'
	echo '{"kind":"loitering","zone":"z","start":100,"detected":116,"end":200,"box":[0,0,1,1],"confidence":1}'
	echo '{"kind":"intrusion","zone":"z","start":500,"detected":501,"end":509,"box":[0,0,1,1],"confidence":1}'
	echo '{"kind":"summary","cpu_seconds":60}' ;;
*) echo broken >&2; exit 3 ;;
esac
`
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, said strings.Builder
	if code := run(t.Context(), []string{dir, "--sentrybox", program, "--no-page"}, &out, &said); code != 1 {
		t.Errorf("exit status %d, want 1: a clip failed", code)
	}
	for _, want := range []string{"two failed: exit status 3: broken", "none: no truth"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, said.String())
		}
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"intrusion 1 of 2 0.50 1 0.50 1.0 1.5 / 1.5 s 0",
		"one 1800.0 2 of 2 1 2.00",
		"two 1800.0 0 of 1 0 0.00 exit status 3: broken",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}

func TestDue(t *testing.T) {
	dir := t.TempDir()
	writeClip(t, dir, "a", `{id: c, detect: [{kind: loitering, after: 12s}, {kind: thrown_object}]}`, `{"seconds":60,"events":[]}`)
	clips, _, err := findClips(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for e, want := range map[event]float64{
		ev(wire.Loitering, 3, 40):   15,
		ev(wire.ThrownObject, 3, 5): 5,
		ev(wire.Tamper, 3, 40):      3,
	} {
		if got := clips[0].due(e); got != want {
			t.Errorf("%v is due at %v s, want %v", e, got, want)
		}
	}
}

func TestAgitation(t *testing.T) {
	gathering := func(agitated bool) event { return event{Kind: wire.Gathering, Zone: "z", Agitated: agitated} }
	m := &measurement{}
	m.judge(found{Event: ev(wire.Intrusion, 1, 2)})
	if m.Agitation != nil {
		t.Error("an intrusion was judged")
	}
	for _, f := range []struct{ truth, told bool }{{true, true}, {true, false}, {false, false}, {false, false}, {false, true}} {
		m.judge(found{Event: gathering(f.truth), Detection: detection{Kind: wire.Gathering, Agitated: f.told}})
	}
	if *m.Agitation != (agitation{Agitated: 2, Told: 1, Calm: 3, Mistaken: 1}) {
		t.Errorf("%+v", *m.Agitation)
	}
}
