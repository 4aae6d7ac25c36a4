// Package device joins sensors and outputs to alerts. What drivers hand on becomes
// readings; readings make states, and rules true or false; and those make alerts, and
// switch outputs.
//
// # Readings
//
// A reading that its profile calls impossible is counted and not used. A sensor that
// sends more than [Rate] a second is limited, and one whose messages mean nothing, again
// and again, counts as faulty: both are told, and neither holds up another.
//
// # Changes
//
// [Hub.Apply] changes what there is while the Hub runs. What is the same before and after is
// not touched: its driver runs on, its port stays open, its readings and alarms stay.
//
// # Alerts
//
// An alarm is raised when its condition becomes true, and ends when it is no more. Which
// ones are raised is in the database, in the same transaction as their alerts: a restart
// raises none again, and ends those that are over. What is on for a moment, such as a
// button, does not end.
package device

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/rule"
	"sentrybox/gateway/store"
)

// Kinds of alerts about the sensors themselves.
const (
	Silence   = "silence"   // nothing valid was heard of a sensor for too long
	Battery   = "battery"   // it is low
	Fault     = "fault"     // a sensor sends nonsense or too much, or an output does not obey
	Unplugged = "unplugged" // the port, or the server, of a bus is away
)

// Rate and Burst limit the messages of one sensor that nobody asks: so many a second, and
// at once.
const (
	Rate  = 5
	Burst = 100
)

// Quantity is what a sensor measures.
type Quantity struct {
	Name  string
	Unit  string
	Event bool // it is a moment, not a state
	Text  bool // it is a text
	// Least and Most are what is possible, if Bounded.
	Least, Most float64
	Bounded     bool
}

// Value is one value of a message.
type Value struct {
	Quantity string
	Number   float64 // 0 and 1 for off and on
	Text     string  // of what is no number
	// Impossible says that it is none, since it is outside of what the profile allows.
	Impossible bool
}

// Sensor is one sensor.
type Sensor struct {
	ID, Name, Grid, Profile string
	Version                 string // of the profile, as two of one name may differ
	Bus                     string // whose driver hears it; empty at the local broker
	Device                  string // what the driver calls it
	Quantities              []Quantity
	Free                    bool          // it may measure what Quantities does not list
	Asked                   bool          // we ask it: it cannot send too much
	Silent                  time.Duration // it is heard of at least so often; 0: nobody knows
	SilentSeverity          int
	// Decode makes values of a message of the sensor's driver; nil for what has none.
	Decode Decoder
}

// quantity returns what the sensor says of a quantity.
func (s *Sensor) quantity(name string) (Quantity, bool) {
	for _, q := range s.Quantities {
		if q.Name == name {
			return q, true
		}
	}
	return Quantity{Name: name}, s.Free
}

// Decoder makes values of what a driver hands on. It may be called for several sensors,
// but for one of them not twice at the same time. An error says that the message means
// nothing; no values and no error that there is nothing to know in it.
type Decoder func(driver.Message) ([]Value, error)

// Rule raises alerts.
type Rule struct {
	ID       string // unique, and the same in every run
	Sensor   string // of the alerts; that of the reading that made it true when empty
	Kind     string // of the alerts; the quantity of that reading when empty
	Zone     string // of the alerts
	Grid     string // of the alerts; that of the sensor when empty
	Severity int
	When     *rule.Bound
	Until    *rule.Bound // ends it; when When is no longer true if nil
	Schedule Schedule    // when it can be raised
	Area     string      // it can be raised while this is armed; always when empty
	Do       []Action
	Closes   bool // nobody has to look once it is over
}

// Action is what a rule does besides its alert.
type Action struct {
	Output string
	For    time.Duration // the output's longest when 0
}

// Schedule says when something is so.
type Schedule interface {
	Always() bool
	Active(t time.Time) bool
}

// Alerts is what alarms are told; see alert.Service.
type Alerts interface {
	Raise(ctx context.Context, e alert.Event) (alert.Alert, error)
	End(ctx context.Context, e alert.Ending) error
}

// Store is the database with the tables of Schema: a *store.Store, or what stands for one.
type Store interface {
	Tx(ctx context.Context, fn func(*sql.Tx) error) error
}

// Config is what a Hub is made of.
type Config struct {
	Sensors  []Sensor
	Rules    []Rule
	Buses    []Bus
	Outputs  []Output
	Areas    []string // that can be armed and disarmed; those of Rules at least
	Alerts   Alerts
	Store    Store
	Location *time.Location
	Log      *slog.Logger
	// OnState hears of the state of a sensor, a bus or an output, each time that it has
	// changed; OnEvent of what a sensor sent that is no state. They do not wait, and do not
	// call the Hub.
	OnState func(State)
	OnEvent func(Event)
}

// Schema returns the steps that make the tables.
func Schema() store.Migration {
	return store.Migration{Component: "device", Steps: []string{`
		CREATE TABLE device_alarms (
			rule  TEXT PRIMARY KEY, -- that is raised
			alert TEXT NOT NULL
		) STRICT, WITHOUT ROWID;
		CREATE TABLE device_areas (area TEXT PRIMARY KEY, armed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
		CREATE TABLE device_heard (sensor TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID; -- Unix milliseconds`}}
}
