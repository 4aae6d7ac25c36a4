package replay

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/mp4"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/gateway/config"
)

// TestMain lets the test binary stand in for sentrybox-vision: the gateway
// starts it without arguments and environment, so its name says how to behave.
func TestMain(m *testing.M) {
	if _, behave, ok := strings.Cut(os.Args[0], "vision-"); ok {
		os.Exit(standIn(behave))
	}
	os.Exit(m.Run())
}

// standIn sends every access unit back as annotated video, with an overlay.
func standIn(behave string) int {
	r, w := wire.NewReader(os.NewFile(3, "in"), wire.MaxToVision), wire.NewWriter(os.NewFile(4, "out"), wire.MaxVideo)
	_, p, err := r.Next()
	var cfg wire.Config
	if err != nil || wire.Decode(p, &cfg) != nil {
		return 1
	}
	_ = w.JSON(wire.TypeHello, wire.Hello{Version: wire.Version, Sandbox: wire.Sandbox{NoNewPrivs: true, Seccomp: true}, NoEncoder: behave == "poor"})
	var done wire.Progress
	for {
		typ, p, err := r.Next()
		switch {
		case err != nil:
			return 1
		case typ == wire.TypeEnd:
			_ = w.JSON(wire.TypeSummary, done)
			_, _, _ = r.Next()
			return 0
		case typ != wire.TypeAccessUnit:
			continue
		}
		var au wire.AccessUnit
		if wire.DecodeAccessUnit(p, &au) != nil {
			return 1
		}
		done.Seq, done.Seen = au.Seq, done.Seen+1
		if cfg.Annotate && behave != "blind" {
			_ = w.Video(&wire.Video{PTS: au.PTS, Keyframe: au.Keyframe, Data: au.Data})
		}
		if cfg.Overlay {
			_ = w.JSON(wire.TypeOverlay, wire.Overlay{Time: au.PTS.Seconds(), Armed: cfg.Armed})
		}
		if behave == "mortal" && done.Seen == 100 {
			return 7
		}
		_ = w.JSON(wire.TypeProgress, done)
	}
}

// replayOf returns a replay of the walker in a folder of its own, which is empty
// but for the video and the program.
func replayOf(t *testing.T, behave string) *Replay {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := &Replay{
		Camera: &config.Camera{ID: "cam", Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 2}}},
		Video:  filepath.Join(dir, "in.mp4"), VisionPath: filepath.Join(dir, "vision-"+behave), Out: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	if err := errors.Join(os.Symlink(self, r.VisionPath), os.WriteFile(r.Video, mp4test.Walker(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return r
}

// besides returns what else is in the folder of a replay.
func besides(t *testing.T, r *Replay) []string {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(r.Video))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		if n := e.Name(); n != "in.mp4" && !strings.HasPrefix(n, "vision-") {
			names = append(names, n)
		}
	}
	return names
}

func TestAnnotatedFile(t *testing.T) {
	r := replayOf(t, "well")
	dir := filepath.Dir(r.Video)
	r.Annotate, r.Explain = filepath.Join(dir, "out.mp4"), filepath.Join(dir, "out.jsonl")
	if err := os.WriteFile(r.Annotate, []byte("an older one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(r.Annotate)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	video, err := mp4.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := int(mp4test.WalkerLength.Seconds() * mp4test.WalkerFPS); video.Len() != want || (video.Duration()-mp4test.WalkerLength).Abs() > 1e6 {
		t.Errorf("%d pictures of %v, want %d of %v", video.Len(), video.Duration(), want, mp4test.WalkerLength)
	}
	lines, err := os.ReadFile(r.Explain)
	if err != nil || bytes.Count(lines, []byte("\n")) != video.Len() {
		t.Errorf("%d lines, %v", bytes.Count(lines, []byte("\n")), err)
	}
	if got := besides(t, r); len(got) != 2 {
		t.Errorf("it left %q", got)
	}
}

func TestAnnotateFails(t *testing.T) {
	for name, tc := range map[string]struct {
		behave  string
		outputs func(r *Replay, dir string)
		want    string
	}{
		"no encoder":        {"poor", func(r *Replay, dir string) { r.Annotate, r.Explain = dir+"/out.mp4", dir+"/out.jsonl" }, "libx264"},
		"the process dies":  {"mortal", func(r *Replay, dir string) { r.Annotate, r.Explain = dir+"/out.mp4", dir+"/out.jsonl" }, "exit status 7"},
		"no picture":        {"blind", func(r *Replay, dir string) { r.Annotate = dir + "/out.mp4" }, "no picture"},
		"over the video":    {"well", func(r *Replay, _ string) { r.Annotate = r.Video }, "overwrite"},
		"over it, as data":  {"well", func(r *Replay, _ string) { r.Explain = r.Video }, "overwrite"},
		"twice the same":    {"well", func(r *Replay, dir string) { r.Annotate, r.Explain = dir+"/out", dir+"/out" }, "both"},
		"no such folder":    {"well", func(r *Replay, dir string) { r.Annotate = dir + "/nowhere/out.mp4" }, "nowhere"},
		"no folder of data": {"well", func(r *Replay, dir string) { r.Annotate, r.Explain = dir+"/out.mp4", dir+"/nowhere/x" }, "nowhere"},
		"a folder":          {"well", func(r *Replay, dir string) { r.Annotate = dir }, "no file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := replayOf(t, tc.behave)
			tc.outputs(r, filepath.Dir(r.Video))
			err := r.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
			if got := besides(t, r); len(got) != 0 {
				t.Errorf("it left %q", got)
			}
			if b, err := os.ReadFile(r.Video); err != nil || !bytes.Equal(b, mp4test.Walker()) {
				t.Errorf("the video was changed, %v", err)
			}
		})
	}
}

func TestOverwritesByAnotherName(t *testing.T) {
	r := replayOf(t, "well")
	link := filepath.Join(t.TempDir(), "link.mp4")
	if err := os.Link(r.Video, link); err != nil {
		t.Fatal(err)
	}
	if r.Annotate = link; !errors.Is(r.Run(t.Context()), ErrOverwrites) {
		t.Error("a hard link to the video was taken")
	}
}
