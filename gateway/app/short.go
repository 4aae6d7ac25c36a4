package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/tarm/serial"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
	"sentrybox/uplink/loraframe"
	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/shortform"
	"sentrybox/uplink/sms"
)

// openSerial opens a serial port. A read returns after a tenth of a second
// without a byte, so that closing it ends whoever reads.
func openSerial(name string, baud int) (io.ReadWriteCloser, error) {
	return serial.OpenPort(&serial.Config{Name: name, Baud: baud, ReadTimeout: 100 * time.Millisecond})
}

// buildShort makes the service of the short form, nil if there is no way for it.
func (a *App) buildShort() *shortform.Service {
	c := a.Config.Uplink.Short
	s := &shortform.Service{
		DB: a.store.DB(), Now: time.Now, Log: a.Log.With("part", "short"), After: time.Duration(c.After), Waiting: a.waiting,
	}
	for _, number := range c.SMS.Numbers {
		if c.SMS.Port != "" {
			s.Ways = append(s.Ways, &smsWay{cfg: c.SMS, number: number, location: a.Config.Gateway.Location()})
		}
	}
	if c.LoRa.Port != "" {
		s.Ways = append(s.Ways, &loraWay{app: a, cfg: c.LoRa})
	}
	if len(s.Ways) == 0 {
		return nil
	}
	return s
}

// waiting returns the grave alerts that no broker has taken.
func (a *App) waiting(ctx context.Context) ([]shortform.Alert, error) {
	found, err := a.alerts.Waiting(ctx, shortform.Least)
	all := make([]shortform.Alert, len(found))
	for i, w := range found {
		all[i] = shortform.Alert{
			ID: w.ID, Kind: w.Kind, Device: w.Device, Zone: w.Zone, Caller: w.Caller, Place: w.Place, Severity: w.Severity, Detected: w.DetectedAt.Time, Synced: w.ClockSynced,
		}
	}
	return all, err
}

// smsWay tells one number.
type smsWay struct {
	cfg      config.SMS
	number   string
	location *time.Location
}

func (w *smsWay) Name() string            { return "sms/" + w.number }
func (w *smsWay) Group() string           { return "sms" }
func (w *smsWay) Limits() (hour, day int) { return w.cfg.Hour, w.cfg.Day }

// shortID is the end of an alert's id, which is random: enough to find it by.
func shortID(id string) string { return id[max(0, len(id)-8):] }

const maxText = 134 // UTF-16 units: two parts

func (w *smsWay) text(a shortform.Alert) string {
	at := "?"
	if a.Synced {
		at = a.Detected.In(w.location).Format("01-02 15:04:05")
	}
	var parts []string
	for _, part := range []string{a.Caller, a.Place, a.Device, a.Zone} { // a person first, since the end is cut
		if part != "" && part != config.AllZones {
			parts = append(parts, part)
		}
	}
	place := strings.Join(parts, " ")
	say := func(place string) string {
		return text.T(text.Chinese, "short.sms", text.Kind(text.Chinese, a.Kind), a.Severity, place, at, shortID(a.ID))
	}
	// Names may be long; what happened and the id stay whole.
	for r := []rune(place); ; r = r[:len(r)-1] {
		if s := say(string(r)); len([]rune(s)) <= maxText || len(r) == 0 {
			return s
		}
	}
}

// Send opens the modem for the one alert: other programs may want it too.
func (w *smsWay) Send(ctx context.Context, a shortform.Alert) (err error) {
	var ref [1]byte
	if _, err := rand.Read(ref[:]); err != nil {
		return err
	}
	parts, err := sms.Split(w.number, w.text(a), ref[0])
	if err != nil {
		return fmt.Errorf("%w: %w", shortform.ErrNever, err)
	}
	port, err := openSerial(w.cfg.Port, w.cfg.Baud)
	if err != nil {
		return fmt.Errorf("open the modem: %w", err)
	}
	m, err := sms.Open(ctx, port, sms.Timing{})
	if err != nil {
		return err
	}
	defer func() { _ = m.Close() }()
	if err := m.Registered(ctx); err != nil {
		return err
	}
	for i, p := range parts {
		err := m.Send(ctx, p)
		var unsure *sms.Unsure
		var refusal *sms.Refusal
		switch {
		case err == nil:
		case errors.As(err, &unsure), i > 0:
			return fmt.Errorf("%w: %w", shortform.ErrUnsure, err)
		case errors.As(err, &refusal) && !refusal.Temporary():
			return fmt.Errorf("%w: %w", shortform.ErrNever, err)
		default:
			return err
		}
	}
	return nil
}

