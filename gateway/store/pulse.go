package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

func pulseTables() Migration {
	return Migration{Component: "pulse", Steps: []string{
		`CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT`, // Unix milliseconds
	}}
}

// PutPulse writes the least that shows that the database takes something.
func PutPulse(ctx context.Context, tx *sql.Tx, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at`, at.UnixMilli())
	if err != nil {
		return fmt.Errorf("write a pulse: %w", err)
	}
	return nil
}

// Wrote returns when a transaction last became durable; zero if none has.
func (s *Store) Wrote() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote
}

// DiskState returns what can be written, as it was last looked at.
func (s *Store) DiskState() DiskState {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return s.disk.state
}
