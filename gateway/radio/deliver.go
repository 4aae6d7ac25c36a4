package radio

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/deliver"
	"sentrybox/gateway/store"
)

// maxDeliveries bounds what waits to be made durable; new alerts may be twice as many.
const maxDeliveries = 1000

// delivery is something to be made durable: a new alert if it has an event, where its caller is (locate), a
// cause that goes on (touch) or is not to be remembered (forget), and otherwise the end of an alert.
type delivery struct {
	system, cause string
	at            time.Time
	event         *alert.Event
	heard         call.Event
	sys           *system

	locate        *alert.Position
	touch, forget bool
	repeat        bool // the event was told before: it is raised only if its alert is closed by now
	closes        bool // the alert is handled with its end
	by            string
}

// deliveries makes durable what radios have to tell.
type deliveries struct {
	deliver.Queue[delivery]
	cfg    *Config
	raised map[string]string // alerts by cause; of Run alone once it runs

	mu   sync.Mutex
	lost map[string]uint64 // guarded by mu: by system
}

func newDeliveries(c *Config) *deliveries {
	d := &deliveries{cfg: c, raised: map[string]string{}, lost: map[string]uint64{}}
	d.Queue = deliver.Queue[delivery]{
		Try: d.try, Most: mostBefore, Lost: d.missed,
		Log: c.Log, What: "what a radio said", About: func(x delivery) slog.Attr { return slog.String("radio", x.system) },
	}
	return d
}

// mostBefore lets new alerts go before what is lost without harm.
func mostBefore(x delivery) int {
	if x.event != nil && !x.repeat {
		return 2 * maxDeliveries
	}
	return maxDeliveries
}

func (d *deliveries) missed(x delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost[x.system]++
}

func (d *deliveries) lostOf(system string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost[system]
}

// load reads what is raised, and returns when each was heard last.
func (d *deliveries) load(ctx context.Context) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	err := d.cfg.Store.Tx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT cause, alert, at FROM radio_alarms`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var cause, id string
			var at int64
			if err := rows.Scan(&cause, &id, &at); err != nil {
				return err
			}
			d.raised[cause], all[cause] = id, time.UnixMilli(at)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read what radios have raised: %w", err)
	}
	return all, nil
}

func (d *deliveries) try(ctx context.Context, x delivery) error {
	switch {
	case x.repeat:
		return d.again(ctx, x)
	case x.event != nil:
		return d.raise(ctx, x)
	case x.locate != nil:
		if id, ok := d.raised[x.cause]; ok {
			return d.cfg.Alerts.Locate(ctx, id, *x.locate)
		}
		return nil
	case x.touch, x.forget:
		err := d.cfg.Store.Tx(ctx, func(tx *sql.Tx) error { return d.note(ctx, tx, x, d.raised[x.cause]) })
		if err == nil && x.forget {
			delete(d.raised, x.cause)
		}
		return err
	}
	return d.end(ctx, x)
}

// note writes down that a cause is raised, or not.
func (d *deliveries) note(ctx context.Context, tx *sql.Tx, x delivery, id string) (err error) {
	switch {
	case x.touch:
		_, err = tx.ExecContext(ctx, `UPDATE radio_alarms SET at = ? WHERE cause = ?`, x.at.UnixMilli(), x.cause)
	case x.event != nil:
		_, err = tx.ExecContext(ctx, `INSERT INTO radio_alarms (cause, alert, at) VALUES (?, ?, ?)
			ON CONFLICT (cause) DO UPDATE SET alert = excluded.alert, at = excluded.at`, x.cause, id, x.at.UnixMilli())
	default:
		_, err = tx.ExecContext(ctx, `DELETE FROM radio_alarms WHERE cause = ?`, x.cause)
	}
	if err != nil {
		return fmt.Errorf("note what a radio has raised: %w", err)
	}
	return nil
}

// again is for an event that was told before. Who calls once more when the alert is closed, calls anew: nobody
// would hear of it otherwise.
func (d *deliveries) again(ctx context.Context, x delivery) error {
	id, raised := d.raised[x.cause]
	closed := !raised
	err := d.cfg.Store.Tx(ctx, func(tx *sql.Tx) error {
		row, found, err := store.AlertByID(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("look whether an alert is open: %w", err)
		}
		closed = closed || found && !row.Open // one that is held is not there yet
		if closed || !x.touch {
			return nil
		}
		return d.note(ctx, tx, x, id)
	})
	if err != nil || !closed {
		return err
	}
	x.touch = false
	return d.raise(ctx, x)
}

func (d *deliveries) raise(ctx context.Context, x delivery) error {
	e := *x.event
	e.Also = func(tx *sql.Tx, id string) error { return d.note(ctx, tx, x, id) }
	got, err := d.cfg.Alerts.Raise(ctx, e)
	if errors.Is(err, alert.ErrHeld) {
		err = nil // it is sent, and made durable later
	}
	if err != nil {
		return err
	}
	d.raised[x.cause] = got.ID
	if x.sys == nil || got.Rev != 1 || d.cfg.Keep == nil {
		return nil
	}
	of := x.sys.described()
	if r, ok := of.Source.(call.Recorder); ok {
		d.cfg.Keep(got.ID, &of, r, x.heard)
	}
	return nil
}

func (d *deliveries) end(ctx context.Context, x delivery) error {
	id, ok := d.raised[x.cause]
	if !ok {
		return nil
	}
	err := d.cfg.Alerts.End(ctx, alert.Ending{
		ID: id, By: x.by, At: x.at, Close: x.closes, Also: func(tx *sql.Tx) error { return d.note(ctx, tx, x, id) },
	})
	if err == nil {
		delete(d.raised, x.cause)
	}
	return err
}
