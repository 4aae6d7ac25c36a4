package sip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"time"
)

// Config says where to listen, and for whom. A zero value stands for the default in parentheses.
type Config struct {
	// Listen is host:port, for UDP and for TCP (":5060").
	Listen string
	// Realm is what stations hash their passwords with ("sentrybox").
	Realm string
	// Help are the numbers whose call is an emergency. Every number is, if there are none.
	Help []string
	// Stations may call.
	Stations []Station
	// Phones are rung for a call, one after the other.
	Phones []Phone
	// Ring is how long each phone is rung (20 s).
	Ring time.Duration
	// Wait answers a call only when a phone does, or none has; otherwise it is answered at once and
	// the caller hears the ringing tone.
	Wait bool
	// Ports are the UDP ports of audio, from the first to the second (20000 to 20039).
	Ports [2]int
	// Calls is how many may go on at a time (8), and Longest how long each (30 minutes).
	Calls   int
	Longest time.Duration
	// Lost is how long one that has registered may be away before that is told (1 minute).
	Lost time.Duration
	// First is how much longer a station that signs in by a password alone may be unheard of since the start: one that lives
	// registers anew within the longest registration (1 hour, which that is).
	First time.Duration
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
	// Resolve finds the addresses of a phone's name (net.DefaultResolver.LookupNetIP).
	Resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Station is a help point or a door station.
type Station struct {
	ID   string // what events and states call it
	Name string // what a phone shows when it calls; ID if empty
	// User is by what name it registers and calls.
	User     string
	Password string
	// SHA256 has it sign in by SHA-256, and not by MD5, which is all that many devices know.
	SHA256 bool
	// Address is where it is. A station must have a password or an address; if it has both, both
	// must be right.
	Address netip.Prefix
}

// Phone is a telephone of the duty room.
type Phone struct {
	ID string
	// User and Password are those with which it registers here; or, with an Address, those
	// by which it, or the exchange that it is reached by, knows us.
	User, Password string
	SHA256         bool // as a station's; of one that registers here
	// Address is host or host:port if it does not register here.
	Address string
	// Number is dialled at Address; User if empty.
	Number string
}

// The bounds of a configuration.
const (
	maxStations = 500
	maxPhones   = 8
	maxCalls    = 32
)

var (
	userForm  = regexp.MustCompile(`^[A-Za-z0-9_.+*#-]{1,64}$`)
	realmForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// withDefaults returns the configuration with its gaps filled.
func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = ":5060"
	}
	if c.Realm == "" {
		c.Realm = product
	}
	if c.Ring == 0 {
		c.Ring = 20 * time.Second
	}
	if c.Ports == [2]int{} {
		c.Ports = [2]int{20000, 20039}
	}
	if c.Calls == 0 {
		c.Calls = 8
	}
	if c.Longest == 0 {
		c.Longest = 30 * time.Minute
	}
	if c.Lost == 0 {
		c.Lost = time.Minute
	}
	if c.First == 0 {
		c.First = mostExpires
	}
	if c.Resolve == nil {
		c.Resolve = net.DefaultResolver.LookupNetIP
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// check says what is wrong.
func (c *Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen: %q is no host:port", c.Listen)
	}
	switch {
	case !realmForm.MatchString(c.Realm):
		return errors.New("realm: letters, digits, dots and dashes")
	case len(c.Stations) == 0 || len(c.Stations) > maxStations:
		return fmt.Errorf("%d stations: want 1 to %d", len(c.Stations), maxStations)
	case len(c.Phones) > maxPhones:
		return fmt.Errorf("%d phones: want at most %d", len(c.Phones), maxPhones)
	case c.Calls < 1 || c.Calls > maxCalls:
		return fmt.Errorf("%d calls at a time: want 1 to %d", c.Calls, maxCalls)
	case c.Ring < time.Second || c.Ring > 5*time.Minute, c.Longest < time.Minute || c.Longest > 24*time.Hour:
		return errors.New("ring: 1s to 5m, and a call 1m to 24h")
	case c.Ports[0] < 1024 || c.Ports[1] > 65535 || c.Ports[1]-c.Ports[0]+1 < 4*c.Calls:
		return fmt.Errorf("ports %d to %d: want four for each of %d calls", c.Ports[0], c.Ports[1], c.Calls)
	}
	return c.checkParties()
}

// checkParties looks at stations and phones.
func (c *Config) checkParties() error {
	users, ids := map[string]bool{}, map[string]bool{}
	fresh := func(id, user string) error {
		if id == "" || ids[id] || user != "" && (users[user] || !userForm.MatchString(user)) {
			return fmt.Errorf("%q: an id or a user that is empty, strange, or there twice", id)
		}
		ids[id], users[user] = true, true
		return nil
	}
	for _, s := range c.Stations {
		if err := fresh(s.ID, s.User); err != nil {
			return err
		}
		if s.User == "" || s.Password == "" && !s.Address.IsValid() {
			return fmt.Errorf("station %s: a user, and a password or an address", s.ID)
		}
	}
	for _, p := range c.Phones {
		user := p.User
		if p.Address != "" {
			user = "" // an account elsewhere
		}
		if err := fresh(p.ID, user); err != nil {
			return err
		}
		switch {
		case p.Address == "" && (p.User == "" || p.Password == ""):
			return fmt.Errorf("phone %s: an address, or a user and a password to register with", p.ID)
		case p.Address != "" && !userForm.MatchString(p.number()):
			return fmt.Errorf("phone %s: a number to dial", p.ID)
		}
	}
	return nil
}

// number is what is dialled.
func (p *Phone) number() string {
	if p.Number != "" {
		return p.Number
	}
	return p.User
}
