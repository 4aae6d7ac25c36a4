//go:build cgo

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain lets the test binary stand in for the program.
func TestMain(m *testing.M) {
	if args, ok := os.LookupEnv("VISION_ARGS"); ok {
		os.Exit(start(strings.Fields(args)))
	}
	os.Exit(m.Run())
}

func TestByHand(t *testing.T) {
	for _, tc := range []struct {
		args string
		code int
		says string
	}{
		{"--help", 0, "started by \"sentrybox run\""},
		{"--version", 0, "protocol"},
		{"", 2, "not the gateway's pipes"},
		{"video.mp4", 2, "sentrybox replay"},
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "VISION_ARGS="+tc.args)
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tc.code || !strings.Contains(string(out), tc.says) {
			t.Errorf("%q: exit code %d (%v), says %s", tc.args, code, err, out)
		}
	}
}
