package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

// truth is the content of NAME.truth.json: what happens in a clip.
type truth struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Events  []event `json:"events"`
}

// event is one behaviour that is to be found. Times are seconds of media time.
// An empty zone stands for any.
type event struct {
	Kind  wire.Kind `json:"kind"`
	Start float64   `json:"start"`
	End   float64   `json:"end"`
	Zone  string    `json:"zone"`
	// Agitated is for a gathering in which people run, push or fight.
	Agitated bool `json:"agitated,omitempty"`
}

// parseTruth reads a truth file and reports everything wrong with its events.
func parseTruth(data []byte) (truth, error) {
	var t truth
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&t); err != nil {
		return t, fmt.Errorf("read the truth: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return t, errors.New("read the truth: something follows the JSON object")
	}
	var errs []error
	if !(t.Seconds > 0) || math.IsInf(t.Seconds, 0) {
		errs = append(errs, fmt.Errorf("seconds is %v, want the length of the clip", t.Seconds))
	}
	for i, e := range t.Events {
		fault := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("events[%d]: "+format, append([]any{i}, args...)...))
		}
		if !slices.Contains(wire.Kinds(), e.Kind) {
			fault("unknown kind %q, want one of %v", e.Kind, wire.Kinds())
		}
		if e.Agitated && e.Kind != wire.Gathering {
			fault("%s cannot be agitated", e.Kind)
		}
		switch {
		case e.Start < 0 || e.End < e.Start:
			fault("from %v to %v s, want 0 ≤ start ≤ end", e.Start, e.End)
		case e.Start > t.Seconds:
			fault("starts at %v s, after the clip's end at %v s", e.Start, t.Seconds)
		}
	}
	return t, errors.Join(errs...)
}

// clip is one video with what to look for and what there is to find.
type clip struct {
	name       string
	video      string // path
	cameraFile string // path
	camera     *config.Camera
	truth      truth
}

// after returns the seconds that a behaviour must last by the clip's rule for it.
func (c *clip) after(e event) float64 {
	least := time.Duration(math.MaxInt64)
	for _, r := range c.camera.Detect {
		if r.Kind == e.Kind && sameZone(e.Zone, r.Zone) {
			least = min(least, time.Duration(r.After))
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least.Seconds()
}

// asked says whether a rule of the clip's camera looks for the kind.
func (c *clip) asked(k wire.Kind) bool {
	return slices.ContainsFunc(c.camera.Detect, func(r config.Rule) bool { return r.Kind == k })
}

// sameZone says whether a detection in one zone can be an event in the other. Tampering
// is seen in the whole picture, whatever zone its truth names.
func sameZone(truth, detected string) bool {
	return truth == detected || truth == "" || truth == config.AllZones || detected == config.AllZones
}

// findClips lists a folder's clips by name, with a note on each video that has
// no truth and is passed over.
func findClips(dir, only string) (clips []clip, notes []string, err error) {
	videos, err := filepath.Glob(filepath.Join(dir, "*.mp4"))
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", dir, err)
	}
	for _, v := range videos {
		base := strings.TrimSuffix(v, ".mp4")
		name := filepath.Base(base)
		if only != "" {
			ok, err := filepath.Match(only, name)
			if err != nil {
				return nil, nil, fmt.Errorf("--only %q: %w", only, err)
			}
			if !ok {
				continue
			}
		}
		c := clip{name: name, video: v, cameraFile: base + ".camera.yaml"}
		data, err := os.ReadFile(base + ".truth.json")
		if errors.Is(err, os.ErrNotExist) {
			notes = append(notes, name+": no truth, passed over")
			continue
		}
		if err == nil {
			c.truth, err = parseTruth(data)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s.truth.json: %w", base, err)
		}
		if c.camera, err = config.LoadCamera(c.cameraFile); err != nil {
			return nil, nil, err
		}
		for _, e := range c.truth.Events {
			if !c.asked(e.Kind) {
				notes = append(notes, fmt.Sprintf("%s: no rule looks for %s, which the truth has", name, e.Kind))
			}
		}
		clips = append(clips, c)
	}
	if len(clips) == 0 {
		return nil, nil, fmt.Errorf("no clip with truth in %s", dir)
	}
	return clips, notes, nil
}
