// Package camera runs one camera: its stream into a ring of access units, from
// there into a vision process, and what that sees out as events.
//
// Three things end and begin again by themselves, each without the others
// noticing more than a gap: the session with the camera, the vision process, and
// the arming of rules by the clock.
package camera

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/lookback"
)

// The ring keeps what a vision process is handed after a restart, and what clips
// begin with: five seconds before the deciding picture, which may be looked at
// a keyframe's interval late.
const (
	ringBytes = 24 << 20
	ringAge   = 10 * time.Second
	// noClipAge is enough where no clip is cut from.
	noClipAge = 5 * time.Second
	// maxLag is how far the vision process may fall behind before it is moved to
	// the newest keyframe.
	maxLag = 4 * time.Second
)

// Phase is how a camera is doing: one of the driver's phases, or Blind.
type Phase string

// Blind means that pictures arrive, but their analysis keeps failing.
const Blind Phase = "blind"

// Source yields a camera's access units until ctx ends.
type Source interface {
	Run(ctx context.Context, sink func(media.AccessUnit)) error
	Stats() rtsp.Stats
	// Relax says how late what arrives may be handed on.
	Relax(late time.Duration)
}

// Camera is one camera. Set the fields, then Run.
type Camera struct {
	Config       config.Camera  // at the start, see Settings
	Location     *time.Location // of the schedules
	VisionPath   string
	AddressSpace int  // MiB
	Hardware     bool // decode in the board's own decoder, if it bears the stream
	Thumbnail    int  // bytes of one at most; wire.MaxThumbnail when 0
	Log          *slog.Logger
	Poller       *rtsp.Poller // that all cameras share; nil for none
	Memory       *Memory      // that all cameras share; nil for none
	Legacy       *Legacy      // what one vision process leaves to the next; nil for nothing
	// Past is where what is analysed is kept for a while; nil for nowhere.
	Past *lookback.Log
	// Raise makes an event durable and returns its alert's id. It is tried again when it fails.
	Raise func(context.Context, alert.Event) (string, error)
	// Agitate says that an event which Raise gave that alert for has become agitated. It
	// is tried again when it fails.
	Agitate func(ctx context.Context, id string, e alert.Event) error
	// OnState hears of every change, never twice at once. It may not call back
	// into the Camera.
	OnState func(State)

	// NewSource replaces the drivers in tests.
	NewSource func(rtsp.Config) (Source, error)

	ring   *ring
	source Source
	// The stream that evidence is cut from: the same two without a substream.
	mainRing *ring
	main     Source
	events   chan report
	models   []string // files of the people detector
	plan     atomic.Pointer[plan]

	// asking is held while a process is told what it looks for, which of it is armed, or to show it, so that what
	// it is told last holds; and while plan changes. It is taken before mu.
	asking sync.Mutex

	mu     sync.Mutex
	state  State         // guarded by mu, as is all that follows
	armed  []bool        // a rule each
	vision *Process      // nil while there is none
	ready  bool          // what Follow needs is there
	late   time.Duration // that pictures may be, since nothing happens in them
	// watchers is how many people look at the picture.
	watchers int
	looks    []chan Seen // of those who see what the detectors see
	life     context.Context
	die      context.CancelFunc // ends life
	counts   Counts
	raising  time.Time // when a try to make an event durable began; zero while there is none
}

// State is how a camera is doing.
type State struct {
	Phase  Phase
	Since  time.Time
	Reason string // of a phase that is a failure; holds no secret
	// Starved says that it is blind since there is no memory for its vision process.
	Starved bool
	Info    media.Info
	// Sandbox holds the vision process that runs.
	Sandbox wire.Sandbox
	// Detector says why the people detector that was asked for is not used;
	// empty while all is well.
	Detector string
	// Pace is what the box has to give for its analysis.
	Pace wire.Pace
}

// Counts only grow.
type Counts struct {
	Stream     rtsp.Stats
	Restarts   uint64 // of the vision process, after a failure
	Starved    uint64 // of these, after the kernel had ended it for want of memory
	Skipped    uint64 // pictures that were not analysed, or never handed over, since the box is too slow
	Decoded    uint64 // pictures
	Analysed   uint64 // pictures
	Damaged    uint64 // access units that the decoder refused
	EventsLost uint64 // events given up before they were durable
	Asked      uint64 // crops that the people detector was shown
	Unasked    uint64 // crops for which its budget was used up
}

// Run runs the camera until ctx ends.
func (c *Camera) Run(ctx context.Context) error {
	defer c.forget()
	_, die := c.living()
	defer die()
	if err := c.prepare(); err != nil {
		// One camera's mistake is no reason for the others to end.
		c.setState(func(st *State) { st.Phase, st.Reason = "unreachable", err.Error() })
		<-ctx.Done()
		return nil
	}
	c.mu.Lock()
	c.ready = true
	c.mu.Unlock()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.source.Run(gctx, c.push) })
	if c.main != c.source {
		g.Go(func() error { return c.main.Run(gctx, c.mainRing.push) })
	}
	g.Go(func() error { return c.analyse(gctx) })
	g.Go(func() error { return c.arm(gctx) })
	g.Go(func() error { return c.deliver(gctx) })
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// push takes in an access unit of the stream that is analysed.
func (c *Camera) push(au media.AccessUnit) {
	c.ring.push(au)
	if c.Past != nil {
		c.Past.Add(au)
	}
}

