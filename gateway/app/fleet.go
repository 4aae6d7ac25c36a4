package app

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
)

// fleet runs the cameras, over changes of everything else: it starts and stops only
// those whose part of the configuration has changed, and revises those of which nothing but what they look for
// has. What they tell goes to the
// App that is attached; between two of them it waits.
type fleet struct {
	gate
	log    *slog.Logger
	poller rtsp.Poller
	memory *camera.Memory

	mu      sync.Mutex
	past    pasts              // guarded by mu, but for its store
	left    legacies           // guarded by mu
	members map[string]*member // guarded by mu: by id
	failed  chan error         // holds what a camera could not go on for
}

// crew is everything that a camera is built from: equal ones need no restart, nor do those that are revisable.
type crew struct {
	Camera       config.Camera
	Timezone     string
	Vision       string
	AddressSpace int
	Hardware     bool
	Thumbnail    int
	Past         bool // its last minutes may be kept
}

// revisable says whether a camera that was built from c can become one of the other while it runs.
func (c crew) revisable(to crew) bool {
	if !camera.Revisable(&c.Camera, &to.Camera) {
		return false
	}
	c.Camera = to.Camera
	return reflect.DeepEqual(c, to)
}

type member struct {
	crew crew
	cam  *camera.Camera
	stop context.CancelFunc
	done chan struct{}
}

func newFleet(ctx context.Context, log *slog.Logger) *fleet {
	return &fleet{gate: newGate(ctx), log: log, memory: camera.NewMemory(int(config.Defaults().Evidence.Memory)), left: legacies{}, members: map[string]*member{}, failed: make(chan error, 1)}
}

// attach makes a the one that cameras tell, and has them tell how they are.
func (f *fleet) attach(a *App) {
	f.let(a)
	for _, c := range f.cameras() {
		c.Tell()
	}
}

// detach waits until no camera is telling a anything any more.
func (f *fleet) detach() { f.shut() }

// set makes the cameras those of the crews, and returns the ids of those that are
// gone. Old ones have ended when it returns.
func (f *fleet) set(crews []crew) (gone []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	want := make(map[string]crew, len(crews))
	for _, c := range crews {
		want[c.Camera.ID] = c
	}
	var ending []*member
	for id, m := range f.members {
		c, stays := want[id]
		if stays && reflect.DeepEqual(c, m.crew) {
			continue
		}
		if stays && m.crew.revisable(c) {
			moved := m.crew.Camera.Grid != c.Camera.Grid
			m.crew = c
			m.cam.Revise(c.Camera)
			if moved {
				m.cam.Tell()
			}
			continue
		}
		m.stop()
		ending = append(ending, m)
		delete(f.members, id)
		if !stays {
			gone = append(gone, id)
			f.past.forget(id)
		}
	}
	for _, m := range ending {
		<-m.done
	}
	for _, id := range gone {
		f.left.forget(id)
	}
	for _, c := range crews {
		if f.members[c.Camera.ID] == nil && f.ctx.Err() == nil {
			f.start(c)
		}
	}
	return gone
}

// start is called with mu held.
func (f *fleet) start(c crew) {
	cfg := c.Camera
	log := f.log.With("camera", cfg.ID)
	if kinds := cfg.Unbuilt(); len(kinds) > 0 {
		log.Warn("this version does not look for some of what the config asks for", "kinds", kinds)
	}
	g := config.Gateway{Timezone: c.Timezone}
	cam := &camera.Camera{
		Config: cfg, Location: g.Location(), VisionPath: c.Vision, AddressSpace: c.AddressSpace, Hardware: c.Hardware, Log: log, Thumbnail: c.Thumbnail,
		Poller: &f.poller, Memory: f.memory, Past: f.past.of(&c), Legacy: f.left.of(&cfg, log),
	}
	cam.Raise = func(ctx context.Context, e alert.Event) (id string, err error) {
		err = f.with(ctx, func(a *App) error {
			id, err = a.raise(ctx, cam.Settings(), cam, e)
			return err
		})
		return id, err
	}
	cam.Agitate = func(ctx context.Context, id string, e alert.Event) error {
		return f.with(ctx, func(a *App) error { return a.alerts.Agitate(ctx, id, e) })
	}
	cam.OnState = func(s camera.State) {
		f.now(func(a *App) { a.deviceState(cam.Settings(), s) }) // attach asks again
	}
	ctx, stop := context.WithCancel(f.ctx)
	m := &member{crew: c, cam: cam, stop: stop, done: make(chan struct{})}
	f.members[cfg.ID] = m
	go func() {
		defer close(m.done)
		if err := cam.Run(ctx); err != nil && ctx.Err() == nil {
			select {
			case f.failed <- fmt.Errorf("camera %s: %w", cfg.ID, err):
			default:
			}
		}
	}()
}

// cameras returns those that run, by id.
func (f *fleet) cameras() map[string]*camera.Camera {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]*camera.Camera, len(f.members))
	for id, m := range f.members {
		all[id] = m.cam
	}
	return all
}

// run ends with ctx, or when a camera cannot go on.
func (f *fleet) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-f.failed:
		return err
	}
}

// stop ends every camera.
func (f *fleet) stop() {
	f.set(nil)
	f.past.store.Close()
}

// crews says what the cameras of a configuration are built from.
func (a *App) crews(c *config.Config) []crew {
	vision := a.visionPath(c)
	zone := c.Gateway.Timezone
	if zone == "" {
		zone = time.Local.String()
	}
	all := make([]crew, len(c.Cameras))
	for i, cam := range c.Cameras {
		all[i] = crew{
			Camera: cam, Timezone: zone, Vision: vision, AddressSpace: c.Vision.AddressSpace,
			Hardware: c.Vision.Hardware == config.HardwareAuto, Thumbnail: thumbnailBytes(c.Uplink.Metered()),
			Past: c.Lookback.On == config.LookbackMemory || cam.KeepsClips(),
		}
	}
	return all
}

// visionPath returns the path of the vision program, wherever that is.
func (a *App) visionPath(c *config.Config) string {
	if a.Vision != "" || len(c.Cameras) == 0 {
		return a.Vision
	}
	vision, err := FindVision(c.Vision.Path)
	if err != nil {
		a.Log.Error("cameras are not looked at", "error", err)
		return "sentrybox-vision"
	}
	return vision
}
