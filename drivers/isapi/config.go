package isapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

// How long the source waits.
const (
	Dead  = 30 * time.Second // without anything from the device
	Stuck = 3 * time.Minute  // without anything whole, while something comes
	Quiet = 10 * time.Second // without a repetition of what a camera repeats
	Kept  = 5 * time.Minute  // of what is said once

	answerWithin = 10 * time.Second
	firstWait    = time.Second // before it connects again; doubles
	mostWait     = time.Minute
	refusedWait  = 10 * time.Minute // devices lock users out for wrong passwords
)

// Config says which device to hear.
type Config struct {
	// URL is the device's, http or https, without a path.
	URL            string
	User, Password string
	// InsecureTLS accepts any certificate.
	InsecureTLS bool
	// Motion tells of what the device's own video analysis sees.
	Motion bool
	// Calls is how often to ask a door station whether it calls, 500 ms to a minute; never if 0.
	Calls time.Duration
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Driver hears one device.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg  Config
	base *url.URL
	say  say
}

// New checks the configuration. Its errors do not show secrets.
func New(cfg Config) (*Driver, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" && u.Path != "/" {
		return nil, errors.New("the address must be http:// or https://, and a host, without a user or a path")
	}
	u.Path, u.RawQuery, u.Fragment = "", "", ""
	if cfg.Calls != 0 && (cfg.Calls < 500*time.Millisecond || cfg.Calls > time.Minute) {
		return nil, fmt.Errorf("calls every %v: want 500ms to 1m", cfg.Calls)
	}
	if cfg.User == "" {
		return nil, errors.New("a user")
	}
	return &Driver{cfg: cfg, base: u}, nil
}

// say is what is going on, and whom it is told to. It is of the goroutine of Run.
type say struct {
	emit   func(call.Event)
	inputs map[input]*state
	helps  map[string]time.Time // when a call for help was said last, by channel
	seen   map[string]bool      // what access control has said, by serial number
	order  []string
	named  uint64
	ring   string // the call that goes on
}

// input is something that begins and ends.
type input struct{ name, channel string }

type state struct{ until time.Time }
