//go:build e2e

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestMonthInShort plays half a minute of it, with everything going wrong far more often.
func TestMonthInShort(t *testing.T) {
	programs := t.TempDir()
	for program, pkg := range map[string]string{
		"sentrybox": "sentrybox/gateway", "sentrybox-vision": "sentrybox/analytics/vision", "camsim": "sentrybox/hack/camsim", "sensorsim": "sentrybox/hack/sensorsim",
	} {
		build := exec.Command("go", "build", "-o", filepath.Join(programs, program), pkg)
		build.Env = os.Environ()
		if program != "sentrybox-vision" {
			build.Env = append(build.Env, "CGO_ENABLED=0")
		}
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	m := &month{
		For: 18 * time.Second, After: 4 * time.Second, Window: 5 * time.Second, Every: time.Second, Pace: 10, Cameras: 4, Seed: 1,
		Dir: filepath.Join(t.TempDir(), "month"), Programs: programs, Clip: "../../drivers/mp4/mp4test/walker.mp4",
	}
	s, err := newSite(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var samples []sample
	for range 10 { // once, unless the machine is busy
		more, err := m.endure(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if samples = append(samples, more...); len(samples) >= 10 && len(s.counts()) >= 5 && len(s.raised.list()) >= 5 {
			break
		}
	}
	// So short a time says nothing of growth: that is for hack/soak. What arrives is judged.
	v := &verdict{faults: s.rightAgain(t.Context())}
	if err := s.gateway.end(time.Minute); err != nil {
		t.Error(err)
	}
	known, err := s.stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.alerts(known, s.room, s.raised.list())
	for _, err := range v.faults {
		t.Error(err)
	}
	v.rows, v.did = judge(samples, m.After, m.Window).rows, s.counts()
	t.Log("\n" + v.table())
	if len(known) < 5 || len(samples) < 10 || len(v.did) < 5 {
		t.Errorf("%d alerts, %d samples: nothing happened", len(known), len(samples))
	}
}
