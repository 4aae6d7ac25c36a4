//go:build cgo

package main

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
)

func testEpoch() time.Time { return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC) }

func testConfig(kinds ...wire.Kind) *wire.Config {
	cfg := &wire.Config{Version: wire.Version, Camera: "gate",
		Zones: []wire.Zone{{Name: "all", Polygon: []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}}}
	for _, k := range kinds {
		cfg.Rules = append(cfg.Rules, wire.Rule{Kind: k, Zone: "all"})
		cfg.Armed = append(cfg.Armed, true)
	}
	return cfg
}

// walk is a scene in which somebody crosses the picture between 2 and 8 s.
func walk() *analyticstest.Scene {
	return &analyticstest.Scene{Width: testWidth, Height: testHeight, Seed: 5, Noise: 1,
		Actors: []analyticstest.Actor{{Height: 0.4, Shade: 40, Path: []analyticstest.Step{
			{At: 2 * time.Second, X: -0.1, Y: 0.8}, {At: 8 * time.Second, X: 1.1, Y: 0.8}}}}}
}

// gateway is the other end of a conversation.
type gateway struct {
	t      testing.TB
	w      *wire.Writer
	in     bytes.Buffer
	seq    uint64
	gaps   map[uint64]bool // access units with a gap before them
	lose   map[uint64]bool // access units replaced by rubbish
	legacy *legacy         // of the process; nil for none
	// revisions are the configurations that were sent after the first.
	revisions []*wire.Config
	// between, if not nil, may say something before each access unit of code.
	between func()
}

func newGateway(t testing.TB, cfg *wire.Config) *gateway {
	g := &gateway{t: t, gaps: map[uint64]bool{}, lose: map[uint64]bool{}}
	g.w = wire.NewWriter(&g.in, wire.MaxToVision)
	g.check(g.w.JSON(wire.TypeConfig, cfg))
	return g
}

func (g *gateway) check(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// revise sends another configuration.
func (g *gateway) revise(cfg *wire.Config) {
	g.t.Helper()
	g.revisions = append(g.revisions, cfg)
	g.check(g.w.JSON(wire.TypeRevision, cfg.Revision()))
}

// show sends the pictures of a scene from one time to another as MJPEG.
func (g *gateway) show(s *analyticstest.Scene, from, to time.Duration) {
	g.t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, s.Width, s.Height), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	for at := from; at <= to; at += testPeriod {
		s.Draw(img.Y, at)
		var b bytes.Buffer
		g.check(jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}))
		g.seq++
		au := wire.AccessUnit{Seq: g.seq, PTS: at, Wall: testEpoch().Add(at), Codec: wire.CodecMJPEG,
			Keyframe: true, Gap: g.gaps[g.seq], Data: b.Bytes()}
		if g.lose[g.seq] {
			au.Data = au.Data[:20]
		}
		g.check(g.w.AccessUnit(&au))
	}
}

// answers are what a process said, in order.
type answers struct {
	hello      wire.Hello
	detections []wire.Detection
	progress   []wire.Progress
	overlays   []wire.Overlay
	video      []wire.Video
	summary    wire.Progress
	revised    []int // how many detections were there before each answer to a revision
}

// talk lets a process answer everything that the gateway says and checks the
// order of its messages.
func (g *gateway) talk(cfg *wire.Config) answers {
	g.t.Helper()
	var out bytes.Buffer
	enter := func(*wire.Config) (wire.Sandbox, error) { return wire.Sandbox{Seccomp: true}, nil }
	if err := (&session{log: slog.New(slog.DiscardHandler), legacy: g.legacy}).serve(&g.in, &out, enter); err != nil {
		g.t.Fatal(err)
	}
	var a answers
	r := wire.NewReader(&out, cfg.FromVision())
	for n := 0; ; n++ {
		typ, p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		g.check(err)
		if (n == 0) != (typ == wire.TypeHello) || a.summary.Seen > 0 {
			g.t.Fatalf("message %d is of type %d", n, typ)
		}
		switch typ {
		case wire.TypeHello:
			g.check(wire.Decode(p, &a.hello))
		case wire.TypeDetection:
			var d wire.Detection
			g.check(wire.DecodeDetection(p, &d))
			g.check(d.Validate(cfg))
			a.detections = append(a.detections, d)
			g.t.Logf("%s %d: %s, start %.1f, detected %.1f, end %.1f, %d bytes", d.Phase, d.ID, d.Kind, d.Start, d.Detected, d.End, len(d.JPEG))
		case wire.TypeOverlay:
			var o wire.Overlay
			g.check(wire.Decode(p, &o))
			g.check(o.Validate(cfg))
			a.overlays = append(a.overlays, o)
		case wire.TypeVideo:
			var v wire.Video
			g.check(wire.DecodeVideo(p, &v))
			v.Data = bytes.Clone(v.Data)
			a.video = append(a.video, v)
		case wire.TypeRevised:
			if len(a.revised) == len(g.revisions) {
				g.t.Fatal("an answer to no revision")
			}
			cfg = cfg.Revised(g.revisions[len(a.revised)].Revision())
			a.revised = append(a.revised, len(a.detections))
		case wire.TypeProgress:
			var v wire.Progress
			g.check(wire.Decode(p, &v))
			a.progress = append(a.progress, v)
		case wire.TypeSummary:
			g.check(wire.Decode(p, &a.summary))
		case wire.TypePicture:
			var pic wire.Picture
			g.check(wire.DecodePicture(p, &pic))
			img, err := jpeg.DecodeConfig(bytes.NewReader(pic.JPEG))
			if last := a.detections[len(a.detections)-1]; err != nil || pic.Detection != last.ID || cfg.Replay || img.Width < 100 {
				g.t.Errorf("picture of detection %d after %d, %d wide, %v", pic.Detection, last.ID, img.Width, err)
			}
		default:
			g.t.Fatalf("message of type %d", typ)
		}
	}
	if a.summary.Seen == 0 || len(a.revised) != len(g.revisions) {
		g.t.Fatalf("summary %+v, %d of %d revisions answered", a.summary, len(a.revised), len(g.revisions))
	}
	return a
}
