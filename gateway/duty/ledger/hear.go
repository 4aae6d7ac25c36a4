package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
)

// Gateway is where a gateway publishes: prefix/street/community/name.
type Gateway string

// Message is something that a gateway has said.
type Message struct {
	Gateway Gateway
	Topic   string // below the gateway: alert/community/01J…
	Payload []byte
	At      time.Time
}

const (
	maxAlert = 4 << 10
	maxThumb = 64 << 10
	maxPlans = 64 << 10
)

// Heard is what came of messages.
type Heard struct {
	// Doubt are alerts that are open here and that a broker no longer keeps: their
	// gateway has closed them, or the broker has forgotten them.
	Doubt []string
	// Refused counts messages that are not what they should be.
	Refused int
	// Seq is the number of what has changed, 0 if nothing has.
	Seq int64
}

// Hear takes messages down, in one transaction.
func (l *Ledger) Hear(ctx context.Context, all []Message) (h Heard, err error) {
	err = l.tx(ctx, func(t *tx) error {
		h = Heard{}
		for _, m := range all {
			ok, err := t.hear(m, &h)
			if err != nil {
				return err
			}
			if !ok {
				h.Refused++
			}
		}
		h.Seq = t.seq
		return nil
	})
	if err != nil {
		return Heard{}, fmt.Errorf("take down %d messages: %w", len(all), err)
	}
	return h, nil
}

func (t *tx) hear(m Message, h *Heard) (ok bool, err error) {
	kind, rest, _ := strings.Cut(m.Topic, "/")
	switch kind {
	case "alert":
		_, id, _ := strings.Cut(rest, "/")
		if len(m.Payload) == 0 {
			return true, t.cleared(m.Gateway, id, h)
		}
		return t.alert(m, id)
	case "thumb":
		return t.thumb(m, rest)
	case "status":
		return t.status(m)
	case "plans":
		return t.plans(m)
	}
	return false, nil
}

// parse reads an alert, which may only speak of its own gateway.
func parse(m Message, id string) (a alert.Alert, ok bool) {
	if len(m.Payload) > maxAlert || json.Unmarshal(m.Payload, &a) != nil {
		return a, false
	}
	if _, err := ulid.ParseStrict(a.ID); err != nil || a.ID != id || a.Rev < 1 {
		return a, false
	}
	if !strings.HasSuffix(string(m.Gateway), "/"+a.Street+"/"+a.Community+"/"+a.Gateway) {
		return a, false
	}
	states := []alert.State{alert.Raised, alert.Acknowledged, alert.Dispatched, alert.Handled, alert.False}
	if a.Severity < 1 || a.Severity > 4 || !slices.Contains(states, a.State) {
		return a, false
	}
	for _, s := range []*string{&a.Kind, &a.Device, &a.Grid, &a.Zone, &a.Floor, &a.By, &a.Note, &a.Code, &a.Quantity, &a.Unit, &a.Text, &a.Caller, &a.Place} {
		*s = clean(*s)
	}
	return a, true
}

