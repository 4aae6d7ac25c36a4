package device

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sentrybox/gateway/alert"
)

const (
	maxDeliveries = 10_000
	tryAgain      = time.Second
	lastTry       = 5 * time.Second // for what is left when the gateway stops
)

// delivery is something that alarms have to tell.
type delivery struct {
	rule      string
	event     alert.Event
	momentary bool

	again  bool // note once more what is raised, in a database that may not know it
	over   bool // instead
	closes bool
	by     string
	at     time.Time
}

// deliveries makes what alarms tell durable, in their order, each until it is.
type deliveries struct {
	alerts Alerts
	store  Store
	log    *slog.Logger

	raised map[string]string // alerts by rule; of Run alone once it runs

	mu    sync.Mutex
	queue []delivery    // guarded by mu
	lost  uint64        // guarded by mu
	added uint64        // guarded by mu: to the queue so far
	moved chan struct{} // guarded by mu: closed and replaced when one is taken out
	more  chan struct{}
}

func newDeliveries(c *Config) *deliveries {
	return &deliveries{alerts: c.Alerts, store: c.Store, log: c.Log, raised: map[string]string{}, moved: make(chan struct{}), more: make(chan struct{}, 1)}
}

// open reads which rules are raised.
func (d *deliveries) open(ctx context.Context) error {
	return each(ctx, d.store, "read the alarms that are raised", `SELECT rule, alert FROM device_alarms`, func(scan func(...any) error) error {
		var rule, id string
		err := scan(&rule, &id)
		d.raised[rule] = id
		return err
	})
}

// each reads the rows of a query.
func each(ctx context.Context, st Store, what, query string, row func(scan func(...any) error) error) error {
	err := st.Tx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// add queues a delivery. It does not wait.
func (d *deliveries) add(x delivery) {
	d.mu.Lock()
	if len(d.queue) >= maxDeliveries {
		d.lost++
		d.mu.Unlock()
		return
	}
	d.queue = append(d.queue, x)
	d.added++
	d.mu.Unlock()
	select {
	case d.more <- struct{}{}:
	default:
	}
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
	d.queue = d.queue[1:]
	if lost {
		d.lost++
	}
	close(d.moved)
	d.moved = make(chan struct{})
}

// mark returns how many have been added so far.
func (d *deliveries) mark() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.added
}

// wait waits until the first n that were added are durable, but for most at the longest.
func (d *deliveries) wait(n uint64, most time.Duration) {
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for {
		d.mu.Lock()
		through, moved := d.added-uint64(len(d.queue)), d.moved
		d.mu.Unlock()
		if through >= n {
			return
		}
		select {
		case <-moved:
		case <-timeout.C:
			return
		}
	}
}

// Lost returns how many were given up.
func (d *deliveries) Lost() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
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
			d.log.Error("an alarm is not durable yet, trying again", "rule", x.rule, "error", err)
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
			d.log.Error("an alarm was not durable before the end", "rule", x.rule, "error", err)
			d.drop(true)
		}
	}
}

// try delivers the first of the queue, and takes it out if it need not be tried again.
func (d *deliveries) try(ctx context.Context, x delivery) error {
	var err error
	switch {
	case x.again:
		err = d.note(ctx)
	case x.over:
		err = d.end(ctx, x)
	default:
		err = d.raise(ctx, x)
	}
	if errors.Is(err, alert.ErrInvalid) {
		d.log.Error("an alarm cannot be told", "rule", x.rule, "error", err)
		d.drop(true)
		return nil
	}
	if err == nil {
		d.drop(false)
	}
	return err
}

func (d *deliveries) raise(ctx context.Context, x delivery) error {
	e := x.event
	if !x.momentary {
		e.Also = func(tx *sql.Tx, id string) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO device_alarms (rule, alert) VALUES (?, ?)
				ON CONFLICT (rule) DO UPDATE SET alert = excluded.alert`, x.rule, id)
			if err != nil {
				return fmt.Errorf("note the alarm %s: %w", x.rule, err)
			}
			return nil
		}
	}
	got, err := d.alerts.Raise(ctx, e)
	if errors.Is(err, alert.ErrHeld) {
		err = nil // it is sent, and made durable later
	}
	if err == nil && !x.momentary {
		d.raised[x.rule] = got.ID
	}
	return err
}

// note notes which rules are raised.
func (d *deliveries) note(ctx context.Context) error {
	return d.store.Tx(ctx, func(tx *sql.Tx) error {
		for rule, id := range d.raised {
			if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO device_alarms (rule, alert) VALUES (?, ?)`, rule, id); err != nil {
				return fmt.Errorf("note the alarm %s: %w", rule, err)
			}
		}
		return nil
	})
}

// end says that an alarm is over, unless another that is part of the same alert is not.
func (d *deliveries) end(ctx context.Context, x delivery) error {
	id, ok := d.raised[x.rule]
	if !ok {
		return nil
	}
	forget := func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM device_alarms WHERE rule = ?`, x.rule); err != nil {
			return fmt.Errorf("note the end of alarm %s: %w", x.rule, err)
		}
		return nil
	}
	shared := false
	for rule, other := range d.raised {
		shared = shared || rule != x.rule && other == id
	}
	var err error
	if shared {
		err = d.store.Tx(ctx, forget)
	} else {
		err = d.alerts.End(ctx, alert.Ending{ID: id, By: x.by, At: x.at, Close: x.closes, Also: forget})
	}
	if err == nil {
		delete(d.raised, x.rule)
	}
	return err
}
