// Package shortform brings grave alerts out of the box in a few bytes, by SMS or
// LoRa, when no MQTT uplink has delivered them in time.
//
// It keeps a row for each alert and way in the caller's database: what has been
// sent is not sent again, not after a restart either. A way that cannot say
// whether it has sent something, and a process that ended while it was sending,
// leave an alert that may have gone out: it is sent once more, and not a third
// time. An alert twice is better than none, and both carry its id.
package shortform

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Gravest and Least are the severities that have a short form.
const (
	Gravest = 1
	Least   = 2
)

// Old is the age from which an alert is history and no longer sent.
const Old = 24 * time.Hour

// Errors of a Way.
var (
	// ErrUnsure means that it may have been sent.
	ErrUnsure = errors.New("it may have been sent")
	// ErrNever means that the same will not go through later.
	ErrNever = errors.New("it cannot be sent")
)

// Alert is what a short form says.
type Alert struct {
	ID       string // ULID
	Kind     string
	Device   string
	Zone     string
	Caller   string // of a radio or an intercom
	Place    string // of the caller, if known
	Severity int
	Detected time.Time
	Synced   bool // the clock was set when it was raised
}

// Way is one way out to one receiver.
type Way interface {
	// Name tells it from others, and is the same after a restart.
	Name() string
	// Group is the ways whose Day limit is one.
	Group() string
	// Send blocks until the alert is out. Its error wraps ErrUnsure or ErrNever, or
	// means that it was not sent and may be later.
	Send(ctx context.Context, a Alert) error
	// Limits returns how many alerts the way sends in an hour, and its group in a
	// day; 0 for any number.
	Limits() (hour, day int)
}

// Service watches what waits. Set the fields, then Run.
type Service struct {
	DB    *sql.DB
	Now   func() time.Time
	Log   *slog.Logger
	Ways  []Way
	After time.Duration // how long MQTT has
	// Waiting returns the grave open alerts whose text no broker has taken yet.
	Waiting func(ctx context.Context) ([]Alert, error)

	seen map[string]time.Time // when an alert was first found waiting; of Run alone
}

// Schema returns the steps that make the tables: step i leads from version i to
// version i+1.
func Schema() []string {
	return []string{`
		CREATE TABLE short_form (
			alert TEXT NOT NULL,
			way   TEXT NOT NULL,    -- "mqtt" when a broker has taken it
			grp   TEXT NOT NULL,
			state TEXT NOT NULL,    -- sending, retry, unsure, sent, never
			tries INTEGER NOT NULL,
			at    INTEGER NOT NULL, -- of the last change, Unix milliseconds
			PRIMARY KEY (alert, way)
		) STRICT, WITHOUT ROWID;
		CREATE INDEX short_form_at ON short_form (at);
		CREATE TABLE short_counter (
			name TEXT PRIMARY KEY,
			next INTEGER NOT NULL
		) STRICT, WITHOUT ROWID;`}
}

// The states of a row.
const (
	sending = "sending"
	retry   = "retry"
	unsure  = "unsure"
	sent    = "sent"
	never   = "never"
)

// delivered is the way of alerts that need no short form.
const delivered = "mqtt"

const (
	lookEvery = 2 * time.Second
	keep      = 7 * 24 * time.Hour
	firstWait = 10 * time.Second
	longWait  = 5 * time.Minute
)

// Delivered notes that a broker has taken an alert.
func Delivered(ctx context.Context, db *sql.DB, now time.Time, alerts ...string) error {
	for _, id := range alerts {
		_, err := db.ExecContext(ctx, `INSERT INTO short_form (alert, way, grp, state, tries, at) VALUES (?, ?, '', ?, 0, ?)
			ON CONFLICT DO NOTHING`, id, delivered, sent, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("note that alert %s is delivered: %w", id, err)
		}
	}
	return nil
}

// clockEpoch is where counters begin that grow with the clock: 2025-01-01 UTC.
const clockEpoch = 1_735_689_600

// NextCounter returns a number that is never given twice. It is at least the
// seconds since 2025: a database that comes out of a backup, with a counter of
// last week, does not make receivers take new frames for old ones.
func NextCounter(ctx context.Context, db *sql.DB, name string, now time.Time) (uint32, error) {
	var n int64
	err := db.QueryRowContext(ctx, `INSERT INTO short_counter (name, next) VALUES (?1, max(?2, 0) + 1)
		ON CONFLICT (name) DO UPDATE SET next = max(next, ?2) + 1 RETURNING next - 1`, name, now.Unix()-clockEpoch).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the frames of %s: %w", name, err)
	}
	if n < 0 || n > 1<<32-1 {
		return 0, fmt.Errorf("the frames of %s are all counted: a new key is due", name)
	}
	return uint32(n), nil
}

