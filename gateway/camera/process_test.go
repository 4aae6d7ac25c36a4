package camera

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

func testProcess(t *testing.T, behave string) (*Process, error) {
	t.Helper()
	cfg, _ := WireConfig(&config.Camera{ID: "cam", Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 2}}})
	cfg.Armed = []bool{true}
	return StartProcess(t.Context(), ProcessConfig{Path: vision(t, behave), Config: cfg, Log: slog.New(slog.DiscardHandler)})
}

func TestProcessEndsWell(t *testing.T) {
	p, err := testProcess(t, "well")
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(3) {
		if err := p.Send(wire.AccessUnit{Seq: seq + 1, Keyframe: true, Wall: time.Now(), Data: []byte("see")}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan int)
	go func() {
		n := 0
		for range p.Detections() {
			n++
		}
		done <- n
	}()
	if err := p.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-done; n != 3 {
		t.Errorf("%d detections, want 3", n)
	}
	if pr := p.Progress(); pr.Seen != 3 || pr.Seq != 3 {
		t.Errorf("progress %+v", pr)
	}
	if cpu, peak := p.Usage(); cpu <= 0 || peak < 1<<20 {
		t.Errorf("used %v and %d bytes", cpu, peak)
	}
}

func TestProcessThatCannotBeBelieved(t *testing.T) {
	for behave, want := range map[string]string{
		"open":    "sandbox is open",
		"garbage": "too long",
		"flood":   "rule 0 asks for",
		"ahead":   "is the last",
		"unasked": "nobody asked for",
		"revises": "one of 0 revisions",
	} {
		t.Run(behave, func(t *testing.T) {
			p, err := testProcess(t, behave)
			if err == nil {
				<-p.Done()
				err = p.Err()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %q", err, want)
			}
		})
	}
	if _, err := StartProcess(t.Context(), ProcessConfig{Path: "/nonexistent", Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestProcessShowsWhatItThinks(t *testing.T) {
	run := func(behave string) (overlays []wire.Overlay, video []string, err error) {
		cfg, _ := WireConfig(&config.Camera{ID: "cam", Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 2}}})
		cfg.Armed, cfg.Overlay, cfg.Annotate = []bool{true}, true, true
		p, err := StartProcess(t.Context(), ProcessConfig{Path: vision(t, behave), Config: cfg, Log: slog.New(slog.DiscardHandler),
			Overlay: func(o *wire.Overlay) { overlays = append(overlays, *o) },
			Video:   func(v *wire.Video) { video = append(video, string(v.Data)) }})
		if err == nil {
			err = p.Finish(t.Context())
		}
		return overlays, video, err
	}
	if o, v, err := run("shows"); err != nil || len(o) != 1 || o[0].Time != 1 || !slices.Equal(v, []string{"picture"}) {
		t.Errorf("%+v, %q, %v", o, v, err)
	}
	if o, _, err := run("nonsense"); err == nil || len(o) > 0 {
		t.Errorf("an overlay of a rule that there is not was believed: %+v, %v", o, err)
	}
}

func TestProcessThatTalksTooMuchLives(t *testing.T) {
	p, err := testProcess(t, "chatty")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProcessHangs(t *testing.T) {
	t.Parallel()
	p, err := testProcess(t, "well")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := p.Send(wire.AccessUnit{Seq: 1, Keyframe: true, Data: []byte("hang")}); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if took := time.Since(begun); !errors.Is(p.Err(), ErrHung) || took < answerTimeout || took > answerTimeout+time.Minute {
		t.Errorf("ended after %v with %v", took, p.Err())
	}
}

func TestProcessThatIsOnlyIdleLives(t *testing.T) {
	t.Parallel()
	p, err := testProcess(t, "idle")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(wire.AccessUnit{Seq: 1, Keyframe: true, Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Errorf("it was ended: %v", p.Err())
	case <-time.After(answerTimeout + 2*time.Second):
	}
	p.Kill()
}

// TestAttentionWithoutLock: who hears of it takes the camera's lock, under which others ask for the progress.
func TestAttentionWithoutLock(t *testing.T) {
	var heard []wire.Attention
	p := &Process{}
	p.cfg.Attention = func(a wire.Attention) {
		heard = append(heard, a)
		if !p.mu.TryLock() {
			t.Fatal("the lock of the process is held")
		}
		p.mu.Unlock()
	}
	for _, a := range []wire.Attention{wire.Awake, wire.Awake, wire.Asleep} {
		p.touch(&wire.Progress{Attention: a})
	}
	if !slices.Equal(heard, []wire.Attention{wire.Awake, wire.Asleep}) {
		t.Errorf("heard %v", heard)
	}
}
