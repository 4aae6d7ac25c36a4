// Package app builds the gateway from its parts, runs it and stops it. It is the
// one place that knows them all.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"reflect"
	"sync/atomic"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/broker"
	"sentrybox/gateway/clock"
	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/device"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/health"
	"sentrybox/gateway/homeassistant"
	"sentrybox/gateway/mdns"
	"sentrybox/gateway/radio"
	"sentrybox/gateway/recent"
	"sentrybox/gateway/store"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/watchdog"
	"sentrybox/uplink/budget"
	"sentrybox/uplink/influx"
	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/shortform"
	"sentrybox/uplink/spool"
)

// App is a gateway. Set Config, Vision and Log, then Run.
type App struct {
	Config *config.Config
	Path   string // of the file that Config is from, which the page can change; empty for none
	Vision string // path of the program sentrybox-vision; as FindVision says when empty
	Log    *slog.Logger
	// Version is the program's, for the page. Listening hears where the page is; nil for nobody.
	Version   string
	Recent    *recent.Log // the newest lines of Log, for the page; nil for none
	Listening func(net.Addr)
	Label     string // path of the file with the secret of the box's label; empty for none

	systemd  watchdog.Systemd
	watchdog *watchdog.Watchdog // of the whole program

	disk    *store.Disk
	store   *store.Store
	outbox  *outbox.Box
	metrics *spool.Spool
	alerts  *alert.Service
	fleet   *fleet
	estate  *estate
	uplink  *mqtt.Client
	control *control.Server
	monitor *health.Monitor
	board   *board
	local   *broker.Broker // nil without one
	clock   *clock.Clock

	influx      *influx.Writer // nil without one, as its spool
	influxSpool *spool.Spool
	readings    health.Readings

	home  *homeassistant.Projection
	roots []string // of topics outside the prefix

	share    share
	commands *command.Service
	evidence *evidence.Keeper
	sender   *evidence.Sender
	bad      badAnswers
	lines    phases
	hub      *device.Hub
	radios   *radio.Hub
	survey   *survey.Survey

	announcers []*announcer // radios that can transmit

	meters []*budget.Meter    // by uplink
	short  *shortform.Service // nil without a way for it

	current atomic.Pointer[config.Config] // Config, or what differs from it in its cameras
	next    chan *config.Config           // holds what takes the place of Config
	changed *config.Config                // written before run returns errChanged
	served  bool                          // run has come as far as that
	gone    []string                      // sensors and the like that the configuration had before
	again   bool                          // the database was damaged
	keeping context.Context               // of evidence; set before the fleet is attached

	named    *mdns.Responder // nil without a name on the network
	replaced chan struct{}   // holds a token when a backup is to take the site's place

	online chan struct{} // holds a token when a broker has been reached
	moved  chan struct{} // holds a token when it is another than before
	last   atomic.Int32  // the uplink that was used last, from 1; 0 if none yet
}

// stopWithin bounds what is still done after the context has ended.
const stopWithin = 10 * time.Second

// errChanged ends a run whose configuration has been replaced.
var errChanged = errors.New("the configuration has changed")

// Run runs the gateway until ctx ends, which is no error, or a part fails that
// it cannot go on without. When the configuration has changed, or the database
// turns out to be damaged, it begins again, with what takes its place; cameras
// that are the same after as before do not notice.
func (a *App) Run(ctx context.Context) error {
	defer a.startWatchdog(ctx)()
	defer context.AfterFunc(ctx, func() { a.tellSystemd(a.systemd.Stopping()) })()
	f := a.fleet
	if f == nil {
		f = newFleet(ctx, a.Log)
	}
	defer f.stop()
	e := a.estate
	if e == nil {
		e = newEstate(ctx, a.Log)
	}
	defer e.stop()
	var good *config.Config // with which the gateway has run
	var gone []string
	var again bool
	for cfg := a.Config; ; {
		r := &App{
			Config: cfg, Path: a.Path, Vision: a.Vision, Log: a.Log, Version: a.Version, Label: a.Label, Listening: a.Listening, Recent: a.Recent,
			fleet: f, estate: e, next: make(chan *config.Config, 1), gone: gone, again: again,
			replaced: make(chan struct{}, 1), systemd: a.systemd, watchdog: a.watchdog,
		}
		restored, err := r.restored(ctx)
		if err != nil {
			return err
		}
		if restored != nil {
			gone = append(gone, removed(cfg, restored)...)
			cfg = restored
			r.Config, r.gone, good = cfg, gone, nil
		}
		err = r.run(ctx)
		if r.served {
			good = r.current.Load()
		}
		again = errors.Is(err, store.ErrCorrupt)
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, errChanged):
			a.tellSystemd(a.systemd.Reloading())
			gone = removed(good, r.changed)
			cfg = r.changed
			continue
		case errors.Is(err, errReplaced):
			cfg = good
			continue
		case !errors.Is(err, store.ErrCorrupt) && !r.served && good != nil:
			// The file has the new one until its trial is over.
			a.Log.Error("the gateway does not begin with the new configuration and goes on with the old one", "error", err)
			cfg = good
			continue
		case !errors.Is(err, store.ErrCorrupt):
			return err
		}
		a.Log.Error("the database is damaged, beginning again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second): // so as not to storm a disk that fails
		}
	}
}

