package tryout

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/gateway/config"
)

// TestMain lets the test binary stand in for sentrybox-vision: its name says how to behave.
func TestMain(m *testing.M) {
	if _, behave, ok := strings.Cut(os.Args[0], "vision-"); ok {
		standIn(behave)
		return
	}
	os.Exit(m.Run())
}

// standIn sees somebody come nearer to an alert in each picture. In the tenth it decides, and
// in the last behind that it says that it is over.
func standIn(behave string) {
	r, w := wire.NewReader(os.NewFile(3, "in"), wire.MaxToVision), wire.NewWriter(os.NewFile(4, "out"), wire.MaxFromVision)
	_, p, err := r.Next()
	var cfg wire.Config
	if err != nil || wire.Decode(p, &cfg) != nil || !cfg.Overlay || !cfg.Replay {
		os.Exit(1)
	}
	_ = w.JSON(wire.TypeHello, wire.Hello{Version: wire.Version, Sandbox: wire.Sandbox{NoNewPrivs: true, Seccomp: true}})
	nice, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	var done wire.Progress
	for {
		typ, p, err := r.Next()
		var au wire.AccessUnit
		switch {
		case err != nil:
			os.Exit(1)
		case typ == wire.TypeEnd:
			_ = w.JSON(wire.TypeSummary, done)
			_, _, _ = r.Next()
			os.Exit(0)
		case typ != wire.TypeAccessUnit:
			continue
		case wire.DecodeAccessUnit(p, &au) != nil || 20-nice != niceness: // getpriority(2): the raw call gives 20 less it
			os.Exit(2)
		}
		done.Seq, done.Seen, done.Analysed = au.Seq, done.Seen+1, done.Analysed+1
		o := wire.Overlay{Time: au.PTS.Seconds(), Armed: cfg.Armed, Tracks: []wire.Followed{{ID: 1, Nature: wire.Person, Age: 9}, {ID: 2, Nature: wire.Person}}}
		o.Notes = []wire.Note{
			{Rule: 0, Track: 1, Stance: wire.Watching, Why: wire.TooShort, Measures: []wire.Measure{{Of: wire.InZone, Have: float64(min(done.Seen, 7)), Need: 30}}},
			{Rule: 1, Track: 2, Stance: wire.Watching, Why: wire.TooShort, Measures: []wire.Measure{{Of: wire.InZone, Have: 1, Need: 2}}},
		}
		if done.Seen > 10 {
			o.Notes[1].Stance = wire.Decided
		}
		_ = w.JSON(wire.TypeOverlay, o)
		d := wire.Detection{ID: 1, Phase: wire.Begun, Rule: 1, Kind: wire.Loitering, Zone: "all", Start: au.PTS.Seconds() - 0.5, Detected: au.PTS.Seconds(),
			StartWall: au.Wall.Add(-500 * time.Millisecond), DetectWall: au.Wall, Confidence: 0.9, JPEG: []byte("jpeg")}
		switch done.Seen {
		case 20:
			d.ID = 2
			fallthrough
		case 10:
			_ = w.Detection(&d)
		case 30:
			d.Phase, d.End, d.JPEG = wire.Ended, d.Start+3, nil
			_ = w.Detection(&d)
			if behave == "dies" {
				os.Exit(7)
			}
		}
		_ = w.JSON(wire.TypeProgress, done)
		for behave == "hangs" && done.Seen == 15 { // and answers, or it would be ended for it
			if typ, _, err := r.Next(); err != nil {
				os.Exit(1)
			} else if typ == wire.TypePing {
				_ = w.JSON(wire.TypeProgress, done)
			}
		}
	}
}

func epoch() time.Time { return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC) }

// walkerPast is the walker's video, as if it was sent from epoch on.
type walkerPast struct{ units []media.AccessUnit }

func newPast(t *testing.T) *walkerPast {
	t.Helper()
	f, err := mp4test.Walker(), error(nil)
	r, err := mp4.Open(strings.NewReader(string(f)))
	if err != nil {
		t.Fatal(err)
	}
	p := &walkerPast{}
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		au.Wall = epoch().Add(au.PTS)
		p.units = append(p.units, au)
	}
}

func (p *walkerPast) Span() (from, to time.Time) {
	if len(p.units) == 0 {
		return from, to
	}
	return p.units[0].Wall, p.units[len(p.units)-1].Wall
}

func (p *walkerPast) Read(from time.Time) func() (media.AccessUnit, error) {
	i := 0
	for k, au := range p.units {
		if au.Keyframe && !au.Wall.After(from) {
			i = k
		}
	}
	return func() (media.AccessUnit, error) {
		if i == len(p.units) {
			return media.AccessUnit{}, io.EOF
		}
		i++
		return p.units[i-1], nil
	}
}

