package camera

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"sentrybox/analytics/wire"
)

// TestMain lets the test binary stand in for sentrybox-vision: the gateway
// starts it without arguments and environment, so its name says how to behave.
func TestMain(m *testing.M) {
	if _, behave, ok := strings.Cut(os.Args[0], "vision-"); ok {
		standIn(behave)
		return
	}
	os.Exit(m.Run())
}

// vision returns the path of a stand-in that behaves so.
func vision(t *testing.T, behave string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/vision-" + behave
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// hang never returns. A bare select{} ends a program without cgo: the runtime sees a deadlock.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// standIn speaks the protocol as told: it reports a detection for an access unit
// that says "see", and on one that says "die" or "hang" it does that.
func standIn(behave string) {
	in, out := os.NewFile(3, "in"), os.NewFile(4, "out")
	r, w := wire.NewReader(in, wire.MaxToVision), wire.NewWriter(out, wire.MaxFromVision)
	var cfg wire.Config
	_, p, err := r.Next()
	if err != nil || wire.Decode(p, &cfg) != nil {
		os.Exit(1)
	}
	if behave == "mute" {
		hang()
	}
	if behave == "allergic" && cfg.Detector != nil {
		os.Exit(5)
	}
	hello := wire.Hello{Version: wire.Version, Sandbox: wire.Sandbox{NoNewPrivs: true, Seccomp: behave != "open"}}
	if cfg.Detector != nil {
		hello.Detector = opinion(behave, cfg.Detector)
	}
	_ = w.JSON(wire.TypeHello, hello)
	switch behave {
	case "garbage":
		_, _ = out.WriteString("\xff\xff\xff\xff\xff")
	case "flood":
		for {
			_ = w.Detection(detection(1, "elsewhere", time.Now()))
		}
	case "unasked":
		_ = w.JSON(wire.TypeOverlay, wire.Overlay{Armed: []bool{true}})
	case "shows":
		_ = w.JSON(wire.TypeOverlay, wire.Overlay{Time: 1, Armed: []bool{true}})
		_ = w.Video(&wire.Video{PTS: time.Second, Keyframe: true, Data: []byte("picture")})
	case "nonsense":
		_ = w.JSON(wire.TypeOverlay, wire.Overlay{Notes: []wire.Note{{Rule: 5}}, Armed: []bool{true}})
	case "revises":
		_ = w.Revised()
	case "ahead":
		_ = w.JSON(wire.TypeProgress, wire.Progress{Seq: 1 << 50})
	case "chatty":
		for range 100 {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 500))
		}
	}
	s := stand{w: w, behave: behave}
	for {
		typ, p, err := r.Next()
		if err != nil {
			os.Exit(1)
		}
		switch typ {
		case wire.TypeAccessUnit:
			s.accessUnit(p)
		case wire.TypePace:
			var pace wire.Pace
			if wire.Decode(p, &pace) != nil {
				os.Exit(1)
			}
			s.progress.Skipped = uint64(pace.Rate) // it says what it was told
			_ = w.JSON(wire.TypeProgress, s.progress)
		case wire.TypeStill:
			var ask wire.Still
			if wire.Decode(p, &ask) == nil && !s.wall.IsZero() {
				_ = w.Picture(&wire.Picture{Detection: ask.ID, Wall: s.wall, JPEG: []byte("still")})
			}
		case wire.TypeShow:
			var show wire.Show
			if wire.Decode(p, &show) != nil {
				os.Exit(1)
			}
			s.shows = show.On
		case wire.TypeRevision:
			var r wire.Revision
			if wire.Decode(p, &r) != nil {
				os.Exit(1)
			}
			cfg = *cfg.Revised(&r)
			if cfg.Validate() != nil {
				os.Exit(1)
			}
			if behave != "deaf" {
				_ = w.Revised()
			}
		case wire.TypePing:
			_ = w.JSON(wire.TypeProgress, s.progress)
		case wire.TypeEnd:
			_ = w.JSON(wire.TypeSummary, s.progress)
			_, _, _ = r.Next()
			os.Exit(0)
		}
	}
}

// opinion is what the stand-in has against a detector.
func opinion(behave string, d *wire.Detector) string {
	switch behave {
	case "reading":
		model, _ := io.ReadAll(os.NewFile(5, "model"))
		config, _ := io.ReadAll(os.NewFile(6, "config"))
		return fmt.Sprintf("%s\x1band\n%s of %d", model, config, d.Size)
	case "verbose":
		return strings.Repeat("because ", 100)
	}
	return ""
}

type stand struct {
	w        *wire.Writer
	behave   string
	progress wire.Progress
	id       uint64
	wall     time.Time // of the last keyframe
	shows    bool
}

func (s *stand) accessUnit(p []byte) {
	var au wire.AccessUnit
	if wire.DecodeAccessUnit(p, &au) != nil {
		os.Exit(1)
	}
	if s.progress.Seen == 0 && !au.Keyframe {
		os.Exit(9) // the contract: a process begins at a keyframe
	}
	s.progress.Seq = au.Seq
	s.progress.Seen++
	if au.Keyframe {
		s.wall = au.Wall
	}
	switch string(au.Data) {
	case "die":
		os.Exit(7)
	case "hang":
		hang()
	case "see":
		s.id++
		_ = s.w.Detection(detection(s.id, "all", au.Wall))
	case "gather", "agitate":
		if string(au.Data) == "gather" {
			s.id++
		}
		d := detection(s.id, "all", au.Wall)
		d.Rule, d.Kind = 1, wire.Gathering
		if string(au.Data) == "agitate" {
			d.Phase, d.Agitated, d.JPEG = wire.Changed, true, nil
		}
		_ = s.w.Detection(d)
	case "doze":
		s.progress.Attention = wire.Asleep
	case "rouse":
		s.progress.Attention = wire.Awake
	case "seen twice":
		if !au.CatchUp {
			os.Exit(8)
		}
		s.id++
		_ = s.w.Detection(detection(s.id, "all", au.Wall))
	}
	if s.shows {
		_ = s.w.JSON(wire.TypeOverlay, wire.Overlay{Time: au.PTS.Seconds(), Armed: []bool{true, true}})
	}
	if s.behave != "idle" { // idle answers pings alone
		_ = s.w.JSON(wire.TypeProgress, s.progress)
	}
}

func detection(id uint64, zone string, at time.Time) *wire.Detection {
	return &wire.Detection{
		ID: id, Phase: wire.Begun, Kind: wire.Intrusion, Zone: zone, Start: 1, Detected: 2,
		StartWall: at, DetectWall: at, Box: wire.Box{0.1, 0.1, 0.2, 0.2}, Confidence: 0.876, JPEG: []byte("jpeg"),
	}
}
