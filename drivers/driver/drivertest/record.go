package drivertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/port"
)

// Record writes down what passes over the ports that open opens, one line for each
// read and write:
//
//	+12ms > 01 03 00 00 00 01 84 0a
//	+31ms < 01 03 02 00 15 79 8b
//
// The first column is the time since the line before, ">" is to the device and "<"
// from it, the bytes are in hexadecimal. Empty lines and those that begin with
// # are for people. Play plays it back.
func Record(open port.Open, w io.Writer) port.Open {
	r := &recorder{w: w, last: time.Now()}
	return func(ctx context.Context) (port.Port, error) {
		p, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return &recorded{Port: p, r: r}, nil
	}
}

type recorder struct {
	mu   sync.Mutex
	w    io.Writer
	last time.Time
}

func (r *recorder) note(direction string, b []byte) {
	if len(b) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	fmt.Fprintf(r.w, "+%v %s % x\n", now.Sub(r.last).Round(time.Millisecond), direction, b)
	r.last = now
}

type recorded struct {
	port.Port
	r *recorder
}

func (p *recorded) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	p.r.note("<", b[:n])
	return n, err
}

func (p *recorded) Write(b []byte) (int, error) {
	n, err := p.Port.Write(b)
	p.r.note(">", b[:n])
	return n, err
}

// Step is a line of a recording.
type Step struct {
	After time.Duration
	// Sent is what the driver wrote; Data came from the device if it is false.
	Sent bool
	Data []byte
}

// ParseRecording reads what Record wrote.
func ParseRecording(text []byte) ([]Step, error) {
	var steps []Step
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[1] != "<" && fields[1] != ">" || !strings.HasPrefix(fields[0], "+") {
			return nil, fmt.Errorf("recording, line %d: want +TIME, < or >, and bytes", n)
		}
		after, err := time.ParseDuration(fields[0][1:])
		if err != nil || after < 0 {
			return nil, fmt.Errorf("recording, line %d: time %q", n, fields[0])
		}
		data, err := hex.DecodeString(strings.Join(fields[2:], ""))
		if err != nil {
			return nil, fmt.Errorf("recording, line %d: %w", n, err)
		}
		steps = append(steps, Step{After: after, Sent: fields[1] == ">", Data: data})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	return steps, nil
}

// Play plays the device's part of a recording on a line: it sends what came
// from the device, after what the driver has to send before that, which must be
// the same bytes, and with the same delays. It returns when the recording is over.
func Play(line io.ReadWriter, steps []Step) error {
	for i, s := range steps {
		if !s.Sent {
			time.Sleep(s.After)
			if _, err := line.Write(s.Data); err != nil {
				return fmt.Errorf("playback, step %d: %w", i+1, err)
			}
			continue
		}
		got := make([]byte, len(s.Data))
		if n, err := io.ReadFull(line, got); err != nil {
			return fmt.Errorf("playback, step %d: the driver sent % x and no more: %w", i+1, got[:n], err)
		}
		if !bytes.Equal(got, s.Data) {
			return fmt.Errorf("playback, step %d: the driver sent % x, want % x", i+1, got, s.Data)
		}
	}
	return nil
}
