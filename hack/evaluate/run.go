package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// result is what one program made of one clip.
type result struct {
	Name         string  `json:"name"`
	Seconds      float64 `json:"seconds"`
	CPUPerMinute float64 `json:"cpu_seconds_per_minute"` // of the vision process, for a minute of footage
	Error        string  `json:"error,omitempty"`        // why the program failed; what it had found by then is scored

	Found  []found     `json:"found"`
	Missed []event     `json:"missed"`
	False  []detection `json:"false_alarms"`

	detections []detection
}

// found is an event with the detection that found it. Delay is counted in
// seconds from the moment at which the decision was due, see due.
type found struct {
	Event     event     `json:"event"`
	Detection detection `json:"detection"`
	Delay     float64   `json:"delay"`
}

// runClip runs a program that speaks as `sentrybox replay` does.
func runClip(ctx context.Context, program string, args []string, c *clip) result {
	r := result{Name: c.name, Seconds: c.truth.Seconds}
	args = append(append([]string{}, args...), "--camera", c.cameraFile, c.video)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	runErr := cmd.Run()
	cpu, err := r.parse(&out)
	if runErr != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		err = fmt.Errorf("%w: %s", runErr, lines[len(lines)-1])
	}
	if err != nil {
		r.Error = err.Error()
	}
	r.CPUPerMinute = cpu / c.truth.Seconds * 60
	return r
}

// parse reads the detections and, from the last line, the CPU seconds.
func (r *result) parse(out io.Reader) (cpu float64, err error) {
	lines := bufio.NewScanner(out)
	summary := false
	for lines.Scan() {
		var line struct {
			detection
			CPU float64 `json:"cpu_seconds"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return cpu, fmt.Errorf("read the line %.60q: %w", lines.Text(), err)
		}
		if line.Kind == "summary" {
			cpu, summary = line.CPU, true
			continue
		}
		r.detections = append(r.detections, line.detection)
	}
	if err := lines.Err(); err != nil {
		return cpu, fmt.Errorf("read the output: %w", err)
	}
	if !summary {
		return cpu, errors.New("the output has no summary")
	}
	return cpu, nil
}

// score holds the detections against the truth.
func (r *result) score(c *clip) {
	r.Found, r.Missed, r.False = []found{}, []event{}, []detection{}
	pairs := match(c.truth.Events, r.detections)
	used := make([]bool, len(r.detections))
	for i, e := range c.truth.Events {
		if pairs[i] < 0 {
			r.Missed = append(r.Missed, e)
			continue
		}
		d := r.detections[pairs[i]]
		used[pairs[i]] = true
		r.Found = append(r.Found, found{Event: e, Detection: d, Delay: d.Detected - c.due(e)})
	}
	for j, d := range r.detections {
		if !used[j] {
			r.False = append(r.False, d)
		}
	}
}
