package app

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"sentrybox/drivers/all"
	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/mmdvm"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/radio"
)

// waves are the radios and intercoms of an estate: they go on while their configuration is the
// same, as a repeater that has to log in again is deaf for some seconds.
type waves struct {
	of    *config.Config           // whose radios they are
	hub   *radio.Hub               // nil before the first, and after stop
	local map[string]*mmdvm.Source // those that publish at the local broker
	say   []*announcer             // those that can transmit
	end   context.CancelFunc       // nil unless the Hub runs
	done  chan struct{}
}

// sameRadios says whether the radios of two configurations are made alike.
func sameRadios(a, b *config.Config) bool {
	return a.Gateway == b.Gateway && a.Uplink.Prefix == b.Uplink.Prefix && reflect.DeepEqual(a.Radios, b.Radios)
}

// sameSources says whether the sources of the radios of two configurations are made alike, however
// they and who calls are named.
func sameSources(a, b *config.Config) bool {
	bare := func(c *config.Config) *config.Config {
		out := *c
		out.Radios = slices.Clone(c.Radios)
		for i := range out.Radios {
			r := &out.Radios[i]
			r.Name, r.Grid, r.Severity, r.Groups, r.Emergency, r.Fold = "", "", 0, nil, nil, 0
			if r.SIP == nil { // whose phones show who calls
				r.Units = nil
			}
		}
		return &out
	}
	return sameRadios(bare(a), bare(b))
}

// describe gives the radios the names of another configuration, if their sources are the same.
func (w *waves) describe(c *config.Config) bool {
	if w.hub == nil || !sameSources(w.of, c) {
		return false
	}
	var list []radio.System
	for i := range c.Radios {
		list = append(list, newSystem(&c.Radios[i]))
	}
	if !w.hub.Describe(list) {
		return false
	}
	w.of = c
	return true
}

// start runs the Hub, if it does not run, and has it tell how things are.
func (w *waves) start(ctx context.Context) {
	if w.end == nil {
		ctx, end := context.WithCancel(ctx)
		hub, done := w.hub, make(chan struct{})
		w.end, w.done = end, done
		go func() {
			defer close(done)
			_ = hub.Run(ctx)
		}()
	}
	w.hub.Tell()
}

// stop ends the Hub. What it has heard is raised, if somebody is there.
func (w *waves) stop() {
	if w.end != nil {
		w.end()
		<-w.done
	}
	w.hub, w.end = nil, nil
}

// buildRadios makes the radios and intercoms those of the configuration that a is built of.
func (e *estate) buildRadios(ctx context.Context, a *App) error {
	w := &e.waves
	if w.describe(a.Config) {
		return nil
	}
	w.stop()
	w.of, w.local, w.say = a.Config, map[string]*mmdvm.Source{}, nil
	c := radio.Config{
		Alerts: e, Store: e, Log: e.log.With("part", "radio"),
		OnState: func(s radio.State) { e.now(func(a *App) { a.postRadio(s) }) }, // attach asks again
		Keep: func(id string, s *radio.System, r call.Recorder, ev call.Event) {
			e.now(func(a *App) { a.keepVoice(id, s, r, ev) })
		},
	}
	sources := all.Sources()
	for i := range a.Config.Radios {
		r := &a.Config.Radios[i]
		s := newSystem(r)
		cfg, err := a.sourceConfig(r)
		if err == nil {
			s.Source, err = sources.New(r.Driver(), cfg)
		}
		if err != nil { // the others go on, and the duty room is told
			s.Source = &mute{err: err}
		}
		if an := a.newAnnouncer(r, s.Source); an != nil {
			w.say = append(w.say, an)
		}
		if m, ok := s.Source.(*mmdvm.Source); ok && r.MMDVM.Broker.IsZero() {
			w.local[r.ID] = m
		}
		c.Systems = append(c.Systems, s)
	}
	var err error
	w.hub, err = radio.New(ctx, c)
	return err
}

