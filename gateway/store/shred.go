package store

import (
	"context"
	"errors"
	"fmt"
)

// Shred runs fn, and has what its transactions delete or write over overwritten in the database's file too, rather than
// left there until the space is used again, and the log of writes emptied after that. The last backups of the database in
// its folder keep what they have until their time has come.
func (s *Store) Shred(ctx context.Context, fn func() error) error {
	after := context.WithoutCancel(ctx)
	if _, err := s.db.ExecContext(ctx, `PRAGMA secure_delete = ON`); err != nil {
		return fmt.Errorf("have what is deleted overwritten: %w", err)
	}
	err := fn()
	for _, pragma := range []string{`PRAGMA secure_delete = OFF`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		_, perr := s.db.ExecContext(after, pragma)
		err = errors.Join(err, perr)
	}
	return err
}