func (c *Camera) prepare() error {
	age := ringAge
	if !c.Config.DetectURL.IsZero() || !c.Config.KeepsClips() {
		age = noClipAge
	}
	c.ring = c.newRing(age)
	c.events = make(chan report, queuedEvents)
	_, c.models = c.Config.SecondOpinion()
	c.plan.CompareAndSwap(nil, c.planOf(c.Config)) // it may have been revised already
	c.rearm(time.Now())
	if c.NewSource == nil {
		c.NewSource = newSource
	}
	url := c.Config.URL
	if !c.Config.DetectURL.IsZero() {
		url = c.Config.DetectURL
	}
	source, err := c.NewSource(rtsp.Config{
		URL:         url.Reveal(),
		Transport:   rtsp.Transport(c.Config.Transport),
		InsecureTLS: c.Config.Insecure,
		OnState:     c.streamState,
		Poller:      c.Poller,
		OnDrained:   c.ring.flush,
		Transient:   true, // rings have their own
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.source, c.main, c.mainRing = source, source, c.ring
	c.mu.Unlock()
	if c.Config.DetectURL.IsZero() || !c.Config.KeepsClips() {
		return nil
	}
	r := c.newRing(ringAge)
	c.mu.Lock()
	c.mainRing = r
	c.mu.Unlock()
	c.main, err = c.NewSource(rtsp.Config{
		URL: c.Config.URL.Reveal(), Transport: rtsp.Transport(c.Config.Transport), InsecureTLS: c.Config.Insecure,
		Poller: c.Poller, OnDrained: c.mainRing.flush, Transient: true,
		OnState: func(s media.State) {
			c.Log.Info("camera, the stream for evidence", "state", s.Phase, "error", s.Err)
		},
	})
	if err == nil {
		c.main.Relax(quietLate) // evidence is not urgent
	}
	return err
}

func (c *Camera) newRing(age time.Duration) *ring {
	r := newRing(ringBytes, age)
	if c.Memory != nil {
		c.Memory.join(r)
	}
	return r
}

// forget gives back the memory of the rings.
func (c *Camera) forget() {
	if c.Memory == nil {
		return
	}
	for _, r := range []*ring{c.ring, c.mainRing} {
		if r != nil {
			c.Memory.leave(r)
		}
	}
}

// WireConfig says in the vision process's words what the config asks for, and
// gives the schedule of each rule; what is armed is left to the caller. Rules of
// kinds that are not built are left out; the caller has warned of them.
func WireConfig(cam *config.Camera) (*wire.Config, []config.Schedule) {
	cfg := &wire.Config{Version: wire.Version, Camera: cam.ID, Lazy: cam.Decode != config.DecodeFull}
	for _, name := range zoneNames(cam) {
		z := cam.Zones[name]
		w := wire.Zone{Name: name, Polygon: z.Polygon, Line: z.Line}
		for _, f := range z.Floors {
			w.Floors = append(w.Floors, wire.Floor{Name: f.Name, Y: float64(f.Y)})
		}
		cfg.Zones = append(cfg.Zones, w)
	}
	if _, drawn := cam.Zones[config.AllZones]; !drawn {
		whole := []wire.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
		cfg.Zones = append(cfg.Zones, wire.Zone{Name: config.AllZones, Polygon: whole})
	}
	for _, p := range cam.Privacy {
		cfg.Privacy = append(cfg.Privacy, p)
	}
	cfg.Detector, _ = cam.SecondOpinion()
	for _, p := range cam.Heights {
		cfg.Figures = append(cfg.Figures, wire.Figure{Head: float64(p.Head), Foot: float64(p.Foot)})
	}
	var schedules []config.Schedule
	for _, r := range builtRules(cam) {
		cfg.Rules = append(cfg.Rules, wire.Rule{
			Kind: r.Kind, Zone: r.Zone, After: time.Duration(r.After).Seconds(), People: r.People,
			Direction: cam.Zones[r.Zone].Direction, Severity: r.Severity,
		})
		schedules = append(schedules, r.Schedule)
	}
	return cfg, schedules
}

// streamState takes the driver's view of the camera.
func (c *Camera) streamState(s media.State) {
	c.setState(func(st *State) {
		st.Phase, st.Reason, st.Starved = Phase(s.Phase), "", false
		if s.Err != nil {
			st.Reason = s.Err.Error()
		}
		if s.Info != (media.Info{}) {
			st.Info = s.Info
		}
	})
}

// setState changes the state and tells of it. OnState is called with the lock
// held, so that two changes are told in their order.
func (c *Camera) setState(change func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.state
	change(&c.state)
	if c.state == before {
		return
	}
	if c.state.Phase != before.Phase {
		c.state.Since = time.Now()
	}
	c.OnState(c.state)
}

// Tell has OnState hear of the state once more.
func (c *Camera) Tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != (State{}) {
		c.OnState(c.state)
	}
}

// State returns how the camera is doing.
func (c *Camera) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Counts returns what the camera has done so far.
func (c *Camera) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts
	if c.source != nil {
		n.Stream = c.source.Stats()
	}
	if c.vision != nil {
		n.add(c.vision)
	}
	return n
}

// add takes in what a process has done.
func (n *Counts) add(p *Process) {
	pr := p.Progress()
	n.Decoded += pr.Decoded
	n.Analysed += pr.Analysed
	n.Damaged += pr.Damaged
	n.Skipped += pr.Skipped
	n.Asked += pr.Confirmed.Asked
	n.Unasked += pr.Confirmed.Unasked
	n.EventsLost += p.lost.Load()
}