// sourceConfig is what the source of a radio takes.
func (a *App) sourceConfig(r *config.Radio) (any, error) {
	switch kind := r.Driver(); kind {
	case "homebrew":
		return homebrewConfig(r.Homebrew, a.Log.With("radio", r.ID))
	case "analogue":
		return a.analogueConfig(r)
	case "sip":
		return sipConfig(r, a.Log.With("intercom", r.ID))
	case "isapi":
		return isapiConfig(r.ISAPI, a.Log.With("intercom", r.ID))
	case "onvif":
		return onvifConfig(r.ONVIF, a.Log.With("intercom", r.ID))
	case "mmdvm":
		return a.mmdvmConfig(r)
	default:
		return nil, fmt.Errorf("no source for %s", kind)
	}
}

// newSystem makes a system of its configuration, without its source.
func newSystem(r *config.Radio) radio.System {
	s := radio.System{
		ID: r.ID, Name: r.Name, Grid: r.Grid, Driver: r.Driver(), Groups: r.Groups, Units: map[string]radio.Unit{}, Fold: time.Duration(r.Fold),
	}
	for id, u := range r.Units {
		s.Units[id] = radio.Unit(u)
	}
	for _, c := range r.Emergency {
		s.Rules = append(s.Rules, radio.Rule{
			On: call.Kind(c.On), Code: c.Code, From: c.From, To: c.To, Station: c.Station, Kind: c.Kind, Severity: c.Severity, Off: c.Off,
		})
	}
	nameStations(&s, r)
	nameDevice(&s, r)
	return s
}

// mute is a radio whose source cannot be made.
type mute struct {
	driver.Tracker
	driver.Life
	err error
}

// Run says why.
func (m *mute) Run(ctx context.Context, _ func(call.Event)) error {
	_, end, err := m.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return m.Ended(driver.Permanent(m.err))
}

// radioState is the payload of device/{id} for a radio or an intercom.
type radioState struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Name     string          `json:"name,omitempty"`
	Grid     string          `json:"grid,omitempty"`
	Driver   string          `json:"driver"`
	State    radio.Phase     `json:"state"`
	Since    alert.Time      `json:"since"`
	Reason   string          `json:"reason,omitempty"`
	HeardAt  alert.Time      `json:"heard_at,omitzero"`
	Stations []radio.Station `json:"stations,omitempty"`
}

// postRadio publishes the state of a radio or an intercom that has changed.
func (a *App) postRadio(s radio.State) {
	level := a.Log.Info
	if s.Phase != radio.Online && s.Phase != radio.Waiting {
		level = a.Log.Warn
	}
	level("radio", "radio", s.ID, "state", s.Phase, "reason", s.Reason, "stations", len(s.Stations))
	a.board.post(s.ID, radioState{
		ID: s.ID, Type: "radio", Name: s.Name, Grid: s.Grid, Driver: s.Driver, State: s.Phase, Since: alert.Time{Time: s.Since}, Reason: s.Reason,
		HeardAt: alert.Time{Time: s.Heard}, Stations: s.Stations,
	})
}

// measureRadios adds the metrics of radios and intercoms.
func (a *App) measureRadios(add func(labels map[string]string, name string, v float64)) {
	for _, s := range a.radios.States() {
		add(map[string]string{"device": s.ID}, "device_online", number(s.Phase == radio.Online))
	}
	for id, c := range a.radios.Counts() {
		labels := map[string]string{"radio": id}
		for kind, n := range c.Events {
			add(map[string]string{"radio": id, "kind": kind}, "radio_events", float64(n))
		}
		add(labels, "radio_alerts", float64(c.Alerts))
		add(labels, "radio_folded", float64(c.Folded))
		add(labels, "radio_joined", float64(c.Joined))
		add(labels, "radio_lost", float64(c.Dropped))
		add(labels, "radio_rejected", float64(c.Rejected+c.Discarded))
		add(labels, "radio_noise_bytes", float64(c.Noise))
		add(labels, "radio_opened", float64(c.Opened))
	}
}
