// Package radio joins radios and intercoms to alerts. What their sources hear gets names
// and places; what is an emergency becomes an alert; and the rest is kept for a while, for the
// page.
//
// # Alerts
//
// Rules say which events are alerts. However often a radio repeats an event, it is one alert, until
// it has been still for the system's Fold, or the alert is closed: who calls after that calls anew. Which are raised is in the database, in the same
// transaction as their alerts, so that a restart in the middle raises none again. Those that are over, as
// a door that is shut, end.
//
// On the air anybody can call himself anything: beyond [UnknownBurst] alerts of callers that the
// configuration does not know, they are joined to one alert without a caller.
package radio

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/store"
)

// Unplugged is the kind of alerts about a system that is away, as of the buses of sensors.
const Unplugged = "unplugged"

// UnknownBurst is how many alerts of unknown callers a system may raise at once, and
// UnknownEvery how long it takes until it may raise one more.
const (
	UnknownBurst = 10
	UnknownEvery = 30 * time.Second
)

const (
	maxEntries   = 300             // that Recent has
	maxCalls     = 256             // that go on at once
	maxFixes     = 1000            // units whose position is remembered
	maxOpen      = 1000            // alerts that are repeated or go on
	fixAge       = 5 * time.Minute // that a position stands in an alert
	awayAfter    = 10 * time.Second
	maxLine      = 48 // bytes of a text in an alert
	durableEvery = 10 * time.Second
	askEvery     = time.Second // that it is looked whether the alert of what is repeated is still open
)

// Unit is somebody or something that calls.
type Unit struct{ Name, Grid, Place string }

// Rule makes an alert of an event, or says that none is made of it.
type Rule struct {
	On call.Kind
	// Code is what Digits or Input are, or what is in Text; any when empty. From, To and Station are who, to
	// whom and what heard it; any when empty.
	Code, From, To, Station string
	Kind                    string
	Severity                int
	Off                     bool
}

// System is a radio system or a family of intercoms.
type System struct {
	ID, Name, Grid, Driver string
	Units                  map[string]Unit
	Groups                 map[string]string
	Rules                  []Rule // the first that fits counts
	Fold                   time.Duration
	Source                 call.Source
}

// Alerts is what becomes of emergencies; see alert.Service.
type Alerts interface {
	Raise(ctx context.Context, e alert.Event) (alert.Alert, error)
	End(ctx context.Context, e alert.Ending) error
	Locate(ctx context.Context, id string, at alert.Position) error
}

// Store is where it is written down what is raised; see store.Store.
type Store interface {
	Tx(ctx context.Context, fn func(*sql.Tx) error) error
}

// Config is what a Hub is made of.
type Config struct {
	Systems []System
	Alerts  Alerts
	Store   Store // with the tables of Schema
	Log     *slog.Logger
	// OnState hears of the state of a system each time that it has changed. It does not wait, and
	// does not call the Hub.
	OnState func(State)
	// Keep hears of a new alert whose event a call.Recorder can tell more of; nil for nobody. It does
	// not wait.
	Keep func(alertID string, s *System, r call.Recorder, e call.Event)
}

// Schema returns the steps that make the tables.
func Schema() store.Migration {
	return store.Migration{Component: "radio", Steps: []string{`
		CREATE TABLE radio_alarms (
			cause TEXT PRIMARY KEY, -- what was heard of whom
			alert TEXT NOT NULL,
			at    INTEGER NOT NULL -- when it was heard last, Unix milliseconds
		) STRICT, WITHOUT ROWID`}}
}
