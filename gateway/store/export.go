package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ErrForeign means that a database is not one of this program, or has more in it than
// this program puts there.
var ErrForeign = errors.New("not a database of sentrybox")

func components(more []Migration) []Migration {
	return append([]Migration{alertTables(), clockTables(), pulseTables()}, more...)
}

// Export writes the database of the data folder dir to a file of its own, as Backup
// does, but without the rows of the tables in leave. It only reads: a gateway may run.
func Export(ctx context.Context, dir, path string, leave []string, more ...Migration) error {
	keep := map[string]string{}
	for _, table := range leave {
		keep[table] = "false"
	}
	s := &Store{dir: dir, components: append(components(more), Migration{Keep: keep})}
	if err := s.copyTo(ctx, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// Examine checks a database from elsewhere before it is opened to be used: that its
// pages are sound, that no newer program has written it, and that it has no trigger,
// view or virtual table that is not ours, since those would run with our statements.
// It returns ErrForeign or ErrCorrupt if not.
func Examine(ctx context.Context, path string, more ...Migration) error {
	q := url.Values{"mode": {"ro"}, "_pragma": {"trusted_schema(0)", "cell_size_check(1)", "query_only(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := check(ctx, db); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	all := components(more)
	if err := examineSchema(ctx, db, all); err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT component, version FROM schema_version`)
	if err != nil {
		return fmt.Errorf("%w: it has no versions", ErrForeign)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var version int
		if err := rows.Scan(&name, &version); err != nil {
			return fmt.Errorf("%w: %w", ErrForeign, err)
		}
		i := slices.IndexFunc(all, func(m Migration) bool { return m.Component == name })
		if i < 0 || version > len(all[i].Steps) {
			return fmt.Errorf("%w: %.40q at version %d is of a newer program", ErrForeign, name, version)
		}
	}
	return rows.Err()
}

func examineSchema(ctx context.Context, db *sql.DB, all []Migration) error {
	var ours strings.Builder
	for _, m := range all {
		ours.WriteString(strings.Join(m.Steps, "\n") + "\n")
	}
	known := strings.Join(strings.Fields(ours.String()), " ")
	rows, err := db.QueryContext(ctx, `SELECT type, name, coalesce(sql, '') FROM sqlite_master`)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			return fmt.Errorf("%w: %w", ErrForeign, err)
		}
		text = strings.Join(strings.Fields(text), " ")
		plain := kind == "index" || kind == "table" && strings.HasPrefix(text, "CREATE TABLE")
		if !plain && !strings.Contains(known, text) {
			return fmt.Errorf("%w: the %.20s %.40q", ErrForeign, kind, name)
		}
	}
	return rows.Err()
}
