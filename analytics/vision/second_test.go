//go:build cgo

package main

import (
	"bytes"
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/behaviour"
	"sentrybox/analytics/cv"
	"sentrybox/analytics/wire"
)

// plain gives out pictures of one grey.
type plain byte

func (p plain) region(dst []byte, r image.Rectangle, f int) error {
	for i := range (r.Dx() / f) * (r.Dy() / f) {
		dst[i] = byte(p)
	}
	return nil
}

func (p plain) snapshot(int) (*image.YCbCr, error) { return nil, errors.New("no colour") }

func network(veto bool) *wire.Detector {
	return &wire.Detector{Format: wire.Darknet, Size: analyticstest.NetSize, Pixels: wire.Unit, Score: 0.3, PerMinute: 60, Veto: veto}
}

// opened returns a second opinion by the network for dark crops, and what sees a picture of one grey.
func opened(t *testing.T, veto bool, grey plain) *second {
	t.Helper()
	cfg := testConfig(wire.Intrusion, wire.AbandonedObject)
	cfg.Detector = network(veto)
	weights, text := analyticstest.DarkNet()
	s, err := newSecond(cfg, models{weights, text}, grey, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	s.look(&picture{luma: &cv.Luma{Width: 320, Height: 176, CodedWidth: 640, CodedHeight: 352}}, nil, cfg.Armed)
	return s
}

func TestSomebodySitsThere(t *testing.T) {
	begun := behaviour.Event{Phase: wire.Begun, Number: 7, Detected: time.Minute, Box: wire.Box{0.4, 0.4, 0.1, 0.2}, Confidence: 0.8}
	ended := begun
	ended.Phase = wire.Ended
	other := ended
	other.Number = 8
	for _, tc := range []struct {
		veto bool
		grey plain
		kept int
		sure bool
	}{{true, 20, 1, false}, {true, 200, 3, true}, {false, 20, 3, false}} {
		s := opened(t, tc.veto, tc.grey)
		kept := s.judge(1, []behaviour.Event{begun}, nil)
		if len(kept) == 1 && (kept[0].Confidence == 0.8) != tc.sure {
			t.Errorf("%+v: confidence %v", tc, kept[0].Confidence)
		}
		n := len(kept) + len(s.judge(1, []behaviour.Event{ended}, nil)) + len(s.judge(1, []behaviour.Event{other}, nil))
		if n != tc.kept {
			t.Errorf("%+v: %d events of 3 are reported", tc, n)
		}
	}
}

func TestOpinionInASession(t *testing.T) {
	say := func(d *wire.Detector) answers {
		cfg := testConfig(wire.Intrusion)
		cfg.Detector = d
		g := newGateway(t, cfg)
		g.show(walk(), 0, 5*time.Second)
		g.check(g.w.End())
		return g.talk(cfg)
	}
	without := say(nil)
	with := say(&wire.Detector{Format: wire.HOG, Score: 0.5, PerMinute: 240})
	if len(without.detections) != 2 || len(with.detections) != 2 {
		t.Fatalf("%d detections without, %d with", len(without.detections), len(with.detections))
	}
	a, b := without.detections[0], with.detections[0]
	if a.Detected != b.Detected || a.Start != b.Start || a.Confidence == b.Confidence {
		t.Errorf("without %+v, with %+v", a, b)
	}
	if c := with.summary.Confirmed; c.Asked == 0 || c.Lost || without.summary.Confirmed.Asked != 0 {
		t.Errorf("counted %+v", c)
	}
}

func TestDetectorThatCannotBeUsed(t *testing.T) {
	cfg := testConfig(wire.Intrusion)
	cfg.Detector = network(false)
	weights, text := analyticstest.DarkNet()
	for name, m := range map[string]models{
		"cut short": {weights[:len(weights)-4], text},
		"another size": {weights, bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("width=32"), []byte("width=64")),
			[]byte("size=32"), []byte("size=64"))},
		"empty": {},
	} {
		s, err := newSecond(cfg, m, plain(0), slog.New(slog.DiscardHandler))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		s.close() // nothing
	}
	long := reason(errors.New(strings.Repeat("岗亭", 200) + "\xff"))
	if len(long) > wire.MaxReason || !utf8.ValidString(long) || reason(nil) != "" {
		t.Errorf("reason of %d bytes", len(long))
	}
}

func TestReadModel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := os.WriteFile(path, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(path string) uintptr {
		fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		return uintptr(fd) // readModel closes it
	}
	if b, err := readModel(open(path)); err != nil || string(b) != "weights" {
		t.Errorf("%q, %v", b, err)
	}
	for _, bad := range []string{t.TempDir(), os.DevNull} {
		if b, err := readModel(open(bad)); err == nil {
			t.Errorf("%s: %q", bad, b)
		}
	}
	if _, err := readModel(9999); err == nil {
		t.Error("a file descriptor that is not open can be read")
	}
	if m, err := readModels(&wire.Detector{Format: wire.HOG}); err != nil || m.model != nil {
		t.Errorf("HOG needs no model: %v, %v", m, err)
	}
}
