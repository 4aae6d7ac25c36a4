package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/alert"
)

// Card is an alert as the page shows it.
type Card struct {
	alert.Alert
	// Where is the gateway's place among all.
	Where     Gateway
	Heard     time.Time
	Confirmed time.Time // when the gateway last spoke of it
	Seq       int64
	Picture   bool
	Answers   []Answer // that wait for the gateway, and the last that was late
}

// State of a gateway.
type State struct {
	Path  Gateway
	State string // online, offline, or "" if it never said
	Since time.Time
	Plans json.RawMessage // by kind; nil without any
	Seq   int64
}

const cardColumns = `alerts.id, gateway, state, heard, confirmed, alerts.seq, doc, EXISTS (SELECT 1 FROM thumbs WHERE thumbs.alert = alerts.id)`

func scanCard(r interface{ Scan(...any) error }) (c Card, err error) {
	var heard, confirmed int64
	var doc []byte
	var state alert.State
	if err := r.Scan(&c.ID, &c.Where, &state, &heard, &confirmed, &c.Seq, &doc, &c.Picture); err != nil {
		return c, err
	}
	if err := json.Unmarshal(doc, &c.Alert); err != nil {
		return c, fmt.Errorf("read alert %s: %w", c.ID, err)
	}
	c.State = state // also one that only we know
	c.Heard, c.Confirmed = moment(heard), moment(confirmed)
	return c, nil
}

// cards reads alerts with what was answered.
func (l *Ledger) cards(ctx context.Context, rest string, args ...any) (all []Card, err error) {
	err = l.query(ctx, func(r *sql.Rows) error {
		c, err := scanCard(r)
		all = append(all, c)
		return err
	}, `SELECT `+cardColumns+` FROM alerts `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	at := map[string]int{}
	for i, c := range all {
		at[c.ID] = i
	}
	// The answers that wait are few, so all of them are read.
	err = l.query(ctx, func(r *sql.Rows) error {
		var a Answer
		var said int64
		if err := r.Scan(&a.ID, &a.Alert, &a.Action, &a.Who, &a.Note, &said, &a.Tries, &a.Status); err != nil {
			return err
		}
		a.At = moment(said)
		if i, ok := at[a.Alert]; ok {
			all[i].Answers = append(all[i].Answers, a)
		}
		return nil
	}, `SELECT id, alert, action, who, note, at, tries, status FROM answers
		WHERE status = ? OR (status = ? AND at > ?) ORDER BY id`, waiting, late, millis(l.now().Add(-time.Hour)))
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	return all, nil
}

// maxOpen bounds how many open alerts a page gets.
const maxOpen = 500

// Open returns the open alerts, the gravest and oldest first, how many there are, and the number up to which nothing
// is missing. At most 500 are returned.
func (l *Ledger) Open(ctx context.Context) (all []Card, total int, seq int64, err error) {
	if seq, err = l.Seq(ctx); err != nil { // first: what comes between is seen again
		return nil, 0, 0, err
	}
	if err = l.row(ctx, `SELECT count(*) FROM alerts WHERE is_open = 1`).Scan(&total); err != nil {
		return nil, 0, 0, fmt.Errorf("count the open alerts: %w", err)
	}
	// Where they are too many, what nobody has answered goes before what somebody has.
	all, err = l.cards(ctx, `WHERE is_open = 1 ORDER BY CASE WHEN severity = 1 THEN 0 WHEN state = 'raised' THEN 1 ELSE 2 END,
		severity, detected, id LIMIT ?`, maxOpen)
	slices.SortFunc(all, func(a, b Card) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), a.DetectedAt.Compare(b.DetectedAt.Time), strings.Compare(a.ID, b.ID))
	})
	return all, total, seq, err
}

// Since returns the alerts that have changed since a number, the oldest change first.
func (l *Ledger) Since(ctx context.Context, seq int64) ([]Card, error) {
	return l.cards(ctx, `WHERE seq > ? ORDER BY seq, id LIMIT ?`, seq, maxOpen)
}

// Seq returns the number of the last change.
func (l *Ledger) Seq(ctx context.Context) (n int64, err error) {
	if err := l.row(ctx, `SELECT n FROM counter`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read the number of the last change: %w", err)
	}
	return n, nil
}

// Alert returns one alert, or ErrUnknown.
func (l *Ledger) Alert(ctx context.Context, id string) (Card, error) {
	all, err := l.cards(ctx, `WHERE id = ?`, id)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%.30q: %w", id, ErrUnknown)
	}
	if err != nil {
		return Card{}, err
	}
	return all[0], nil
}

