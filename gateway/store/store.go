// Package store keeps what the gateway may not lose in one SQLite database.
//
// The database runs in WAL mode with synchronous=FULL: a transaction that has
// committed has been through fsync, and is there after a power cut. There is
// one connection, so transactions are short and queue for each other.
//
// # When the database is lost
//
// Every revision of an alert is in a second file before it counts as durable,
// the journal, which goes on from the last backup. A database that does not pass
// its check is renamed, the newest good backup takes its place, and the journal
// has what came after. It is also read when the database looks sound, for one
// without its log is sound, and old.
//
// # When the disk is full
//
// See [Disk] and [Store.Urgent].
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver "sqlite": pure Go, so the gateway stays one static file

	"sentrybox/gateway/disk"
)

// ErrInUse means that another process has the data folder open.
var ErrInUse = errors.New("the data folder is in use by another sentrybox")

// Migration brings one component's tables up to its version. It runs inside a
// transaction and may be run again on tables of an older version.
type Migration struct {
	Component string
	Steps     []string // Steps[i] leads from version i to i+1
	// Keep says, by table, which rows a backup takes, as an SQL expression: all of
	// a table that it does not name.
	Keep map[string]string
	// Mend is SQL that is run in a backup, since rows are missing there.
	Mend string
}

// Store is an open database.
type Store struct {
	db         *sql.DB
	lock       *os.File
	dir        string
	disk       *Disk
	components []Migration
	journal    journal
	recovery   Recovery
	opened     time.Time

	backupMu    sync.Mutex // held by Backup
	failed      time.Time  // guarded by backupMu: the last backup that failed
	corruptOnce sync.Once
	corrupt     chan struct{}

	mu      sync.Mutex
	wrote   time.Time            // guarded by mu: when a transaction last became durable
	pending map[*sql.Tx][]Record // guarded by mu: revisions of transactions that are open
}

// Open opens the database in the folder dir, makes both if they are missing,
// and brings every component's tables up to date. It returns ErrInUse while
// another process has it open. A database that is damaged is set aside: see
// Recovery.
func Open(ctx context.Context, dir string, more ...Migration) (*Store, error) {
	return OpenDisk(ctx, &Disk{Dir: dir}, more...)
}

// OpenDisk is Open in the folder of a disk with a floor and a reserve. If the
// disk is full the reserve is given up.
func OpenDisk(ctx context.Context, disk *Disk, more ...Migration) (*Store, error) {
	s, err := openOnce(ctx, disk, more)
	if isFull(err) && disk.Release() {
		s, err = openOnce(ctx, disk, more)
	}
	if err != nil {
		return nil, err
	}
	disk.Check()
	return s, nil
}

func openOnce(ctx context.Context, disk *Disk, more []Migration) (*Store, error) {
	dir := disk.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := takeLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Store{
		lock: lock, dir: dir, disk: disk, components: components(more), opened: time.Now(),
		journal: journal{dir: dir, disk: disk}, corrupt: make(chan struct{}), pending: map[*sql.Tx][]Record{},
	}
	_, logErr := os.Stat(s.path() + "-wal")
	if err = s.openSound(ctx); err == nil {
		err = s.migrate(ctx, s.components)
	}
	if err == nil {
		err = s.readJournals(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if logErr == nil {
		// The last process was killed, perhaps between its last commit and the journal.
		s.journal.lacks(true)
	}
	return s, nil
}

// cache is how much of a database SQLite keeps, else up to 2 MB: the system keeps the file's pages too.
const cache = "cache_size(-256)"

func openDB(path string) (*sql.DB, error) {
	disk.Private(path)
	q := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", cache},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", filepath.Dir(path), ErrInUse)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

func (s *Store) migrate(ctx context.Context, all []Migration) error {
	return s.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx,
			`CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`); err != nil {
			return fmt.Errorf("make the table of versions: %w", err)
		}
		for _, m := range all {
			if err := m.run(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m Migration) run(ctx context.Context, tx *sql.Tx) error {
	var have int
	err := tx.QueryRowContext(ctx, `SELECT version FROM schema_version WHERE component = ?`, m.Component).Scan(&have)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the version of %s: %w", m.Component, err)
	}
	if have > len(m.Steps) {
		return fmt.Errorf("the data folder was written by a newer sentrybox (%s at version %d, this one knows %d): install the newer program", m.Component, have, len(m.Steps))
	}
	for i, step := range m.Steps[have:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("bring %s to version %d: %w", m.Component, have+i+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (component, version) VALUES (?, ?)
		ON CONFLICT (component) DO UPDATE SET version = excluded.version`, m.Component, len(m.Steps))
	if err != nil {
		return fmt.Errorf("note the version of %s: %w", m.Component, err)
	}
	return nil
}

// DB returns the database, for a component that keeps its own tables in it.
func (s *Store) DB() *sql.DB { return s.db }

// Tx runs fn in a transaction: all of it is durable when Tx returns nil, and
// nothing of it is there when it returns an error.
func (s *Store) Tx(ctx context.Context, fn func(*sql.Tx) error) error {
	records, err := s.commit(ctx, fn)
	if err != nil {
		s.Noticed(err)
		return err
	}
	s.mu.Lock()
	s.wrote = time.Now()
	s.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	// It is durable in the database, whatever becomes of this. A journal that lacks
	// something asks for a backup.
	_ = s.journal.append(records)
	return nil
}

// Urgent is Tx for what may use the last of the disk: if it is full, the reserve
// is given up and fn is run once more.
func (s *Store) Urgent(ctx context.Context, fn func(*sql.Tx) error) error {
	err := s.Tx(ctx, fn)
	if isFull(err) && s.disk.Release() {
		err = s.Tx(ctx, fn)
	}
	return err
}

// commit runs fn in a transaction and returns the revisions that it has written.
func (s *Store) commit(ctx context.Context, fn func(*sql.Tx) error) (records []Record, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	err = fn(tx)
	s.mu.Lock()
	records = s.pending[tx]
	delete(s.pending, tx)
	s.mu.Unlock()
	if err != nil {
		return nil, errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		// After some errors, such as a full disk, the transaction is open still
		// (sqlite.org/lang_transaction.html), and would swallow the next.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return nil, fmt.Errorf("commit: %w", err)
	}
	return records, nil
}

// ignoreDone drops the error of rolling back what a cancelled context has
// rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// Close closes the database and lets go of the data folder.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	return errors.Join(err, s.journal.close(), s.lock.Close())
}
