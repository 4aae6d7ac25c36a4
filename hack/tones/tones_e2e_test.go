//go:build e2e

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"sentrybox/drivers/tone/dtmf"
)

// TestAgainstMultimon: every signal is decoded as often as multimon-ng does, and whole.
func TestAgainstMultimon(t *testing.T) {
	const repeats = 2
	for _, c := range cases() {
		ours, theirs, err := c.compare(t.Context(), repeats, true)
		if err != nil {
			t.Fatal(err)
		}
		if ours < theirs || ours < repeats {
			t.Errorf("%s: %d of %d, multimon-ng %d", c.name, ours, repeats, theirs)
		}
	}
}

// TestSpeech: a minute each of English and Chinese has no digit, call or burst in it.
func TestSpeech(t *testing.T) {
	t.Chdir("../..")
	for _, l := range languages() {
		_, ours, _, err := l.listen(t.Context(), time.Minute, "")
		if err != nil {
			t.Fatal(err)
		}
		if ours != (counts{}) {
			t.Errorf("%s: %+v", l.name, ours)
		}
	}
}

// TestSox: digits that sox has made, of 60 ms.
func TestSox(t *testing.T) {
	var raw bytes.Buffer
	for _, digit := range []byte(dtmf.Digits) {
		low, high, _ := dtmf.Tones(digit)
		cmd := exec.Command("sox", "-n", "-r", fmt.Sprint(multimonRate), "-b", "16", "-e", "signed", "-t", "raw", "-", "synth", "0.06",
			"sine", fmt.Sprint(low), "sine", fmt.Sprint(high), "remix", "1,2", "gain", "-6", "pad", "0", "0.06")
		cmd.Stdout, cmd.Stderr = &raw, os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	samples := make([]int16, raw.Len()/2)
	for i := range samples {
		samples[i] = int16(raw.Bytes()[2*i]) | int16(raw.Bytes()[2*i+1])<<8
	}
	if got, err := hear(samples, "DTMF"); err != nil || got != dtmf.Digits {
		t.Errorf("%q, %v", got, err)
	}
}
