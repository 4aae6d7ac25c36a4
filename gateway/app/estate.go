package app

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
	"sentrybox/gateway/store"
)

// estate is the sensors, buses and outputs, over changes of everything else, as the fleet is of
// cameras. What they raise goes to the App that is there; between two of them it waits.
type estate struct {
	gate
	log    *slog.Logger
	events events
	hub    *device.Hub // nil until the first App has been built

	// opened is the database of an App that is being built and is not told anything yet.
	opened atomic.Pointer[store.Store]

	end  context.CancelFunc // nil until the Hub runs
	done chan struct{}

	waves waves
}

func newEstate(ctx context.Context, log *slog.Logger) *estate {
	return &estate{gate: newGate(ctx), log: log, events: newEvents()}
}

// build makes the devices those of the configuration that a is built of.
func (e *estate) build(ctx context.Context, a *App) error {
	e.opened.Store(a.store)
	defer e.opened.Store(nil)
	if err := e.buildRadios(ctx, a); err != nil {
		return err
	}
	c, err := a.hubConfig(a.Config)
	if err != nil {
		return err
	}
	if e.hub != nil {
		e.hub.Apply(ctx, c)
		return nil
	}
	c.Alerts, c.Store, c.Log = e, e, e.log.With("part", "device")
	c.OnState = func(s device.State) { e.now(func(a *App) { a.postDevice(s) }) } // attach asks again
	c.OnEvent = func(ev device.Event) {
		if err := e.events.post(ev); err != nil {
			e.log.Error("an event is not published", "device", ev.Sensor, "error", err)
		}
	}
	e.hub, err = device.New(ctx, c)
	return err
}

// attach makes a the one that is told, and runs the Hub if it does not run yet. again says that
// a's database is not the one of before.
func (e *estate) attach(a *App, again bool) {
	e.let(a)
	e.waves.start(e.ctx)
	if e.end != nil {
		if again {
			e.hub.Renote()
		}
		e.hub.Tell()
		return
	}
	ctx, end := context.WithCancel(e.ctx)
	done := make(chan struct{})
	e.end, e.done = end, done
	go func() {
		defer close(done)
		_ = e.hub.Run(ctx)
	}()
}

// stop ends everything.
func (e *estate) stop() {
	e.waves.stop()
	if e.end != nil {
		e.end()
		<-e.done
	}
}

// Tx is for device.Store.
func (e *estate) Tx(ctx context.Context, fn func(*sql.Tx) error) error {
	if st := e.opened.Load(); st != nil {
		return st.Tx(ctx, fn)
	}
	return e.with(ctx, func(a *App) error { return a.store.Tx(ctx, fn) })
}

// Raise is for device.Alerts, as End is.
func (e *estate) Raise(ctx context.Context, ev alert.Event) (got alert.Alert, err error) {
	err = e.with(ctx, func(a *App) error {
		got, err = correlated{a.alerts, a}.Raise(ctx, ev)
		return err
	})
	return got, err
}

// Locate says where the caller of an alert is.
func (e *estate) Locate(ctx context.Context, id string, at alert.Position) error {
	return e.with(ctx, func(a *App) error { return a.alerts.Locate(ctx, id, at) })
}

// End says that an alarm is over.
func (e *estate) End(ctx context.Context, end alert.Ending) error {
	return e.with(ctx, func(a *App) error { return a.alerts.End(ctx, end) })
}

// hubConfig makes what the Hub has of a configuration.
func (a *App) hubConfig(cfg *config.Config) (device.Config, error) {
	c := device.Config{Location: cfg.Gateway.Location()}
	for i := range cfg.Sensors {
		s := &cfg.Sensors[i]
		got, rules, err := newSensor(s)
		if err != nil {
			return c, fmt.Errorf("sensor %s: %w", s.ID, err)
		}
		c.Sensors, c.Rules = append(c.Sensors, got), append(c.Rules, rules...)
	}
	for i := range cfg.Rules {
		rules, err := newRules(&cfg.Rules[i], cfg.Catalog())
		if err != nil {
			return c, fmt.Errorf("rule %s: %w", cfg.Rules[i].ID, err)
		}
		c.Rules = append(c.Rules, rules...)
	}
	c.Buses = a.newBuses(cfg)
	for i := range cfg.Outputs {
		c.Outputs = append(c.Outputs, newOutput(&cfg.Outputs[i]))
	}
	return c, nil
}

// setDevices makes the devices those of c, in the place of those of was.
func (a *App) setDevices(ctx context.Context, was, c *config.Config) error {
	conf, err := a.hubConfig(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	a.hub.Apply(ctx, conf)
	for _, id := range removed(was, c) {
		a.board.drop(id)
	}
	a.postGateway() // areas may be others
	return nil
}
