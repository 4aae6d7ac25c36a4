package radio

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/gateway/alert"
)

const (
	maxDeliveries = 1000
	tryAgain      = time.Second
	lastTry       = 5 * time.Second // for what is left when the gateway stops
)

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
	closes        bool // the alert is handled with its end
	by            string
}

// deliveries are made durable in their order, each until it is.
type deliveries struct {
	cfg    *Config
	raised map[string]string // alerts by cause; of run alone once it runs

	mu    sync.Mutex
	queue []delivery        // guarded by mu
	lost  map[string]uint64 // guarded by mu: by system
	more  chan struct{}
}

func newDeliveries(c *Config) *deliveries {
	return &deliveries{cfg: c, raised: map[string]string{}, lost: map[string]uint64{}, more: make(chan struct{}, 1)}
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

// add queues a delivery. It does not wait. New alerts go before what is lost without harm.
func (d *deliveries) add(x delivery) {
	d.mu.Lock()
	if len(d.queue) >= maxDeliveries && (x.event == nil || len(d.queue) >= 2*maxDeliveries) {
		d.lost[x.system]++
		d.mu.Unlock()
		return
	}
	d.queue = append(d.queue, x)
	d.mu.Unlock()
	select {
	case d.more <- struct{}{}:
	default:
	}
}

func (d *deliveries) lostOf(system string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost[system]
}

func (d *deliveries) first() (delivery, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return delivery{}, false
	}
	return d.queue[0], true
}

func (d *deliveries) drop(lost bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if lost {
		d.lost[d.queue[0].system]++
	}
	d.queue[0] = delivery{}
	d.queue = d.queue[1:]
}

// run delivers until ctx ends, and then once more what is left.
func (d *deliveries) run(ctx context.Context) {
	for ctx.Err() == nil {
		x, ok := d.first()
		if !ok {
			select {
			case <-ctx.Done():
			case <-d.more:
			}
			continue
		}
		if err := d.try(ctx, x); err != nil {
			if ctx.Err() != nil {
				break
			}
			d.cfg.Log.Error("what a radio said is not durable yet, trying again", "radio", x.system, "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(tryAgain):
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
	defer cancel()
	for {
		x, ok := d.first()
		if !ok {
			return
		}
		if err := d.try(ctx, x); err != nil {
			d.cfg.Log.Error("what a radio said was not durable before the end", "radio", x.system, "error", err)
			d.drop(true)
		}
	}
}

// try delivers the first of the queue, and takes it out if it need not be tried again.
func (d *deliveries) try(ctx context.Context, x delivery) error {
	var err error
	switch {
	case x.event != nil:
		err = d.raise(ctx, x)
	case x.locate != nil:
		if id, ok := d.raised[x.cause]; ok {
			err = d.cfg.Alerts.Locate(ctx, id, *x.locate)
		}
	case x.touch, x.forget:
		err = d.cfg.Store.Tx(ctx, func(tx *sql.Tx) error { return d.note(ctx, tx, x, d.raised[x.cause]) })
		if err == nil && x.forget {
			delete(d.raised, x.cause)
		}
	default:
		err = d.end(ctx, x)
	}
	if errors.Is(err, alert.ErrInvalid) {
		d.cfg.Log.Error("what a radio said cannot be told", "radio", x.system, "error", err)
		d.drop(true)
		return nil
	}
	if err == nil {
		d.drop(false)
	}
	return err
}

// note writes down that a cause is raised, or not.
func (d *deliveries) note(ctx context.Context, tx *sql.Tx, x delivery, id string) (err error) {
	switch {
	case x.event != nil:
		_, err = tx.ExecContext(ctx, `INSERT INTO radio_alarms (cause, alert, at) VALUES (?, ?, ?)
			ON CONFLICT (cause) DO UPDATE SET alert = excluded.alert, at = excluded.at`, x.cause, id, x.at.UnixMilli())
	case x.touch:
		_, err = tx.ExecContext(ctx, `UPDATE radio_alarms SET at = ? WHERE cause = ?`, x.at.UnixMilli(), x.cause)
	default:
		_, err = tx.ExecContext(ctx, `DELETE FROM radio_alarms WHERE cause = ?`, x.cause)
	}
	if err != nil {
		return fmt.Errorf("note what a radio has raised: %w", err)
	}
	return nil
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
