// Package budget keeps an uplink within the bytes that its line may carry.
//
// What is counted are bytes on the line, protocol included, in both directions:
// an operator bills them all. A month is one of the calendar. The counts are
// kept in a table of the caller's database and survive restarts; up to FlushEvery
// of them may be missing after a power cut.
//
// Alerts, and the answers to what people ask, are never held back. All else is:
// by the second, so that a slow line is not filled to its brim, and by the month.
package budget

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentrybox/uplink/outbox"
)

// FlushEvery is how often the counts should be written: each write wears the
// flash by some kilobytes.
const FlushEvery = 5 * time.Minute

// Limits is what a line may carry.
type Limits struct {
	Rate  int64 // bytes a second; unlimited when 0
	Month int64 // bytes a calendar month; unlimited when 0
}

// Level says how much of a month's budget is gone.
type Level int

// The levels.
const (
	Ample Level = iota // or there is no budget
	Ahead              // the use is more than a tenth of the budget ahead of the calendar: metrics wait
	Spent              // only alerts and answers go out
)

// String returns the level in lower case.
func (l Level) String() string {
	switch l {
	case Ample:
		return "ample"
	case Ahead:
		return "ahead"
	case Spent:
		return "spent"
	default:
		return fmt.Sprintf("level(%d)", int(l))
	}
}

// Usage is what a line has carried.
type Usage struct {
	Sent, Received           uint64 // since the program started
	MonthSent, MonthReceived uint64 // in this month
	Level                    Level
}

// Meter counts an uplink's bytes and says what its budget allows. Its methods may
// be called from several goroutines.
type Meter struct {
	name   string
	limits Limits
	now    func() time.Time

	mu     sync.Mutex
	total  Usage  // guarded by mu, as is all that follows
	month  string // 2006-01
	sent   uint64 // what the table lacks
	got    uint64
	tokens float64   // bytes, at most burst; below zero after more was sent
	filled time.Time // when tokens were counted last
}

// Schema returns the steps that make the table: step i leads from version i to
// version i+1.
func Schema() []string {
	return []string{`CREATE TABLE uplink_usage (
		name     TEXT NOT NULL,
		month    TEXT NOT NULL,    -- 2006-01
		sent     INTEGER NOT NULL, -- bytes on the line
		received INTEGER NOT NULL,
		PRIMARY KEY (name, month)
	) STRICT, WITHOUT ROWID;`}
}

// Open returns the meter of the uplink called name, with the counts that db has of
// it. now is the clock, whose time zone has the months.
func Open(ctx context.Context, db *sql.DB, name string, limits Limits, now func() time.Time) (*Meter, error) {
	m := &Meter{name: name, limits: limits, now: now}
	t := now()
	m.month, m.filled, m.tokens = monthOf(t), t, m.burst()
	var sent, received int64
	err := db.QueryRowContext(ctx, `SELECT sent, received FROM uplink_usage WHERE name = ? AND month = ?`, name, m.month).
		Scan(&sent, &received)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read the use of uplink %s: %w", name, err)
	}
	m.total.MonthSent, m.total.MonthReceived = uint64(max(sent, 0)), uint64(max(received, 0))
	return m, nil
}

const monthForm = "2006-01"

func monthOf(t time.Time) string { return t.Format(monthForm) }

// turn begins a new month if there is one. It is called with mu held.
func (m *Meter) turn(now time.Time) {
	month := monthOf(now)
	if month == m.month {
		return
	}
	// A box without a battery starts in 1970: what it sent before its clock was
	// set belongs to the month that it turns out to be.
	if m.month > "2025" || month < m.month {
		m.total.MonthSent, m.total.MonthReceived = 0, 0
	}
	m.month = month
}

// Add counts bytes on the line.
func (m *Meter) Add(sent, received uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(m.now())
	m.total.Sent += sent
	m.total.Received += received
	m.total.MonthSent += sent
	m.total.MonthReceived += received
	m.sent += sent
	m.got += received
}

// burst is how many bytes may go at once after a pause: two seconds' worth.
func (m *Meter) burst() float64 { return float64(2 * m.limits.Rate) }

// fill is called with mu held.
func (m *Meter) fill(now time.Time) {
	if d := now.Sub(m.filled); d > 0 {
		m.tokens = min(m.burst(), m.tokens+d.Seconds()*float64(m.limits.Rate))
	}
	m.filled = now
}

// Spend takes n bytes, which are about to be sent, out of the bucket. What is
// urgent may take more than there is: the others wait the longer.
func (m *Meter) Spend(n int) {
	if m.limits.Rate == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fill(m.now())
	m.tokens = max(m.tokens-float64(n), -30*float64(m.limits.Rate)) // half a minute's debt at most
}

// Wait returns how long what is not urgent has to wait now.
func (m *Meter) Wait() time.Duration {
	if m.limits.Rate == 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fill(m.now())
	if m.tokens > 0 {
		return 0
	}
	return time.Duration(-m.tokens/float64(m.limits.Rate)*float64(time.Second)) + time.Millisecond
}

// Lowest returns the lowest lane that the month's budget lets through.
func (m *Meter) Lowest() outbox.Lane {
	switch m.Usage().Level {
	case Spent:
		return outbox.Reply
	case Ahead:
		return outbox.Metrics - 1
	default:
		return outbox.Lane(outbox.Lanes - 1)
	}
}

// Usage returns the counts.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.turn(now)
	u := m.total
	used := float64(u.MonthSent + u.MonthReceived)
	switch most := float64(m.limits.Month); {
	case most == 0:
	case used >= most:
		u.Level = Spent
	case used > most*(elapsed(now)+0.1):
		u.Level = Ahead
	}
	return u
}

// elapsed returns the share of the month that is over, from 0 to 1.
func elapsed(now time.Time) float64 {
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	return float64(now.Sub(first)) / float64(first.AddDate(0, 1, 0).Sub(first))
}

// keepMonths is how many months the table has.
const keepMonths = 13

// Flush writes the counts, if there is anything new.
func (m *Meter) Flush(ctx context.Context, db *sql.DB) error {
	m.mu.Lock()
	month, sent, got := m.month, m.sent, m.got
	m.mu.Unlock()
	if sent+got == 0 {
		return nil
	}
	_, err := db.ExecContext(ctx, `INSERT INTO uplink_usage (name, month, sent, received) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (name, month) DO UPDATE SET sent = sent + ?3, received = received + ?4`, m.name, month, int64(sent), int64(got)) // far below 2^63
	if err == nil {
		_, err = db.ExecContext(ctx, `DELETE FROM uplink_usage WHERE name = ? AND month < ?`, m.name,
			monthOf(m.now().AddDate(0, -keepMonths, 0)))
	}
	if err != nil {
		return fmt.Errorf("write the use of uplink %s: %w", m.name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent -= sent
	m.got -= got
	return nil
}
