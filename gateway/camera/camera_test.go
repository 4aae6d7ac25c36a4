package camera

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
)

// fakeSource hands over what the test puts in.
type fakeSource struct {
	units   chan media.AccessUnit
	drained func()
	late    atomic.Int64
}

func (s *fakeSource) Relax(late time.Duration) { s.late.Store(int64(late)) }

// relaxed says whether pictures may be late.
func (s *fakeSource) relaxed() bool { return s.late.Load() > 0 }

func (s *fakeSource) Run(ctx context.Context, sink func(media.AccessUnit)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case au := <-s.units:
			sink(au)
			s.drained()
		}
	}
}

func (s *fakeSource) Stats() rtsp.Stats { return rtsp.Stats{} }

// rig is a running camera with a stand-in for the process.
type rig struct {
	*Camera
	source *fakeSource
	pts    time.Duration

	mu       sync.Mutex
	events   []alert.Event // guarded by mu, as is all that follows
	agitated []alert.Event
	states   []State
	refuse   int // so many times raising fails
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOf(t, nil)
}

func newRigOf(t *testing.T, m *Memory) *rig {
	t.Helper()
	r := &rig{source: &fakeSource{units: make(chan media.AccessUnit)}}
	r.Camera = &Camera{
		Config: config.Camera{ID: "cam", Grid: "3", URL: config.NewURL("rtsp://127.0.0.1/x"),
			Detect: []config.Rule{{Kind: wire.Intrusion, Zone: config.AllZones, Severity: 2}, {Kind: wire.Gathering, Zone: config.AllZones, Severity: 2}}},
		Location: time.UTC, VisionPath: vision(t, "well"), Log: slog.New(slog.DiscardHandler), Memory: m,
		Raise: func(_ context.Context, e alert.Event) (string, error) {
			return "alert of " + e.Kind, r.take(&r.events, e)
		},
		Agitate: func(_ context.Context, id string, e alert.Event) error {
			e.ID = id
			return r.take(&r.agitated, e)
		},
		OnState: func(s State) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.states = append(r.states, s)
		},
		NewSource: func(cfg rtsp.Config) (Source, error) {
			r.source.drained = cfg.OnDrained
			return r.source, nil
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the camera ended with %v", err)
		}
	})
	return r
}

// take keeps an event.
func (r *rig) take(list *[]alert.Event, e alert.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse > 0 {
		r.refuse--
		return errors.New("disk full")
	}
	*list = append(*list, e)
	return nil
}

func (r *rig) send(what string, key bool) {
	r.pts += 100 * time.Millisecond
	r.source.units <- media.AccessUnit{Codec: media.H264, PTS: r.pts, Wall: time.Now(), Keyframe: key, Data: []byte(what)}
}

func (r *rig) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.events)
}

func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, within)
}

