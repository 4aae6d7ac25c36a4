package tryout

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// try is one.
type try struct {
	id      string
	setup   Setup
	started time.Time
	ctx     context.Context // of its process
	cancel  context.CancelCauseFunc
	forget  *time.Timer
	done    chan struct{}
	rules   []config.Rule
	hours   []config.Schedule

	mu     sync.Mutex
	report Report // guarded by mu, as is all that follows
	misses misses
	people map[uint64]bool
	walls  walls
}

var (
	errStopped = errors.New("stopped")
	errLate    = errors.New("its time is up")
)

func newTry(id string, s Setup, from, to time.Time) *try {
	t := &try{id: id, setup: s, started: time.Now(), done: make(chan struct{}), people: map[uint64]bool{}}
	for _, r := range s.Camera.Detect {
		if slices.Contains(wire.Built(), r.Kind) {
			t.rules = append(t.rules, r)
		}
	}
	t.report = Report{State: Running, From: from, To: to, Until: from, Rules: t.rules}
	ctx, cancel := context.WithCancelCause(context.Background())
	t.ctx, t.cancel = ctx, cancel
	return t
}

func (t *try) running() bool {
	select {
	case <-t.done:
		return false
	default:
		return true
	}
}

func (t *try) stop() { t.cancel(errStopped) }

func (t *try) look() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.report
	r.Events = slices.Clone(r.Events)
	r.People = len(t.people)
	if r.State != Running {
		r.Misses = t.misses.best(len(t.rules))
	}
	return r
}

// run tries the rules to the end.
func (t *try) run() {
	defer close(t.done)
	late := time.AfterFunc(mostTime, func() { t.cancel(errLate) })
	defer late.Stop()
	err := t.process()
	cause := context.Cause(t.ctx)
	t.cancel(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case errors.Is(cause, errStopped):
		t.report.State = Stopped
	case errors.Is(cause, errLate):
		t.report.State = Late
	case err != nil:
		t.report.State, t.report.Why = Failed, err.Error()
		t.setup.Log.Warn("trying rules failed", "camera", t.setup.Camera.ID, "error", err)
	default:
		t.report.State, t.report.Part, t.report.Until = Done, 1, t.report.To
	}
}

// process runs the vision process.
func (t *try) process() error {
	cfg, hours := camera.WireConfig(t.setup.Camera)
	t.hours = hours
	cfg.Replay, cfg.Overlay, cfg.AddressSpace = true, true, uint64(t.setup.AddressSpace)<<20 // the config bounds it
	for range hours {
		cfg.Armed = append(cfg.Armed, true)
	}
	_, models := t.setup.Camera.SecondOpinion()
	p, err := camera.StartProcess(t.ctx, camera.ProcessConfig{
		Path: t.setup.VisionPath, Config: cfg, Models: models, Nice: niceness, Log: t.setup.Log, Overlay: t.overlay,
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(t.ctx, p.Kill)
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- t.feed(p) }()
	for d := range p.Detections() {
		t.detection(&d)
	}
	err = <-fed
	t.mu.Lock()
	t.report.Pictures = p.Progress().Analysed
	t.mu.Unlock()
	if err != nil && p.Err() == nil {
		return err
	}
	return p.Err()
}

// batchBytes is about how much is handed over at once.
const batchBytes = 64 << 10

// feed hands over what is kept, and asks the process to end behind it.
func (t *try) feed(p *camera.Process) error {
	next := t.setup.Past.Read(time.Time{})
	var batch []wire.AccessUnit
	size := 0
	hand := func() error {
		if len(batch) == 0 {
			return nil
		}
		t.note(batch)
		err := p.Send(batch...)
		t.progress(batch[len(batch)-1].Wall, p)
		clear(batch)
		batch, size = batch[:0], 0
		return err
	}
	for seq := uint64(1); ; seq++ {
		au, err := next()
		if errors.Is(err, io.EOF) {
			if err := hand(); err != nil {
				return err
			}
			return p.Finish(t.ctx)
		}
		if err != nil {
			p.Kill()
			return err
		}
		batch = append(batch, unit(seq, &au))
		if size += len(au.Data); size >= batchBytes {
			if err := hand(); err != nil {
				return err
			}
		}
	}
}

func unit(seq uint64, au *media.AccessUnit) wire.AccessUnit {
	return wire.AccessUnit{Seq: seq, PTS: au.PTS, Wall: au.Wall, Codec: uint8(au.Codec), Keyframe: au.Keyframe, Gap: au.Gap, Data: au.Data}
}

// note remembers when the pictures were, before the process can speak of them.
func (t *try) note(batch []wire.AccessUnit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range batch {
		t.walls.add(batch[i].PTS, batch[i].Wall)
	}
}

// progress notes how far the process has been fed, which its pipe's length is ahead of it.
func (t *try) progress(wall time.Time, p *camera.Process) {
	pictures := p.Progress().Analysed
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.report
	r.Pictures, r.Until = pictures, wall
	if span := r.To.Sub(r.From); span > 0 {
		r.Part = min(max(float64(wall.Sub(r.From))/float64(span), 0), 1)
	}
}

// detection takes in what a rule has decided.
func (t *try) detection(d *wire.Detection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := t.report.Events
	if d.Phase != wire.Begun {
		if i := slices.IndexFunc(events, func(e Event) bool { return e.id == d.ID }); i >= 0 {
			events[i].Agitated = events[i].Agitated || d.Agitated
			if d.Phase == wire.Ended {
				events[i].End = d.StartWall.Add(time.Duration((d.End - d.Start) * float64(time.Second)))
			}
		}
		return
	}
	t.misses.decided(d.Rule, d.Detected)
	if len(events) >= mostEvents {
		t.report.More++
		return
	}
	e := Event{
		id: d.ID, Rule: d.Rule, Start: d.StartWall, Detected: d.DetectWall, Box: d.Box, Confidence: d.Confidence, Floor: d.Floor, Agitated: d.Agitated,
		picture: d.JPEG, Unarmed: !t.hours[d.Rule].Active(d.DetectWall.In(t.setup.Location)),
	}
	e.Folded = !e.Unarmed && slices.ContainsFunc(events, func(o Event) bool {
		a, b := &t.rules[o.Rule], &t.rules[d.Rule]
		return !o.Unarmed && a.Kind == b.Kind && a.Zone == b.Zone && d.DetectWall.Sub(o.Detected) < t.setup.CoolDown
	})
	t.report.Events = append(events, e)
}

// overlay takes in what was thought of a picture.
func (t *try) overlay(o *wire.Overlay) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range o.Tracks {
		if k := &o.Tracks[i]; k.Nature == wire.Person && len(t.people) < mostKept {
			t.people[k.ID] = true
		}
	}
	t.misses.take(o, t.walls.of(time.Duration(o.Time*float64(time.Second))))
}