// Picture returns an alert's thumbnail, a JPEG, or ErrUnknown.
func (l *Ledger) Picture(ctx context.Context, id string) (jpeg []byte, err error) {
	err = l.row(ctx, `SELECT jpeg FROM thumbs WHERE alert = ?`, id).Scan(&jpeg)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("no picture of %.30q: %w", id, ErrUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("read a picture: %w", err)
	}
	return jpeg, nil
}

// Gateways returns what is known of each gateway.
func (l *Ledger) Gateways(ctx context.Context) (all []State, err error) {
	err = l.query(ctx, func(r *sql.Rows) error {
		var s State
		var since int64
		var plans []byte
		if err := r.Scan(&s.Path, &s.State, &since, &plans, &s.Seq); err != nil {
			return err
		}
		s.Since = moment(since)
		if len(plans) > 0 {
			s.Plans = plans
		}
		all = append(all, s)
		return nil
	}, `SELECT path, state, since, plans, seq FROM gateways ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("read the gateways: %w", err)
	}
	return all, nil
}

// Step is a revision of an alert, as it was heard.
type Step struct {
	Rev   int
	At    time.Time
	State alert.State
	Who   string
	Note  string
	Late  alert.Overdue
}

// History returns what has become of an alert, the oldest first: its revisions, and
// what was said of it here.
func (l *Ledger) History(ctx context.Context, id string) (steps []Step, said []Answer, err error) {
	err = l.query(ctx, func(r *sql.Rows) error {
		var s Step
		var at int64
		if err := r.Scan(&s.Rev, &at, &s.State, &s.Who, &s.Note, &s.Late); err != nil {
			return err
		}
		s.At = moment(at)
		steps = append(steps, s)
		return nil
	}, `SELECT rev, at, state, who, note, late FROM steps WHERE alert = ? ORDER BY rev`, id)
	if err == nil {
		err = l.query(ctx, func(r *sql.Rows) error {
			var a Answer
			var at int64
			if err := r.Scan(&a.ID, &a.Action, &a.Who, &a.Note, &at, &a.Tries, &a.Status); err != nil {
				return err
			}
			a.Alert, a.At = id, moment(at)
			said = append(said, a)
			return nil
		}, `SELECT id, action, who, note, at, tries, status FROM answers WHERE alert = ? ORDER BY id`, id)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the history of %s: %w", id, err)
	}
	return steps, said, nil
}

// Unsure returns the open alerts of gateways that are online, of which nothing was heard since
// a time, at most n.
func (l *Ledger) Unsure(ctx context.Context, since time.Time, n int) (all []Card, err error) {
	return l.cards(ctx, `WHERE is_open = 1 AND confirmed < ? AND gateway IN (SELECT path FROM gateways WHERE state = 'online') ORDER BY id LIMIT ?`,
		millis(since), n)
}

// Sweep deletes alerts that were closed and detected before a time, with all that belongs to them, some hundreds
// in each transaction, and pictures that belong to nothing.
func (l *Ledger) Sweep(ctx context.Context, before time.Time) error {
	for {
		n, err := l.sweep(ctx, before)
		if err != nil {
			return fmt.Errorf("delete what is old: %w", err)
		}
		if n < sweepMost {
			return nil
		}
	}
}

const sweepMost = 500

func (l *Ledger) sweep(ctx context.Context, before time.Time) (n int64, err error) {
	err = l.tx(ctx, func(t *tx) error {
		const old = `(SELECT id FROM alerts WHERE is_open = 0 AND detected < ? AND heard < ? ORDER BY id LIMIT ?)`
		ms := millis(before)
		for _, q := range []string{
			`DELETE FROM steps WHERE alert IN ` + old, `DELETE FROM answers WHERE alert IN ` + old,
			`DELETE FROM thumbs WHERE alert IN ` + old, `DELETE FROM alerts WHERE id IN ` + old,
		} {
			res, err := t.exec(q, ms, ms, sweepMost)
			if err == nil {
				n, err = res.RowsAffected() // in the end of alerts
			}
			if err != nil {
				return err
			}
		}
		_, err := t.exec(`DELETE FROM thumbs WHERE alert < ? AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.id = thumbs.alert)`, ulidAt(before))
		if err == nil {
			_, err = t.exec(`DELETE FROM audit WHERE at < ?`, ms)
		}
		if err == nil {
			_, err = t.exec(`DELETE FROM asked WHERE at < ?`, ms)
		}
		return err
	})
	return n, err
}