func TestEvent(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("see", false)
	eventually(t, "an event", time.Minute, func() bool { return r.count() == 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.events[0]
	if e.Device != "cam" || e.Grid != "3" || e.Kind != "intrusion" || e.Severity != 2 || string(e.Thumbnail) != "jpeg" || e.Confidence != 0.88 {
		t.Errorf("event %+v", e)
	}
	if age := time.Since(e.Detected); age < 0 || age > time.Minute {
		t.Errorf("detected %v ago", age)
	}
}

// TestCrash: the process dies on a picture. The next one gets the pictures since
// the last keyframe, dies of it again, and the one after begins behind them.
func TestCrash(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("die", false)
	eventually(t, "two lives", time.Minute, func() bool { return r.Counts().Restarts == 2 })
	r.send("x", false)
	r.send("see", true)
	eventually(t, "an event after the poison", time.Minute, func() bool { return r.count() == 1 })
	if n := r.Counts().Restarts; n != 2 {
		t.Errorf("%d restarts, want 2", n)
	}
}

func TestCrashHandsOverThePicturesSinceTheKeyframe(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("seen twice", false)
	eventually(t, "the picture seen again by the second process", time.Minute, func() bool { return r.count() == 1 })
	if n := r.Counts().Restarts; n != 1 {
		t.Errorf("%d restarts, want 1", n)
	}
}

func TestRestartWithinASecond(t *testing.T) {
	r := newRig(t)
	r.send("x", true)
	r.send("x", false)
	eventually(t, "a process", time.Minute, func() bool { return r.process() != nil })
	p := r.process()
	begun := time.Now()
	p.Kill()
	eventually(t, "another process", time.Minute, func() bool { return r.process() != nil && r.process() != p })
	t.Logf("restarted after %v", time.Since(begun))
}

func (r *rig) process() *Process {
	r.Camera.mu.Lock()
	defer r.Camera.mu.Unlock()
	return r.vision
}

func TestBlind(t *testing.T) {
	r := newRig(t)
	r.streamState(media.State{Phase: media.Online, Info: media.Info{Codec: media.H264}})
	blind := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		last := r.states[len(r.states)-1]
		return last.Phase == Blind && strings.Contains(last.Reason, "exit status 7")
	}
	next := time.Time{}
	eventually(t, "blindness", 5*time.Minute, func() bool {
		if time.Now().After(next) { // each keyframe ends one more process
			r.send("die", true)
			next = time.Now().Add(100 * time.Millisecond)
		}
		return blind()
	})
}

func TestCameraThatCannotBe(t *testing.T) {
	states := make(chan State, 1)
	c := &Camera{
		Config: config.Camera{ID: "cam", URL: config.NewURL("rtsp://u:secret@127.0.0.1/a#b")}, Location: time.UTC,
		Log: slog.New(slog.DiscardHandler), OnState: func(s State) { states <- s },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	if s := <-states; s.Phase != "unreachable" || !strings.Contains(s.Reason, "#") || strings.Contains(s.Reason, "secret") {
		t.Errorf("state %+v", s)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStopKeepsEvents: what was decided before the end is durable after it.
func TestStopKeepsEvents(t *testing.T) { synctest.Test(t, stopKeepsEvents) }

func stopKeepsEvents(t *testing.T) {
	var mu sync.Mutex
	kept := 0
	c := &Camera{Log: slog.New(slog.DiscardHandler), events: make(chan report, queuedEvents)}
	c.Raise = func(ctx context.Context, _ alert.Event) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			kept++
		}
		return "", ctx.Err()
	}
	for range 4 {
		c.events <- report{of: &behaviour{}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.deliver(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if kept != 4 {
		t.Errorf("%d of 4 events are durable", kept)
	}
}

func TestEventThatCanNeverBeAnAlert(t *testing.T) {
	c := &Camera{Log: slog.New(slog.DiscardHandler), Raise: func(context.Context, alert.Event) (string, error) { return "", alert.ErrInvalid }}
	if err := c.raise(t.Context(), report{of: &behaviour{}}); err != nil || c.counts.EventsLost != 1 {
		t.Errorf("%v, %d lost", err, c.counts.EventsLost)
	}
}

func TestBucket(t *testing.T) {
	now := time.Now()
	b := bucket{tokens: eventBurst, last: now}
	allowed := 0
	for i := range 1000 { // ten a second
		if b.allow(now.Add(time.Duration(i) * 100 * time.Millisecond)) {
			allowed++
		}
	}
	if want := eventBurst + int(100*time.Second/eventEvery); allowed < want-2 || allowed > want+2 {
		t.Errorf("%d allowed, want about %d", allowed, want)
	}
}

func TestRaiseIsTriedAgain(t *testing.T) {
	r := newRig(t)
	r.mu.Lock()
	r.refuse = 1
	r.mu.Unlock()
	r.send("see", true)
	eventually(t, "the event at the second try", time.Minute, func() bool { return r.count() == 1 })
}

func TestBelieve(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		t    time.Time
		want bool
	}{{now.Add(-time.Minute), true}, {now.Add(-time.Hour), false}, {now.Add(time.Minute), false}, {time.Unix(0, 0), false}} {
		if got := believe(tc.t, now); got.Equal(tc.t) != tc.want {
			t.Errorf("%v: got %v", tc.t, got)
		}
	}
}

func TestWireConfig(t *testing.T) {
	sched, err := config.ParseSchedule("22:00-06:00")
	if err != nil {
		t.Fatal(err)
	}
	cam := &config.Camera{
		ID:    "cam",
		Zones: map[string]config.Zone{"c": {Line: config.Line{{0, 0}, {1, 1}}, Direction: wire.LeftToRight}, "b": {Polygon: config.Polygon{{0, 0}, {1, 0}, {1, 1}}}, "a": {Polygon: config.Polygon{{0, 0}, {1, 0}, {0, 1}}}},
		Detect: []config.Rule{
			{Kind: wire.ThrownObject, Zone: "a"}, {Kind: wire.Intrusion, Zone: "b", Schedule: sched}, {Kind: wire.Motion, Zone: config.AllZones},
			{Kind: wire.LineCrossing, Zone: "c"},
		},
		Privacy: config.Polygons{{{0, 0}, {0.1, 0}, {0, 0.1}}},
	}
	cfg, schedules := WireConfig(cam)
	cfg.Armed = armedAt(schedules, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	night := slices.IndexFunc(cfg.Rules, func(r wire.Rule) bool { return r.Zone == "b" })
	if len(cfg.Rules) != len(builtRules(cam)) || night < 0 || cfg.Armed[night] || !cfg.Armed[night+1] || len(cfg.Privacy) != 1 {
		t.Errorf("got %+v", cfg)
	}
	if cfg.Zones[0].Name != "a" || cfg.Zones[3].Name != config.AllZones || len(cfg.Zones[2].Line) != 2 {
		t.Errorf("zones %+v", cfg.Zones)
	}
}