// Run sends what is due until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	s.seen = map[string]time.Time{}
	// What an earlier process was sending when it ended may be out.
	if _, err := s.DB.ExecContext(ctx, `UPDATE short_form SET state = ? WHERE state = ?`, unsure, sending); err != nil {
		return fmt.Errorf("read what went out in short: %w", err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("short form", "error", err)
		}
	}
}

// look sends everything that is due now.
func (s *Service) look(ctx context.Context) error {
	waiting, err := s.Waiting(ctx)
	if err != nil {
		return err
	}
	now := s.Now()
	seen := make(map[string]time.Time, len(waiting))
	for _, a := range waiting {
		since, ok := s.seen[a.ID]
		if !ok {
			since = now
		}
		seen[a.ID] = since
		// By the alert's own clock if that can be trusted: a restart does not make
		// it wait anew.
		if age := now.Sub(a.Detected); a.Synced && age >= 0 {
			since = a.Detected
		}
		if age := now.Sub(since); age < s.After || age > Old {
			continue
		}
		for _, w := range s.Ways {
			if err := s.send(ctx, w, a); err != nil {
				return err
			}
		}
	}
	s.seen = seen
	_, err = s.DB.ExecContext(ctx, `DELETE FROM short_form WHERE at < ?`, now.Add(-keep).UnixMilli())
	return err
}

// send brings one alert out by one way, if that is due.
func (s *Service) send(ctx context.Context, w Way, a Alert) error {
	state, tries, at, err := s.row(ctx, w, a)
	if err != nil {
		return err
	}
	now := s.Now()
	switch wait := min(firstWait<<min(tries, 10), longWait); {
	case state == sent || state == never || state == unsure && tries > 1:
		return nil
	case state != "" && now.Sub(at) < wait && now.After(at):
		return nil
	}
	full, err := s.full(ctx, w, a.Severity, now)
	if err != nil || full {
		return err
	}
	if err := s.note(ctx, w, a, sending, tries+1); err != nil {
		return err // what cannot be noted could go out for ever
	}
	serr := w.Send(ctx, a)
	switch {
	case serr == nil:
		state = sent
		s.Log.Info("alert sent in short", "id", a.ID, "way", w.Group())
	case errors.Is(serr, ErrNever):
		state = never
	case errors.Is(serr, ErrUnsure), ctx.Err() != nil:
		state = unsure
	default:
		state = retry
	}
	if serr != nil {
		s.Log.Warn("alert not sent in short", "id", a.ID, "way", w.Group(), "state", state, "error", serr)
	}
	return s.note(context.WithoutCancel(ctx), w, a, state, tries+1)
}

// row returns how an alert stands with a way; the state is empty if it does not.
func (s *Service) row(ctx context.Context, w Way, a Alert) (state string, tries int, at time.Time, err error) {
	var milli int64
	err = s.DB.QueryRowContext(ctx, `SELECT state, tries, at FROM short_form WHERE alert = ?1 AND way IN (?2, ?3)
		ORDER BY way = ?3 DESC LIMIT 1`, a.ID, w.Name(), delivered).Scan(&state, &tries, &milli)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, time.Time{}, nil
	}
	if err != nil {
		return "", 0, time.Time{}, fmt.Errorf("read what went out in short: %w", err)
	}
	return state, tries, time.UnixMilli(milli), nil
}

func (s *Service) note(ctx context.Context, w Way, a Alert, state string, tries int) error {
	_, err := s.DB.ExecContext(ctx, `INSERT INTO short_form (alert, way, grp, state, tries, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (alert, way) DO UPDATE SET state = ?4, tries = ?5, at = ?6`,
		a.ID, w.Name(), w.Group(), state, tries, s.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("note what goes out in short: %w", err)
	}
	return nil
}

// full reports whether a way has sent all that it may of a severity for now: a quarter is kept for the
// gravest. What may have gone out counts, but not what a clock that was ahead has dated later than now: that
// would close the way until then.
func (s *Service) full(ctx context.Context, w Way, severity int, now time.Time) (bool, error) {
	hour, day := w.Limits()
	for _, l := range []struct {
		most   int
		column string
		value  string
		since  time.Duration
	}{{hour, "way", w.Name(), time.Hour}, {day, "grp", w.Group(), 24 * time.Hour}} {
		if l.most == 0 {
			continue
		}
		if severity > Gravest {
			l.most -= l.most / 4
		}
		var n int
		err := s.DB.QueryRowContext(ctx, `SELECT count(*) FROM short_form WHERE `+l.column+` = ? AND at > ? AND at <= ? AND state IN (?, ?, ?)`,
			l.value, now.Add(-l.since).UnixMilli(), now.UnixMilli(), sending, unsure, sent).Scan(&n)
		if err != nil {
			return false, fmt.Errorf("count what went out in short: %w", err)
		}
		if n >= l.most {
			return true, nil
		}
	}
	return false, nil
}
