package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	var d []time.Duration
	for i := range 200 {
		d = append(d, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{0: 1, 50: 100, 99: 198, 100: 200} {
		if got := percentile(d, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if got := percentile(d[:1], 99); got != 1 {
		t.Errorf("of one it is %d", got)
	}
}

func TestNearest(t *testing.T) {
	l := &sentLog{by: map[string][]sent{}}
	t0 := time.Unix(1_770_000_000, 0)
	for i := range 10 {
		at := t0.Add(time.Duration(i) * time.Second / fps)
		l.add("a", at, at.Add(3*time.Second))
	}
	if at, ok := l.nearest("a", t0.Add(85*time.Millisecond)); !ok || !at.Equal(t0.Add(3080*time.Millisecond)) {
		t.Errorf("%v %v", at, ok)
	}
	if _, ok := l.nearest("a", t0.Add(time.Second)); ok {
		t.Error("a picture that was never sent was found")
	}
	if _, ok := l.nearest("b", t0); ok {
		t.Error("a camera that is not there sent a picture")
	}
}

// TestMeasureTree: what a child has used is counted while it lives and when it is gone.
func TestMeasureTree(t *testing.T) {
	before, err := measureTree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// It counts to a number, and its child does so too.
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; exec sleep 60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	grown := func() bool {
		u, err := measureTree(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return u.cpu > before.cpu && u.total > before.root && u.root > 0
	}
	for !grown() {
		time.Sleep(20 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !grown() {
		t.Error("the time of a child that is gone is not counted")
	}
	if _, err := measureTree(1 << 30); err == nil {
		t.Error("a process that is not there was measured")
	}
}
