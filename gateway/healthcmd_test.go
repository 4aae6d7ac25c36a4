package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/control"
)

// TestHealth: a camera or broker that is away is named and since when, and only what restarting may mend, or a
// wish for strictness, makes the exit status 1.
func TestHealth(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	t.Setenv("TZ", "UTC")
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	camera := control.Away{Camera: "gate", Phase: "unreachable", Since: since, Reason: "connection refused"}
	broker := control.Away{Uplink: "mqtt-1", Phase: "offline", Since: since}
	const cameraSaid, brokerSaid = "not well: camera gate: unreachable since 2026-03-01 12:00:00\n  connection refused\n", "not well: uplink mqtt-1: not reachable since 2026-03-01 12:00:00\n"
	for name, tc := range map[string]struct {
		stuck        []string
		away         []control.Away
		code, strict int
		said         string
	}{
		"well":   {nil, nil, 0, 0, "well: sentrybox v\n"},
		"camera": {nil, []control.Away{camera}, 0, 1, cameraSaid},
		"both":   {nil, []control.Away{camera, broker}, 0, 1, cameraSaid + brokerSaid},
		"stuck":  {[]string{"store: x"}, []control.Away{broker}, 1, 1, "store: x\n" + brokerSaid},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "config.yaml")
			if err := os.WriteFile(path, []byte("gateway: {id: a, street: b, community: c}\ndata: "+dir+"\nuplink: {mqtt: []}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			serveControl(t, &control.Server{
				Dir: dir, Version: "v", Stuck: func() []string { return tc.stuck }, Blind: func() []string { return nil },
				Away: func() []control.Away { return tc.away },
			})
			for want, args := range map[int][]string{tc.code: {"health", "--config", path}, tc.strict + 10: {"health", "--strict", "--config", path}} {
				if code, out, errOut := typed(t, "", args...); code != want%10 || !strings.HasPrefix(out, tc.said) {
					t.Errorf("%q: exit status %d, %q, %q", args, code, out, errOut)
				}
			}
		})
	}
}

// serveControl answers on the control socket until the test ends.
func serveControl(t *testing.T, s *control.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		_, err := control.Health(ctx, s.Dir)
		if err == nil {
			return
		}
		if !errors.Is(err, control.ErrNotRunning) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