// clean makes a stranger's text fit for a page: nothing in it turns around what is beside it.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (t *tx) alert(m Message, id string) (ok bool, err error) {
	a, ok := parse(m, id)
	if !ok {
		return false, nil
	}
	if a.AcknowledgedAt.IsZero() && rank(a.State) > 0 { // left out for length, or an older gateway
		a.AcknowledgedAt.Time = m.At
	}
	if a.HandledAt.IsZero() && !a.Open() {
		a.HandledAt.Time = m.At
	}
	doc, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("encode alert %s: %w", id, err)
	}
	seq, err := t.next()
	if err != nil {
		return false, err
	}
	res, err := t.exec(`INSERT INTO alerts (id, gateway, rev, state, is_open, kind, device, grid, zone, severity, synced, detected, heard,
			acknowledged, handled, respond_by, handle_by, doc, seq, confirmed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, state = excluded.state, is_open = excluded.is_open, severity = excluded.severity,
			synced = excluded.synced, detected = excluded.detected, acknowledged = excluded.acknowledged, handled = excluded.handled,
			respond_by = excluded.respond_by, handle_by = excluded.handle_by, doc = excluded.doc, seq = excluded.seq, confirmed = excluded.confirmed
		WHERE alerts.rev < excluded.rev AND alerts.gateway = excluded.gateway`,
		id, string(m.Gateway), a.Rev, string(a.State), bit(a.Open()), a.Kind, a.Device, a.Grid, a.Zone, a.Severity, bit(a.ClockSynced),
		millis(a.DetectedAt.Time), millis(m.At), millis(a.AcknowledgedAt.Time), millis(a.HandledAt.Time),
		millis(a.RespondBy.Time), millis(a.HandleBy.Time), doc, seq, millis(m.At))
	if err != nil {
		return false, fmt.Errorf("write alert %s: %w", id, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			_, err = t.exec(`UPDATE alerts SET confirmed = ? WHERE id = ? AND gateway = ? AND rev = ?`, millis(m.At), id, string(m.Gateway), a.Rev)
		}
		return true, err // an old revision, or the same again
	}
	_, err = t.exec(`INSERT INTO steps (alert, rev, at, state, who, note, late) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		id, a.Rev, millis(m.At), string(a.State), a.By, a.Note, string(a.Escalated))
	if err == nil {
		err = t.settle(id, a.State)
	}
	if err != nil {
		return false, fmt.Errorf("write the history of alert %s: %w", id, err)
	}
	return true, nil
}

// cleared hears that a broker no longer keeps an alert. The last revision has come before, unless
// it was missed.
func (t *tx) cleared(g Gateway, id string, h *Heard) error {
	var n int
	err := t.row(`SELECT count(*) FROM alerts WHERE id = ? AND gateway = ? AND is_open = 1`, id, string(g)).Scan(&n)
	if err == nil && n > 0 {
		h.Doubt = append(h.Doubt, id)
	}
	return err
}

func (t *tx) thumb(m Message, id string) (bool, error) {
	if _, err := ulid.ParseStrict(id); err != nil || len(m.Payload) > maxThumb || !isJPEG(m.Payload) {
		return false, nil
	}
	return t.illustrate(m.Gateway, id, m.Payload)
}

// illustrate gives an alert a picture if it has none; of another gateway's alert it says no.
func (t *tx) illustrate(g Gateway, id string, jpeg []byte) (bool, error) {
	seq, err := t.next() // first, as everywhere: two consoles would wait for each other
	if err != nil {
		return false, err
	}
	var owner string
	switch err := t.row(`SELECT gateway FROM alerts WHERE id = ?`, id).Scan(&owner); {
	case err == nil && owner != string(g):
		return false, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return false, fmt.Errorf("look whose picture it is: %w", err)
	}
	// It may come before its alert. What belongs to none is swept up later.
	if _, err := t.exec(`INSERT INTO thumbs (alert, jpeg) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, jpeg); err != nil {
		return false, fmt.Errorf("write a picture: %w", err)
	}
	_, err = t.exec(`UPDATE alerts SET seq = ? WHERE id = ?`, seq, id)
	return true, err
}

func isJPEG(b []byte) bool { return len(b) > 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF }

func (t *tx) status(m Message) (bool, error) {
	var s struct {
		State string `json:"state"`
	}
	if len(m.Payload) > maxAlert || json.Unmarshal(m.Payload, &s) != nil || s.State != "online" && s.State != "offline" {
		return false, nil
	}
	seq, err := t.next()
	if err == nil {
		_, err = t.exec(`INSERT INTO gateways (path, state, since, plans, seq) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (path) DO UPDATE SET state = excluded.state, seq = excluded.seq,
				since = CASE WHEN gateways.state = excluded.state THEN gateways.since ELSE excluded.since END`,
			string(m.Gateway), s.State, millis(m.At), []byte{}, seq)
	}
	if err == nil && s.State == "online" { // what it could not hear is said again
		_, err = t.exec(`UPDATE answers SET due = ? WHERE status = ? AND tries > 0 AND alert IN (SELECT id FROM alerts WHERE gateway = ?)`,
			millis(m.At), waiting, string(m.Gateway))
	}
	if err != nil {
		return false, fmt.Errorf("write the state of a gateway: %w", err)
	}
	return true, nil
}

func (t *tx) plans(m Message) (bool, error) {
	if len(m.Payload) > maxPlans || len(m.Payload) > 0 && !json.Valid(m.Payload) {
		return false, nil
	}
	payload := m.Payload
	if payload == nil {
		payload = []byte{}
	}
	seq, err := t.next()
	if err == nil {
		_, err = t.exec(`INSERT INTO gateways (path, state, since, plans, seq) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (path) DO UPDATE SET plans = excluded.plans, seq = excluded.seq`, string(m.Gateway), "", millis(m.At), payload, seq)
	}
	if err != nil {
		return false, fmt.Errorf("write plans: %w", err)
	}
	return true, nil
}

// Forgotten hears that a gateway does not know an alert any more: it has lost its database. The alert is
// closed here, as one that nobody can answer. It returns the number of the change.
func (l *Ledger) Forgotten(ctx context.Context, id string, g Gateway) (seq int64, err error) {
	err = l.tx(ctx, func(t *tx) error {
		seq = 0
		n, err := t.next()
		if err != nil {
			return err
		}
		res, err := t.exec(`UPDATE alerts SET is_open = 0, state = 'lost', seq = ? WHERE id = ? AND gateway = ? AND is_open = 1`, n, id, string(g))
		if err != nil {
			return err
		}
		if changed, err := res.RowsAffected(); err != nil || changed == 0 {
			return err
		}
		seq = n
		_, err = t.exec(`UPDATE answers SET status = ? WHERE alert = ? AND status = ?`, late, id, waiting)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("note that alert %s is lost: %w", id, err)
	}
	return seq, nil
}
