package led

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tree is a /sys with one LED.
func tree(t *testing.T) (root string, read func(file string) string) {
	t.Helper()
	root = t.TempDir()
	dir := filepath.Join(root, "sys/class/leds/ACT")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, s := range map[string]string{"trigger": "none kbd-scrolllock [mmc0] timer", "max_brightness": "255\n", "brightness": "7"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, func(file string) string {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// clear empties the file: one of /sys holds what was written last, an ordinary one keeps the rest.
func lit(s string) bool { return strings.HasPrefix(s, "255") }

// TestRun counts how often the LED changes in ten seconds of each state.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root, read := tree(t)
		l, err := Open(root, "ACT")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(read("trigger"), "none") || lit(read("brightness")) {
			t.Errorf("taken: %q, %q", read("trigger"), read("brightness"))
		}
		var state atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx, func() State { return State(state.Load()) }) }()
		for _, c := range []struct {
			state       State
			least, most int
		}{{Well, 0, 1}, {Away, 9, 11}, {Stuck, 75, 81}, {Well, 0, 1}} {
			state.Store(int32(c.state))
			time.Sleep(2 * time.Second) // until it is looked at
			changes, was := 0, lit(read("brightness"))
			for range 1000 {
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
				if now := lit(read("brightness")); now != was {
					changes, was = changes+1, now
				}
			}
			if changes < c.least || changes > c.most || c.state == Well && !was {
				t.Errorf("state %d: %d changes in 10 s, on %v", c.state, changes, was)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if lit(read("brightness")) || !strings.HasPrefix(read("trigger"), "mmc0") {
			t.Errorf("given back: %q, %q", read("trigger"), read("brightness"))
		}
	})
}

func TestNoLED(t *testing.T) {
	root, _ := tree(t)
	if _, err := Open(root, "PWR"); err == nil {
		t.Error("an LED that is not there was opened")
	}
	if _, err := os.Stat(filepath.Join(root, "sys/class/leds/PWR")); err == nil {
		t.Error("it was made")
	}
	l, err := Open(root, "ACT")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "sys/class/leds/ACT/brightness")); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), func() State { return Well }); err == nil {
		t.Error("an LED that does not obey")
	}
}

func TestChosen(t *testing.T) {
	for in, want := range map[string]string{"none [mmc0] timer": "mmc0", "[none] timer": "none", "none timer": "none", "": "none", "a ]b[": "none"} {
		if got := chosen(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
