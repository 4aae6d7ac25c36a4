package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
)

// Schema returns the versions of all components' tables of the database in the folder
// dir as one line. It opens the database to read alone, and only while no gateway runs.
func Schema(ctx context.Context, dir string) (string, error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"trusted_schema(0)", "cell_size_check(1)", "query_only(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.Join(dir, dbName), RawQuery: q.Encode()}).String())
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // opened to read alone
	var all sql.NullString
	err = db.QueryRowContext(ctx, `SELECT group_concat(component || '=' || version, ' ') FROM (SELECT component, version FROM schema_version ORDER BY component)`).Scan(&all)
	if err != nil {
		return "", fmt.Errorf("read the versions of the tables: %w", err)
	}
	return all.String, nil
}