func setup(t *testing.T, behave string) Setup {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/vision-" + behave
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	cam, err := config.ParseCamera("cam", []byte(`{id: cam, detect: [{kind: loitering, after: 30s}, {kind: loitering, after: 2s, schedule: "00:00-09:00"}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Setup{Camera: cam, Past: newPast(t), Location: time.UTC, CoolDown: time.Minute, VisionPath: path, Log: slog.New(slog.DiscardHandler)}
}

func (d *Desk) wait(t *testing.T, id string, ready func(Report) bool) Report {
	t.Helper()
	for range 30_000 {
		r, ok := d.Look(id)
		if !ok {
			t.Fatal("the try is gone")
		}
		if ready(r) {
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the try never comes so far")
	return Report{}
}

func over(r Report) bool { return r.State != Running }

// TestTry: what would have been raised is told with its picture, and what came near to it without
// getting there.
func TestTry(t *testing.T) {
	var d Desk
	t.Cleanup(d.Close)
	s := setup(t, "well")
	id, err := d.Begin(s)
	if err != nil {
		t.Fatal(err)
	}
	r := d.wait(t, id, over)
	if r.State != Done || r.Part != 1 || r.People != 2 || r.Pictures != uint64(len(s.Past.(*walkerPast).units)) || r.From != epoch() || !r.Until.Equal(r.To) || len(r.Rules) != 2 {
		t.Fatalf("%+v", r)
	}
	if len(r.Events) != 2 {
		t.Fatalf("%+v", r.Events)
	}
	e, again := r.Events[0], r.Events[1]
	if e.Rule != 1 || e.Unarmed || e.Folded || !e.HasPicture() || !again.Folded {
		t.Errorf("%+v, %+v", e, again)
	}
	past := s.Past.(*walkerPast).units
	if !e.Detected.Equal(past[9].Wall) || !e.Start.Equal(e.Detected.Add(-500*time.Millisecond)) {
		t.Errorf("detected at %v, started at %v", e.Detected, e.Start)
	}
	if string(d.Picture(id, 0)) != "jpeg" || d.Picture(id, 2) != nil || d.Picture("other", 0) != nil {
		t.Error("pictures are mixed up")
	}
	// The second rule decided on the one it had watched; the first did not.
	if len(r.Misses) != 1 || r.Misses[0].Rule != 0 || r.Misses[0].Note.Measures[0].Have != 7 || r.Misses[0].Track == nil || r.Misses[0].At.Before(past[6].Wall) {
		t.Errorf("%+v", r.Misses)
	}
	clip, err := Clip(d.Past(id), e.Detected, 500*time.Millisecond, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	v, err := mp4.Open(strings.NewReader(string(clip)))
	if err != nil || v.Duration() < 2*time.Second || v.Duration() > 5*time.Second {
		t.Errorf("a clip of %v, %v", v.Duration(), err)
	}
	if _, err := Clip(d.Past(id), epoch().Add(time.Hour), time.Second, time.Second); !errors.Is(err, ErrNothing) {
		t.Errorf("a clip of what is not kept: %v", err)
	}
}

// TestHours: what is outside a rule's hours would not have been raised, and is told so.
func TestHours(t *testing.T) {
	var d Desk
	t.Cleanup(d.Close)
	s := setup(t, "well")
	s.Location = time.FixedZone("east", 3*3600) // 11 o'clock
	id, err := d.Begin(s)
	if err != nil {
		t.Fatal(err)
	}
	if r := d.wait(t, id, over); len(r.Events) != 2 || !r.Events[0].Unarmed || r.Events[1].Folded {
		t.Errorf("%+v", r.Events)
	}
}

// TestStop: a try ends when it is told to, and keeps what it has found; meanwhile no other begins.
func TestStop(t *testing.T) {
	var d Desk
	t.Cleanup(d.Close)
	s := setup(t, "hangs")
	id, err := d.Begin(s)
	if err != nil {
		t.Fatal(err)
	}
	d.wait(t, id, func(r Report) bool { return len(r.Events) == 1 })
	if _, err := d.Begin(s); !errors.Is(err, ErrBusy) {
		t.Errorf("another: %v", err)
	}
	if d.Stop("other") || !d.Stop(id) {
		t.Error("the wrong one was stopped")
	}
	if r := d.wait(t, id, over); r.State != Stopped || len(r.Events) != 1 || r.Part >= 1 && len(r.Misses) == 0 {
		t.Errorf("%+v", r)
	}
	next, err := d.Begin(setup(t, "well"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Look(id); ok {
		t.Error("the old one is still there")
	}
	d.wait(t, next, over)
}

func TestFails(t *testing.T) {
	var d Desk
	t.Cleanup(d.Close)
	id, err := d.Begin(setup(t, "dies"))
	if err != nil {
		t.Fatal(err)
	}
	if r := d.wait(t, id, over); r.State != Failed || !strings.Contains(r.Why, "exit status 7") {
		t.Errorf("%+v", r)
	}
	s := setup(t, "well")
	s.Past = &walkerPast{}
	if _, err := d.Begin(s); !errors.Is(err, ErrNothing) {
		t.Errorf("of nothing: %v", err)
	}
}

// TestWalls: media time that begins anew is told apart.
func TestWalls(t *testing.T) {
	var w walls
	for i := range 100 {
		w.add(time.Duration(i)*time.Second, epoch().Add(time.Duration(i)*time.Second))
	}
	for i := range 100 {
		w.add(time.Duration(i)*time.Second, epoch().Add(time.Duration(i)*time.Second+time.Hour))
	}
	for session := range 2 {
		for i := range 100 {
			want := epoch().Add(time.Duration(i)*time.Second + time.Duration(session)*time.Hour)
			if got := w.of(time.Duration(i) * time.Second); !got.Equal(want) {
				t.Errorf("session %d, %d s: %v", session, i, got)
			}
		}
	}
}