// loraWay sends frames to whoever listens.
type loraWay struct {
	app *App
	cfg config.LoRa
}

func (w *loraWay) Name() string            { return "lora" }
func (w *loraWay) Group() string           { return "lora" }
func (w *loraWay) Limits() (hour, day int) { return 0, 0 }

// between is the time from one frame to the next, so that one burst of noise does
// not take them all, and the channel is left to others.
const between = 3 * time.Second

// Send sends the frame several times, each time with a counter of its own.
func (w *loraWay) Send(ctx context.Context, a shortform.Alert) error {
	id, err := ulid.ParseStrict(a.ID)
	if err != nil {
		return fmt.Errorf("%w: %w", shortform.ErrNever, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(w.cfg.Key.Reveal()))
	if err != nil {
		return fmt.Errorf("%w: the key cannot be read", shortform.ErrNever)
	}
	port, err := openSerial(w.cfg.Port, w.cfg.Baud)
	if err != nil {
		return fmt.Errorf("open the LoRa modem: %w", err)
	}
	defer func() { _ = port.Close() }()
	f := loraframe.Frame{
		Gateway: uint16(w.cfg.Gateway), Alert: id, Kind: loraframe.Kinds()[a.Kind], Severity: byte(a.Severity), // both checked
		Detected: a.Detected, Synced: a.Synced, Device: loraframe.DeviceTag(a.Device),
	}
	for i := range w.cfg.Repeat {
		if i > 0 {
			select {
			case <-ctx.Done():
				return nil // one is out
			case <-time.After(between):
			}
		}
		if f.Counter, err = shortform.NextCounter(ctx, w.app.store.DB(), w.Name(), time.Now()); err != nil {
			return err
		}
		line, err := f.Line(key)
		if err != nil {
			return fmt.Errorf("%w: %w", shortform.ErrNever, err)
		}
		if _, err := port.Write(line); err != nil {
			return fmt.Errorf("write to the LoRa modem: %w", err)
		}
	}
	return nil
}

// noting is the outbox, and notes which grave alerts a broker has taken, so that
// they need no short form when they have a further revision.
type noting struct {
	mqtt.Source
	app *App

	mu    sync.Mutex
	grave map[int64]string // guarded by mu: ids by sequence
}

// Next is the outbox's.
func (n *noting) Next(ctx context.Context, most int, lowest outbox.Lane, skip map[int64]struct{}) ([]outbox.Item, error) {
	items, err := n.Source.Next(ctx, most, lowest, skip)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, it := range items {
		var a alert.Alert
		if it.Lane == outbox.Alert && len(it.Payload) > 0 && json.Unmarshal(it.Payload, &a) == nil && a.Severity <= shortform.Least {
			if len(n.grave) >= maxTimed {
				clear(n.grave) // mostly of what was replaced before it could be sent
			}
			n.grave[it.Seq] = a.ID
		}
	}
	return items, err
}

// Done is the outbox's.
func (n *noting) Done(ctx context.Context, seqs ...int64) error {
	if err := n.Source.Done(ctx, seqs...); err != nil {
		return err
	}
	n.mu.Lock()
	var ids []string
	for _, seq := range seqs {
		if id, ok := n.grave[seq]; ok {
			ids = append(ids, id)
			delete(n.grave, seq)
		}
	}
	n.mu.Unlock()
	// At worst an alert goes out in short too, when its next revision waits.
	if err := shortform.Delivered(ctx, n.app.store.DB(), time.Now(), ids...); err != nil {
		n.app.Log.Error("short form", "error", err)
	}
	return nil
}