func (a *App) run(ctx context.Context) (err error) {
	if err := a.open(ctx); err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil // told to stop before it had begun
		}
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		err = errors.Join(err, a.close(ctx))
	}()
	if err := a.build(ctx); err != nil {
		return err
	}
	a.recovered(ctx)
	a.Log.Info("sentrybox runs", "gateway", a.Config.Gateway.ID, "cameras", len(a.Config.Cameras), "data", a.Config.Data)
	a.served = true
	err = a.serve(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		a.Log.Info("sentrybox stops")
		return nil
	}
	return err
}

func (a *App) build(ctx context.Context) error {
	g, al := a.Config.Gateway, a.Config.Alerts
	a.current.Store(a.Config)
	a.board = newBoard(a.put, a.Log)
	for _, id := range a.gone {
		a.board.drop(id)
	}
	a.online, a.moved = make(chan struct{}, 1), make(chan struct{}, 1)
	a.alerts = &alert.Service{
		Store: a.store, Outbox: a.outbox, Log: a.Log.With("part", "alert"), Now: time.Now,
		Gateway: g.ID, Street: g.Street, Community: g.Community,
		FirstLevel:    alert.Level(al.Level),
		RespondWithin: time.Duration(al.RespondWithin),
		HandleWithin:  time.Duration(al.HandleWithin),
		CoolDown:      time.Duration(al.CoolDown),
		Queued:        func(items []outbox.Item) { a.mirror(items); a.tellRadios(items) },
		Clock:         a.clock,
	}
	a.setTerms()
	if err := a.buildHomeAssistant(ctx); err != nil {
		return err
	}
	if err := a.buildBroker(); err != nil {
		return err
	}
	if err := a.buildEvidence(ctx); err != nil {
		return err
	}
	if err := a.buildDevices(ctx); err != nil {
		return err
	}
	if err := a.buildSurvey(ctx); err != nil {
		return err
	}
	a.control = &control.Server{Dir: a.Config.Data, Device: g.ID, Raise: a.alerts.Raise, Now: time.Now, Restored: a.replace, Privacy: a.privacy, Version: a.Version, Stuck: a.stuck, Blind: func() []string { return blind(a.states()) }, Contested: a.contested, Away: a.away}
	a.monitor = &health.Monitor{
		Store: a.store, Outbox: a.outbox, Cameras: a.fleet.cameras, Uplinks: a.uplinkHealth, Now: time.Now, Started: time.Now(),
		More: a.further,
	}
	a.short = a.buildShort()
	a.buildName()
	return a.buildUplink(ctx)
}

// setCameras makes the cameras those of c.
func (a *App) setCameras(c *config.Config) {
	a.fleet.memory.Limit(int(c.Evidence.Memory))
	a.keepPast(c)
	for _, id := range a.fleet.set(a.crews(c)) {
		a.board.drop(id)
	}
	a.current.Store(c)
}

// Apply makes c the configuration: at once if it differs in its cameras, buses, sensors, outputs
// and their rules and in who radios hear alone, otherwise by beginning again with it, soon after Apply has returned.
func (a *App) Apply(ctx context.Context, c *config.Config) {
	select {
	case <-a.next: // of two the later
	default:
	}
	was, will := a.Config.Rest(), c.Rest()
	if a.estate.waves.describe(c) {
		was.Radios, will.Radios = nil, nil
	}
	if !reflect.DeepEqual(was, will) {
		a.next <- c
		return
	}
	before := a.current.Load()
	a.setCameras(c)
	if err := a.setDevices(ctx, before, c); err != nil { // the config has been checked
		a.Log.Error("the sensors are as they were before", "error", err)
	}
	if a.home.Root == "" {
		return
	}
	if err := a.announce(ctx); err != nil && ctx.Err() == nil {
		a.Log.Error("Home Assistant does not know the devices", "error", err)
	}
}
