package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"sentrybox/drivers/analogue"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

// hear returns what our decoder hears, with one kind of signals on as multimon-ng has.
func hear(samples []int16, demod string) (string, error) {
	s := analogue.Signals{DTMF: demod == "DTMF"}
	if !s.DTMF {
		s.FiveTone = []string{strings.ToLower(demod)}
	}
	var out strings.Builder
	e, err := analogue.NewEar(multimonRate, s)
	if err != nil {
		return "", err
	}
	e.Digit = func(d dtmf.Digit) { out.WriteByte(d.Digit) }
	e.Call = func(c selcall.Call) { out.WriteString(c.Digits) }
	listen(e, samples)
	return out.String(), nil
}

func listen(e *analogue.Ear, samples []int16) {
	block := make([]float32, 512)
	for len(samples) > 0 {
		n := min(len(block), len(samples))
		for i, v := range samples[:n] {
			block[i] = float32(v) / 32768
		}
		e.Write(block[:n])
		samples = samples[n:]
	}
}

// multimon returns what multimon-ng hears; repeat tones are resolved.
func multimon(ctx context.Context, samples []int16, demods ...string) (string, error) {
	lines, err := multimonLines(ctx, samples, demods...)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, line := range lines {
		_, text, ok := strings.Cut(line, ": ")
		if !ok {
			continue
		}
		out.WriteString(strings.TrimSpace(text))
	}
	if demods[0] == "DTMF" {
		return out.String(), nil
	}
	digits := []byte(out.String())
	for i := 1; i < len(digits); i++ {
		if digits[i] == selcall.Repeat {
			digits[i] = digits[i-1]
		}
	}
	return string(digits), nil
}

func multimonLines(ctx context.Context, samples []int16, demods ...string) ([]string, error) {
	file, err := os.CreateTemp("", "tones-*.raw")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	defer file.Close()
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, samples); err != nil {
		return nil, err
	}
	if _, err := file.Write(raw.Bytes()); err != nil {
		return nil, err
	}
	args := []string{"-q", "-c", "-t", "raw"}
	for _, d := range demods {
		args = append(args, "-a", d)
	}
	out, err := exec.CommandContext(ctx, "multimon-ng", append(args, file.Name())...).Output()
	if err != nil {
		return nil, fmt.Errorf("multimon-ng: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}

// counts are what was heard where nothing was sent.
type counts struct{ digits, calls, packets int }

// everything counts what our decoders hear with all of them on.
func everything(samples []int16) (counts, error) {
	var n counts
	e, err := analogue.NewEar(multimonRate, analogue.Signals{DTMF: true, MDC1200: true, FiveTone: []string{"zvei1", "zvei2", "ccir", "eea"}})
	if err != nil {
		return n, err
	}
	e.Digit = func(dtmf.Digit) { n.digits++ }
	e.Call = func(selcall.Call) { n.calls++ }
	e.Packet = func(mdc1200.Packet) { n.packets++ }
	listen(e, samples)
	return n, nil
}

// everythingMultimon counts the same of multimon-ng. A call is a line of five tones at least.
func everythingMultimon(ctx context.Context, samples []int16) (counts, error) {
	var n counts
	lines, err := multimonLines(ctx, samples, "DTMF", "ZVEI1", "ZVEI2", "CCIR", "EEA")
	for _, line := range lines {
		name, text, _ := strings.Cut(line, ": ")
		switch {
		case name == "DTMF":
			n.digits++
		case len(strings.TrimSpace(text)) >= 5:
			n.calls++
		}
	}
	return n, err
}
