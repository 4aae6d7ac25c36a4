//go:build cgo

package cv

import (
	"bytes"
	"errors"
	"image"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/wire"
)

// TestKeepMemory: what a decoder has freed serves the next one.
func TestKeepMemory(t *testing.T) {
	if err := KeepMemory(); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	key := keyframe(t, 1280, 720)
	var faults []int64
	for range 10 {
		before := minorFaults(t)
		d, err := NewDecoder(wire.CodecH264)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Send(key, 0, true), d.Drain()); err != nil {
			t.Fatal(err)
		}
		if ok, err := d.Skip(&Luma{}); err != nil || !ok {
			t.Fatalf("no picture: %v", err)
		}
		_ = d.Close()
		faults = append(faults, minorFaults(t)-before)
	}
	if slices.Sort(faults); faults[len(faults)/2] > 100 { // it takes some 600 pages
		t.Errorf("page faults of a decoder each: %v", faults)
	}
}

func minorFaults(t *testing.T) int64 {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return u.Minflt
}

// keyframe returns one of a grey picture.
func keyframe(t *testing.T, width, height int) (key []byte) {
	t.Helper()
	e, err := NewEncoder(width, height, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	take := func(b []byte, _ time.Duration, _ bool) error {
		if key == nil {
			key = bytes.Clone(b)
		}
		return nil
	}
	if err := e.Encode(image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420), 0, take); err != nil {
		t.Fatal(err)
	}
	if err := e.Finish(take); err != nil {
		t.Fatal(err)
	}
	return key
}
