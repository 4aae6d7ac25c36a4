package camera

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
)

// graver is the rig's camera with its rules in another order, the first graver, at another grid.
func (r *rig) graver() config.Camera {
	to := r.Config
	to.Grid = "4"
	to.Detect = []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 1}}
	return to
}

func (r *rig) event(i int) alert.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[i]
}

// TestRevise: a camera that is given other rules goes on with its process, and its events are of the new ones.
func TestRevise(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("see", false)
	eventually(t, "an event", time.Minute, func() bool { return r.count() == 1 })
	p := r.process()
	looks := make(chan error, 1)
	go func() { looks <- r.See(t.Context(), func(Seen) error { return nil }) }()
	eventually(t, "somebody who looks", time.Minute, func() bool {
		r.Camera.mu.Lock()
		defer r.Camera.mu.Unlock()
		return len(r.looks) == 1
	})
	to := r.graver()
	if !Revisable(&r.Config, &to) {
		t.Error("rules and grid are not revisable")
	}
	r.Revise(to)
	if err := <-looks; !errors.Is(err, ErrStopped) {
		t.Errorf("who looks at the rules of before: %v", err)
	}
	r.send("see", false)
	eventually(t, "another event", time.Minute, func() bool { return r.count() == 2 })
	if was, e := r.event(0), r.event(1); was.Severity != 2 || e.Severity != 1 || e.Grid != "4" {
		t.Errorf("%+v, then %+v", was, e)
	}
	if r.process() != p || r.Counts().Restarts != 0 {
		t.Error("the process was started anew")
	}
	// One that is started later has the new rules too, and one that starts at the moment is told.
	p.Kill()
	r.Revise(r.Config)
	eventually(t, "another process", time.Minute, func() bool { return r.process() != nil && r.process() != p })
	eventually(t, "what it is handed again", time.Minute, func() bool { return r.count() >= 4 })
	r.send("see", true) // what it saw before it was told is of the rules of before
	eventually(t, "an event of the rules that there are now", time.Minute, func() bool {
		n := r.count()
		e := r.event(n - 1)
		return n >= 5 && e.Severity == 2 && e.Grid == "3"
	})
}

// TestReviseBeforeItRuns: what a camera looks for may change before it is built.
func TestReviseBeforeItRuns(t *testing.T) {
	c := &Camera{Config: config.Camera{ID: "cam"}, Location: time.UTC}
	to := c.Config
	to.Grid = "4"
	c.Revise(to)
	c.plan.CompareAndSwap(nil, c.planOf(c.Config))
	if got := c.Settings().Grid; got != "4" {
		t.Errorf("grid %q", got)
	}
}

// TestWhatIsNotRevisable: what the process is shut in with, where the stream comes from and what is private.
func TestWhatIsNotRevisable(t *testing.T) {
	from := config.Camera{ID: "cam", URL: config.NewURL("rtsp://127.0.0.1/x"), Detect: []config.Rule{{Kind: wire.Tamper, Zone: "all"}}}
	for name, change := range map[string]func(*config.Camera){
		"address": func(c *config.Camera) { c.URL = config.NewURL("rtsp://127.0.0.1/y") },
		"privacy": func(c *config.Camera) { c.Privacy = config.Polygons{{{0, 0}, {1, 0}, {1, 1}}} },
		"confirm": func(c *config.Camera) { c.Confirm = config.ConfirmOff },
		"clips":   func(c *config.Camera) { c.Clips = "never" },
		"decode":  func(c *config.Camera) { c.Decode = config.DecodeFull },
	} {
		to := from
		change(&to)
		if Revisable(&from, &to) {
			t.Errorf("%s is revisable", name)
		}
	}
}

// TestDetectionsOfTheRulesBefore: what a process has said before it answered a revision is of the rules of before.
func TestDetectionsOfTheRulesBefore(t *testing.T) {
	rules := func(severity int) *wire.Config {
		cfg, _ := WireConfig(&config.Camera{ID: "cam", Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: severity}}})
		cfg.Armed = []bool{true}
		return cfg
	}
	p, err := StartProcess(t.Context(), ProcessConfig{Path: vision(t, "well"), Config: rules(3), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	see := func(seq uint64) error {
		return p.Send(wire.AccessUnit{Seq: seq, Keyframe: true, Wall: time.Now(), Data: []byte("see")})
	}
	for _, err := range []error{see(1), p.Revise(rules(1), []bool{true}), see(2), p.Finish(t.Context())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{3, 1} {
		if d := <-p.Detections(); d.Severity != want {
			t.Errorf("severity %d, want %d", d.Severity, want)
		}
	}
}

// TestDeafProcess: one that does not answer is given up.
func TestDeafProcess(t *testing.T) {
	p, err := testProcess(t, "deaf")
	if err != nil {
		t.Fatal(err)
	}
	for range mostRevisions + 1 {
		_ = p.Revise(p.cfg.Config, []bool{true}) // the last fails if the process is gone already
	}
	if <-p.Done(); !errors.Is(p.Err(), ErrHung) {
		t.Errorf("ended with %v", p.Err())
	}
}
