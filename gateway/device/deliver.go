package device

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/deliver"
)

// maxDeliveries bounds what waits to be made durable; grave alarms may be twice as many.
const maxDeliveries = 10_000

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

// deliveries makes what alarms tell durable.
type deliveries struct {
	deliver.Queue[delivery]
	alerts Alerts
	store  Store

	raised map[string]string // alerts by rule; of Run alone once it runs
}

func newDeliveries(c *Config) *deliveries {
	d := &deliveries{alerts: c.Alerts, store: c.Store, raised: map[string]string{}}
	d.Queue = deliver.Queue[delivery]{
		Try: d.try, Most: mostBefore,
		Log: c.Log, What: "an alarm", About: func(x delivery) slog.Attr { return slog.String("rule", x.rule) },
	}
	return d
}

// mostBefore keeps room for grave alarms.
func mostBefore(x delivery) int {
	if !x.over && !x.again && x.event.Severity <= 2 {
		return 2 * maxDeliveries
	}
	return maxDeliveries
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

func (d *deliveries) try(ctx context.Context, x delivery) error {
	switch {
	case x.again:
		return d.note(ctx)
	case x.over:
		return d.end(ctx, x)
	}
	return d.raise(ctx, x)
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
