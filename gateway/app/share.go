package app

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/beat"
	"sentrybox/gateway/load"
	"sentrybox/gateway/store"
	"sentrybox/gateway/text"
)

const (
	shareEvery = time.Second
	hotEvery   = 5 * time.Second // between two looks at temperatures
	// overloadLasts is for how long a box must be too slow, or have been fast enough again, before the
	// duty room hears of it.
	overloadLasts = time.Minute
	// urgentMost bounds how many open alerts are looked at for whose camera comes last.
	urgentMost = 500
)

// share gives each camera its part of the box.
type share struct {
	mu       sync.Mutex
	step     int // guarded by mu, as is all that follows
	reason   load.Reason
	pressure float64
	hot      string
	since    time.Time // of step being 0, or not
	skipped  uint64    // pictures, since then
	before   uint64    // pictures skipped before that
}

// overload is how a box that is too slow is told of.
type overload struct {
	Step    int        `json:"step"` // of 1 to 5, which is keyframes alone
	Reason  string     `json:"reason"`
	Hot     string     `json:"hot,omitempty"`
	Since   alert.Time `json:"since"`
	Skipped uint64     `json:"skipped"` // pictures, since then
}

// overload returns nil while the box is fast enough.
func (s *share) overload() *overload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.step == 0 {
		return nil
	}
	return &overload{Step: s.step, Reason: string(s.reason), Hot: s.hot, Since: alert.Time{Time: s.since}, Skipped: s.skipped}
}

func (s *share) measure(add func(labels map[string]string, name string, v float64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hot := 0.0
	if s.hot != "" {
		hot = 1
	}
	add(nil, "load_step", float64(s.step))
	add(nil, "load_pressure", max(s.pressure, 0))
	add(nil, "load_hot", hot)
}

// take notes what the controller has decided, and reports whether it is news.
func (s *share) take(now time.Time, c *load.Controller, signs load.Signs, skipped uint64) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = s.step != c.Step() || s.reason != c.Reason()
	if (s.step == 0) != (c.Step() == 0) || s.since.IsZero() {
		s.since, s.before = now, skipped
	}
	s.step, s.reason, s.pressure, s.hot = c.Step(), c.Reason(), signs.Pressure, signs.Hot
	s.skipped = skipped - min(s.before, skipped)
	return news
}

// lasting returns the code of the system alert that is due, empty for none, once that has
// been so for long enough.
func (s *share) lasting(now time.Time) (code string, sure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.step == 0:
	case s.reason == load.Hot:
		code = alert.Overheated
	default:
		code = alert.Overload
	}
	return code, now.Sub(s.since) >= overloadLasts
}

// runShare shares the box among the cameras until ctx ends.
func (a *App) runShare(ctx context.Context) error {
	var c load.Controller
	probe := load.Probe{Now: time.Now, Limits: heatLimits(thisBoard("/", a.Log))}
	var gc collector
	tick := time.NewTimer(0)
	defer tick.Stop()
	told := "nothing yet"
	var urgent map[string]bool
	var signs load.Signs
	for n := 0; ; n++ {
		if n%int(hotEvery/shareEvery) == 0 {
			gc.tune()
			if err := gc.giveBack(time.Now()); err != nil {
				a.Log.Debug("pages of the program stay in memory", "error", err)
			}
			signs.Hot = probe.Hot()
			urgent = nil
			if c.Step() > 0 {
				urgent = a.urgent(ctx)
			}
		}
		signs.Pressure = probe.Pressure()
		if a.shareOut(&c, &signs, urgent) {
			a.Log.Warn("the share of the cameras", "step", c.Step(), "of", load.Steps(), "reason", c.Reason(), "hot", signs.Hot)
			a.postGateway()
		}
		if code, sure := a.share.lasting(time.Now()); sure && code != told && a.tellOverload(ctx, code) {
			told = code
		}
		tick.Reset(beat.Until(time.Now(), shareEvery))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// shareOut has the controller look at every camera, and reports whether anything has changed.
func (a *App) shareOut(c *load.Controller, signs *load.Signs, urgent map[string]bool) bool {
	cameras := a.fleet.cameras()
	signs.Cameras = signs.Cameras[:0]
	skipped := uint64(0)
	for id, cam := range cameras {
		signs.Cameras = append(signs.Cameras, load.Camera{ID: id, Lag: cam.Lag(), Urgent: urgent[id]})
		skipped += cam.Counts().Skipped
	}
	now := time.Now()
	for id, pace := range c.Look(now, *signs) {
		cameras[id].SetPace(pace)
	}
	return a.share.take(now, c, *signs, skipped)
}

// urgent returns the cameras of open alerts.
func (a *App) urgent(ctx context.Context) map[string]bool {
	var open []store.Alert
	err := a.store.Tx(ctx, func(tx *sql.Tx) (err error) {
		open, err = store.OpenAlerts(ctx, tx, urgentMost)
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.Log.Error("no camera comes before others", "error", err)
	}
	devices := make(map[string]bool, len(open))
	for _, o := range open {
		devices[o.Device] = true
	}
	return devices
}

// tellOverload opens the system alert of a code, closes the other, and reports
// whether it could.
func (a *App) tellOverload(ctx context.Context, code string) bool {
	for _, one := range []string{alert.Overload, alert.Overheated} {
		var err error
		if one == code {
			a.Log.Error(text.T(text.English, text.Key("system."+one)))
			err = a.alerts.RaiseSystem(ctx, one)
		} else {
			err = a.alerts.SystemOver(ctx, one)
		}
		if err != nil {
			if ctx.Err() == nil {
				a.Log.Error("the load of the box is not told", "error", err)
			}
			return false
		}
	}
	return true
}
