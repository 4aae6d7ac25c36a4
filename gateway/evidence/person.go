package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sentrybox/gateway/disk"
	"sentrybox/gateway/store"
)

// Between returns the files of a device's alerts, or of all alerts where it is empty, that were made between
// two moments, or whose alert was raised then: a clip is made some time after.
func (f *Folder) Between(ctx context.Context, device string, from, to time.Time) (files []File, err error) {
	first, err := store.Least(from)
	last, err2 := store.Least(to)
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("look for evidence: %w", err)
	}
	rows, err := f.Store.DB().QueryContext(ctx, `SELECT e.alert, e.part, e.name, e.bytes, e.sha256, e.created FROM evidence e
		LEFT JOIN alerts a ON a.id = e.alert WHERE (e.created >= ? AND e.created < ? OR e.alert >= ? AND e.alert < ?) AND (? = '' OR a.device = ?) ORDER BY e.created`,
		from.UnixMilli(), to.UnixMilli(), first, last, device, device)
	if err != nil {
		return nil, fmt.Errorf("look for evidence: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		file, err := scanFile(rows)
		if err != nil {
			return nil, fmt.Errorf("look for evidence: %w", err)
		}
		files = append(files, file)
	}
	return files, rows.Err()
}

// Remove removes a file, and ends what is being sent of it. The alert goes on to say that there was one.
func (f *Folder) Remove(ctx context.Context, file File) error {
	err := f.Store.Tx(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"evidence", "evidence_transfers"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE alert = ? AND part = ?`, file.Alert, file.Part); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget evidence: %w", err)
	}
	if err := os.Remove(filepath.Join(f.Dir, file.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove evidence: %w", err)
	}
	return disk.SyncDir(f.Dir)
}

// Topics is the topic below which the pieces of an alert's evidence are sent.
func Topics(alert string) string { return "evidence/" + alert }
