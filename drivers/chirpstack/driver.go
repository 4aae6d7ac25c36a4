package chirpstack

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
)

// Config says which ChirpStack to hear.
type Config struct {
	// Broker is the MQTT broker that ChirpStack publishes to. With a ClientID, what it
	// publishes while the gateway is down waits there.
	Broker subscribe.Broker
	// Applications are the ids (UUIDs) of those that are heard; all if empty.
	Applications []string
	// Prefix stands before ChirpStack's topics, with its slash at the end, where its
	// configuration puts something there.
	Prefix string
	// Log gets what technicians should know; nil for none.
	Log *slog.Logger
}

// Driver hears one ChirpStack.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg    Config
	client *subscribe.Client
	seen   recent
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if strings.ContainsAny(cfg.Prefix, "+#") || cfg.Prefix != "" && !strings.HasSuffix(cfg.Prefix, "/") {
		return nil, errors.New("the prefix has no + and #, and ends with /")
	}
	var filters []string
	for _, id := range cfg.Applications {
		if id == "" || strings.ContainsAny(id, "/+#") {
			return nil, errors.New("an application's id is not one")
		}
		filters = append(filters, cfg.Prefix+"application/"+id+"/device/+/event/+")
	}
	if len(filters) == 0 {
		filters = []string{cfg.Prefix + "application/+/device/+/event/+"}
	}
	if cfg.Broker.Log == nil {
		cfg.Broker.Log = cfg.Log
	}
	d := &Driver{cfg: cfg}
	var err error
	d.client, err = subscribe.New(cfg.Broker, filters, &d.Tracker)
	return d, err
}

// Run hears ChirpStack until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(d.client.Run(ctx, func(m subscribe.Message) { d.take(m, time.Now(), emit) }))
}

func (d *Driver) reject() { d.Count(func(c *driver.Counts) { c.Rejected++ }) }

// take takes what was published. Events are not retained; one that is was put
// there by somebody else, nobody knows when.
func (d *Driver) take(p subscribe.Message, now time.Time, emit func(driver.Message)) {
	eui, kind, err := parseTopic(d.cfg.Prefix, p.Topic)
	if err != nil || p.Retained {
		d.reject()
		return
	}
	e, err := parseEvent(eui, p.Payload)
	if err != nil {
		d.reject()
		return
	}
	if e.ID != "" && !d.seen.add(kind+e.ID) {
		return
	}
	switch kind {
	case "up":
		m, something, err := e.uplink(eui, now)
		switch {
		case err != nil:
			d.reject()
		case something:
			emit(m)
			d.Heard(eui)
		default: // MAC commands, or a sign of life
			d.Device(eui, driver.Online, "")
		}
	case "status":
		emit(e.status(eui, now))
		d.Heard(eui)
	case "join":
		d.cfg.Log.Info("a device has joined", "device", eui)
		d.Device(eui, driver.Online, "")
	case "log":
		if e.Level == "ERROR" {
			d.reject()
			d.cfg.Log.Warn("ChirpStack complains of a device", "device", eui, "code", shorten(e.Code), "description", shorten(e.Description))
		}
	}
}

func shorten(s string) string { return s[:min(len(s), maxText)] }

// remembered is how many events are told apart.
const remembered = 4096

// recent remembers what was seen last.
type recent struct {
	set  map[string]struct{}
	ring [remembered]string
	next int
}

// add remembers id, and returns false if it was there.
func (r *recent) add(id string) bool {
	if len(id) > maxText {
		return true
	}
	if _, there := r.set[id]; there {
		return false
	}
	if r.set == nil {
		r.set = map[string]struct{}{}
	}
	delete(r.set, r.ring[r.next])
	r.set[id], r.ring[r.next] = struct{}{}, id
	r.next = (r.next + 1) % remembered
	return true
}
