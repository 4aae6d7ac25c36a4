// Package ledger keeps what a duty room has heard of alerts, and what it has
// answered, in SQLite or in a PostgreSQL that several consoles share.
//
// Messages come late, twice and in any order. An alert is kept by its identifier
// at its highest revision; everything else is a history. An answer is kept until the
// gateway's own words show that it has arrived.
//
// What changes gets the next number of one sequence, in the order of the commits, so
// that whoever asks for what is above a number misses nothing, whichever console
// has written it.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"sentrybox/gateway/disk"
)

// ErrUnknown means that there is no such alert.
var ErrUnknown = errors.New("no such alert here")

// Ledger is an open ledger. Its methods may be called from several goroutines.
type Ledger struct {
	write, read *sql.DB
	postgres    bool
	now         func() time.Time
}

// Open opens the ledger at a place: a postgres:// URL, or a folder for SQLite, which is made
// if it is missing. now is the clock.
func Open(ctx context.Context, place string, now func() time.Time) (*Ledger, error) {
	l := &Ledger{now: now}
	var err error
	if strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://") {
		l.postgres = true
		if l.write, err = sql.Open("pgx", place); err != nil {
			return nil, errors.New("open the database: its address is no postgres:// URL") // err may hold the password
		}
		l.write.SetMaxOpenConns(8)
		l.read = l.write
	} else if err = l.openSQLite(place); err != nil {
		return nil, err
	}
	if err := l.migrate(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Ledger) openSQLite(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, "duty.db")
	disk.Private(path)
	open := func(lock string) (*sql.DB, error) {
		q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {lock}}
		return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	}
	var err error
	if l.write, err = open("immediate"); err != nil {
		return fmt.Errorf("open the ledger: %w", err)
	}
	l.write.SetMaxOpenConns(1)
	if l.read, err = open("deferred"); err != nil {
		return fmt.Errorf("open the ledger: %w", err)
	}
	l.read.SetMaxOpenConns(4)
	return nil
}

// Close closes the ledger.
func (l *Ledger) Close() error {
	err := l.write.Close()
	if l.read != l.write && l.read != nil {
		err = errors.Join(err, l.read.Close())
	}
	return err
}

// Shared says whether other consoles may write to the ledger too.
func (l *Ledger) Shared() bool { return l.postgres }

// migrateLock is the key of the advisory lock under which consoles that start together
// make the tables: "duty" in ASCII.
const migrateLock = 0x64757479

func (l *Ledger) migrate(ctx context.Context) error {
	return l.tx(ctx, func(tx *tx) error {
		if l.postgres {
			if _, err := tx.exec(`SELECT pg_advisory_xact_lock(?)`, migrateLock); err != nil {
				return fmt.Errorf("wait for the database: %w", err)
			}
		}
		if _, err := tx.exec(`CREATE TABLE IF NOT EXISTS duty_version (n BIGINT NOT NULL)`); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
		var have int
		if err := tx.row(`SELECT coalesce(max(n), 0) FROM duty_version`).Scan(&have); err != nil {
			return fmt.Errorf("read the version of the tables: %w", err)
		}
		all := steps()
		if have > len(all) {
			return fmt.Errorf("the ledger was written by a newer sentrybox (version %d, this one knows %d)", have, len(all))
		}
		for i, step := range all[have:] {
			for statement := range strings.SplitSeq(step, ";") {
				if statement = strings.TrimSpace(l.dialect(statement)); statement == "" {
					continue
				}
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return fmt.Errorf("bring the tables to version %d: %w", have+i+1, err)
				}
			}
		}
		for _, table := range beside() {
			if _, err := tx.exec(table); err != nil {
				return fmt.Errorf("make the tables: %w", err)
			}
		}
		_, err := tx.exec(`INSERT INTO duty_version (n) VALUES (?)`, len(all))
		return err
	})
}

// dialect writes SQL in the words of the database.
func (l *Ledger) dialect(q string) string {
	if !l.postgres {
		return q
	}
	q = strings.ReplaceAll(q, "BLOB", "BYTEA")
	var b strings.Builder
	n := 0
	for _, r := range q {
		if r == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// tx is a transaction that speaks the dialect.
type tx struct {
	*sql.Tx
	l   *Ledger
	ctx context.Context // of the transaction, and gone with it
	seq int64
}

func (t *tx) exec(q string, args ...any) (sql.Result, error) {
	return t.ExecContext(t.ctx, t.l.dialect(q), args...)
}

func (t *tx) row(q string, args ...any) *sql.Row {
	return t.QueryRowContext(t.ctx, t.l.dialect(q), args...)
}

// next returns the number that what changes in this transaction gets. Whoever asks for it first
// holds up all others until the commit, so that the numbers come in its order.
func (t *tx) next() (int64, error) {
	if t.seq == 0 {
		if err := t.row(`UPDATE counter SET n = n + 1 RETURNING n`).Scan(&t.seq); err != nil {
			return 0, fmt.Errorf("number a change: %w", err)
		}
	}
	return t.seq, nil
}

func (l *Ledger) tx(ctx context.Context, fn func(*tx) error) error {
	t, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := fn(&tx{Tx: t, l: l, ctx: ctx}); err != nil {
		if back := t.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, back)
		}
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// query reads rows with scan, one after the other.
func (l *Ledger) query(ctx context.Context, scan func(*sql.Rows) error, q string, args ...any) error {
	rows, err := l.read.QueryContext(ctx, l.dialect(q), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l *Ledger) row(ctx context.Context, q string, args ...any) *sql.Row {
	return l.read.QueryRowContext(ctx, l.dialect(q), args...)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
