// Command arm64 compares what `sentrybox replay` printed on several processors
// with the truth: every behaviour of one must be in the other, at the same time
// and place but for rounding. It exits with 1 if any differs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
)

// What two processors may differ by: they round sums of floats in another order.
const (
	within    = 0.25 // seconds, a few pictures
	nearby    = 0.02 // of the picture's width or height
	certainly = 0.05 // of confidence
)

type line struct {
	Kind       string     `json:"kind"`
	Zone       string     `json:"zone"`
	Start      float64    `json:"start"`
	Detected   float64    `json:"detected"`
	End        float64    `json:"end"`
	Box        [4]float64 `json:"box"`
	Confidence float64    `json:"confidence"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: arm64 TRUTH FOUND…: files of what sentrybox replay printed")
		os.Exit(2)
	}
	truth, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	failed := false
	for _, path := range os.Args[2:] {
		found, err := read(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		missing, extra, off := compare(truth, found)
		fmt.Printf("%s: %d behaviours of %d found, %d besides; largest difference %.4f\n", path, len(truth)-len(missing), len(truth), len(extra), off)
		for _, l := range missing {
			fmt.Printf("  missing: %+v\n", l)
		}
		for _, l := range extra {
			fmt.Printf("  besides: %+v\n", l)
		}
		failed = failed || len(missing)+len(extra) > 0
	}
	if failed {
		os.Exit(1)
	}
}

// read returns the behaviours of a file of replay's lines; it must have some.
func read(path string) ([]line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []line
	for in := bufio.NewScanner(f); in.Scan(); {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if l.Kind != "summary" {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no behaviours in it", path)
	}
	return all, nil
}

// compare returns what found lacks, what it has besides, and the largest
// difference of what is in both, in whatever unit.
func compare(truth, found []line) (missing, extra []line, off float64) {
	extra = append(extra, found...)
next:
	for _, t := range truth {
		for i, f := range extra {
			if d, ok := same(t, f); ok {
				off = max(off, d)
				extra = append(extra[:i], extra[i+1:]...)
				continue next
			}
		}
		missing = append(missing, t)
	}
	return missing, extra, off
}

func same(a, b line) (off float64, ok bool) {
	ok = a.Kind == b.Kind && a.Zone == b.Zone
	apart := func(x, y, most float64) {
		d := math.Abs(x - y)
		off, ok = max(off, d), ok && d <= most
	}
	apart(a.Start, b.Start, within)
	apart(a.Detected, b.Detected, within)
	apart(a.End, b.End, within)
	apart(a.Confidence, b.Confidence, certainly)
	for i := range a.Box {
		apart(a.Box[i], b.Box[i], nearby)
	}
	return off, ok
}
