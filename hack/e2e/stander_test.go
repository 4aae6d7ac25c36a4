//go:build e2e

package e2e

import (
	"bytes"
	"image"
	"image/jpeg"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// TestVisionKilledWhileSomebodyStandsThere: the vision program is killed while somebody stands in the zone. The one that takes over
// finds them within two seconds, where they stand, and tells of their loitering by the clock from when they came.
func TestVisionKilledWhileSomebodyStandsThere(t *testing.T) {
	const width, height = 320, 176
	scene := &analyticstest.Scene{Width: width, Height: height, Seed: 5, Noise: 1,
		Actors: []analyticstest.Actor{{Height: 0.4, Shade: 40, Path: []analyticstest.Step{
			{At: 12 * time.Second, X: -0.1, Y: 0.8}, {At: 15 * time.Second, X: 0.5, Y: 0.8}, {At: time.Minute, X: 0.5, Y: 0.8}}}}}
	cfg, _ := camera.WireConfig(&config.Camera{ID: "cam", Confirm: config.ConfirmOff, Detect: []config.Rule{
		{Kind: wire.Intrusion, Zone: config.AllZones}, {Kind: wire.Loitering, Zone: config.AllZones, After: config.Duration(30 * time.Second)},
	}})
	cfg.Armed, cfg.Legacy = []bool{true, true}, true
	left, err := camera.NewLegacy()
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	began, seq := time.Now(), uint64(0)
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	watch := func(from, to time.Duration, end func(*camera.Process)) (found []wire.Detection) {
		p, err := camera.StartProcess(t.Context(), camera.ProcessConfig{
			Path: filepath.Join(programs, "sentrybox-vision"), Config: cfg, Legacy: left, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		for at := from; at < to; at += 100 * time.Millisecond {
			scene.Draw(img.Y, at)
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}); err != nil {
				t.Fatal(err)
			}
			seq++
			if err := p.Send(wire.AccessUnit{Seq: seq, PTS: at, Wall: began.Add(at), Codec: wire.CodecMJPEG, Keyframe: true, Data: b.Bytes()}); err != nil {
				t.Fatal(err)
			}
		}
		end(p)
		for d := range p.Detections() {
			if d.Phase == wire.Begun {
				found = append(found, d)
				t.Logf("%s from %.1f s, found at %.1f s at %v", d.Kind, d.Start, d.Detected, d.Box)
			}
		}
		return found
	}
	before := watch(0, 20*time.Second, func(p *camera.Process) {
		waitFor(t, "all looked at", func() bool { return p.Progress().Seq == seq })
		p.Kill()
	})
	if len(before) != 1 {
		t.Fatalf("%+v", before)
	}
	after := watch(22*time.Second, 50*time.Second, func(p *camera.Process) {
		if err := p.Finish(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if len(after) != 2 || after[0].Detected > 24 || after[0].Box[0] < 0.4 || after[0].Box[0]+after[0].Box[2] > 0.6 {
		t.Fatalf("%+v", after)
	}
	if d := after[1]; d.Start < 12 || d.Start > 14 || d.Detected < d.Start+30 || d.Detected > d.Start+32 {
		t.Errorf("the stay: %+v", d)
	}
}
