// Package evidence keeps what was seen and heard: of each alert from a camera a clip and
// the whole picture, of one from an analogue radio the voice, as files in the data folder, and
// sends them piece by piece to who asks.
//
// A file is written under another name, brought to the disk and renamed; then its
// row, with its SHA-256, and the alert's revision that names it are one
// transaction. A file without a row is what a kill has left, and is removed at
// the next start, unless a damaged database has lost the row, which is then made anew;
// a row without its file is removed too.
//
// # Pieces
//
// A piece is an MQTT message on evidence/{alert}/{part}/{offset}. Its payload is
// one line of JSON, a [Header], a newline, and the bytes. Pieces come in any order,
// each perhaps more than once: a receiver writes each at its offset, and has the
// file when it has every byte and the SHA-256 fits. What is missing after all is
// asked for again from any byte on.
package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sentrybox/gateway/disk"
	"sentrybox/gateway/store"
)

// The parts of an alert's evidence, by the names that they have in alerts.
const (
	Clip    = "clip"    // MP4
	Picture = "picture" // JPEG
	Voice   = "voice"   // WAV
)

// ErrFull means that nothing more is kept: the disk is nearly full, or all that
// is kept belongs to open alerts.
var ErrFull = errors.New("no room for more evidence")

// File is one piece of evidence.
type File struct {
	Alert, Part string
	Name        string // in the folder
	Bytes       int64
	SHA256      string // in hexadecimal
	Created     time.Time
}

func extension(part string) string {
	return map[string]string{Clip: ".mp4", Picture: ".jpg", Voice: ".wav"}[part]
}

func mediaType(part string) string {
	return map[string]string{Clip: "video/mp4", Picture: "image/jpeg", Voice: "audio/wav"}[part]
}

// Schema returns the steps that make the tables; see store.Migration.
func Schema() store.Migration {
	return store.Migration{Component: "evidence", Steps: []string{`
		CREATE TABLE evidence (
			alert   TEXT NOT NULL,
			part    TEXT NOT NULL,
			name    TEXT NOT NULL,
			bytes   INTEGER NOT NULL,
			sha256  TEXT NOT NULL,
			created INTEGER NOT NULL, -- Unix milliseconds
			PRIMARY KEY (alert, part)
		) STRICT, WITHOUT ROWID;
		CREATE INDEX evidence_created ON evidence (created);
		CREATE TABLE evidence_transfers (
			command TEXT PRIMARY KEY,
			alert   TEXT NOT NULL,
			part    TEXT NOT NULL,
			next    INTEGER NOT NULL, -- the first byte that has not been queued
			expires INTEGER NOT NULL, -- Unix milliseconds
			local   INTEGER NOT NULL  -- 1 for who asked at the local broker
		) STRICT, WITHOUT ROWID;`}}
}

// Folder keeps the files.
type Folder struct {
	Dir   string
	Store *store.Store
	Bytes int64         // of all files together, at the most
	Age   time.Duration // of a closed alert's files, at the most
	Floor int64         // bytes of the disk that stay free
	Now   func() time.Time
	Aged  func() bool // whether Now may be believed so far that what is too old goes; always when nil
	Log   *slog.Logger
}

// Open makes the folder and removes what a kill has left: files without a row, and
// rows without a file. See also Folder.adopt.
func (f *Folder) Open(ctx context.Context) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of evidence: %w", err)
	}
	there, err := os.ReadDir(f.Dir)
	if err != nil {
		return fmt.Errorf("read the folder of evidence: %w", err)
	}
	known, err := f.all(ctx)
	if err != nil {
		return err
	}
	for _, e := range there {
		info, err := e.Info()
		if file, ok := known[e.Name()]; ok && err == nil && info.Mode().IsRegular() && info.Size() == file.Bytes {
			delete(known, e.Name())
			continue
		}
		if err == nil && f.lost() && f.adopt(ctx, e.Name(), info) {
			f.Log.Warn("evidence that the damaged database has lost is known again", "file", e.Name())
			continue
		}
		f.Log.Warn("removing what is no evidence", "file", e.Name())
		if err := os.RemoveAll(filepath.Join(f.Dir, e.Name())); err != nil {
			return fmt.Errorf("tidy the folder of evidence: %w", err)
		}
	}
	for _, file := range known {
		f.Log.Warn("evidence is gone", "alert", file.Alert, "part", file.Part)
		if err := f.forget(ctx, file); err != nil {
			return err
		}
	}
	return f.Store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM evidence_transfers WHERE NOT EXISTS
			(SELECT 1 FROM evidence e WHERE e.alert = evidence_transfers.alert AND e.part = evidence_transfers.part)`)
		if err != nil {
			return fmt.Errorf("forget transfers of evidence that is gone: %w", err)
		}
		return nil
	})
}

const fileColumns = `alert, part, name, bytes, sha256, created`

func scanFile(row interface{ Scan(...any) error }) (File, error) {
	var file File
	var created int64
	err := row.Scan(&file.Alert, &file.Part, &file.Name, &file.Bytes, &file.SHA256, &created)
	file.Created = time.UnixMilli(created)
	return file, err
}

// all returns every file by its name.
func (f *Folder) all(ctx context.Context) (map[string]File, error) {
	files := map[string]File{}
	rows, err := f.Store.DB().QueryContext(ctx, `SELECT `+fileColumns+` FROM evidence`)
	if err != nil {
		return nil, fmt.Errorf("read the table of evidence: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		file, err := scanFile(rows)
		if err != nil {
			return nil, fmt.Errorf("read the table of evidence: %w", err)
		}
		files[file.Name] = file
	}
	return files, rows.Err()
}

func (f *Folder) forget(ctx context.Context, file File) error {
	return f.Store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM evidence WHERE alert = ? AND part = ?`, file.Alert, file.Part)
		if err != nil {
			return fmt.Errorf("forget evidence: %w", err)
		}
		return nil
	})
}

// Find returns a file, or false.
func (f *Folder) Find(ctx context.Context, tx *sql.Tx, alert, part string) (File, bool, error) {
	file, err := scanFile(tx.QueryRowContext(ctx, `SELECT `+fileColumns+` FROM evidence WHERE alert = ? AND part = ?`, alert, part))
	if errors.Is(err, sql.ErrNoRows) {
		return File{}, false, nil
	}
	if err != nil {
		return File{}, false, fmt.Errorf("look for evidence: %w", err)
	}
	return file, true, nil
}

// Used returns how many files there are and their bytes.
func (f *Folder) Used(ctx context.Context) (files int, size int64, err error) {
	err = f.Store.DB().QueryRowContext(ctx, `SELECT count(*), coalesce(sum(bytes), 0) FROM evidence`).Scan(&files, &size)
	if err != nil {
		return 0, 0, fmt.Errorf("measure the evidence: %w", err)
	}
	return files, size, nil
}

// Room returns ErrFull if nothing more is to be kept.
func (f *Folder) Room(ctx context.Context) error {
	space, err := disk.Of(f.Dir)
	if err != nil {
		return err
	}
	if space.Free < f.Floor+maxClip {
		return fmt.Errorf("%w: the disk is nearly full", ErrFull)
	}
	if _, size, err := f.Used(ctx); err != nil || size < f.Bytes {
		return err
	}
	if err := f.Sweep(ctx); err != nil {
		return err
	}
	if _, size, err := f.Used(ctx); err != nil || size < f.Bytes {
		return err
	}
	return fmt.Errorf("%w: all of it is of open alerts", ErrFull)
}

// Write makes a file durable. keep makes the row of it, by Insert, and whatever
// else belongs to it; the file is removed if that fails.
func (f *Folder) Write(alert, part string, fill func(io.Writer) error, keep func(File) error) (err error) {
	temp, err := os.CreateTemp(f.Dir, ".new-*")
	if err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	path := temp.Name()
	defer func() {
		if err != nil {
			err = fmt.Errorf("write evidence: %w", errors.Join(err, os.Remove(path)))
		}
	}()
	sum, count := sha256.New(), counter{}
	err = fill(io.MultiWriter(temp, sum, &count))
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	file := File{
		Alert: alert, Part: part, Name: alert + extension(part), Bytes: count.n,
		SHA256: hex.EncodeToString(sum.Sum(nil)), Created: f.Now(),
	}
	if strings.ContainsRune(file.Name, os.PathSeparator) {
		return fmt.Errorf("alert %q", alert)
	}
	named := filepath.Join(f.Dir, file.Name)
	if err := os.Rename(path, named); err != nil {
		return err
	}
	path = named
	if err := disk.SyncDir(f.Dir); err != nil {
		return err
	}
	return keep(file)
}

// Insert makes the row of a file.
func (f *Folder) Insert(ctx context.Context, tx *sql.Tx, file File) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO evidence (`+fileColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
		file.Alert, file.Part, file.Name, file.Bytes, file.SHA256, file.Created.UnixMilli())
	if err != nil {
		return fmt.Errorf("note evidence: %w", err)
	}
	return nil
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// sweepMost bounds one Sweep.
const sweepMost = 500

// Sweep removes the oldest files of closed alerts while there are too many bytes,
// and those that are too old. What is being sent stays.
func (f *Folder) Sweep(ctx context.Context) error {
	_, size, err := f.Used(ctx)
	if err != nil {
		return err
	}
	old, err := f.closed(ctx)
	if err != nil {
		return err
	}
	limit := f.Now().Add(-f.Age)
	if f.Aged != nil && !f.Aged() {
		limit = time.Time{}
	}
	for _, file := range old {
		if size < f.Bytes && !file.Created.Before(limit) {
			break
		}
		// The row first: a file without one is removed at the next start.
		if err := f.forget(ctx, file); err != nil {
			return err
		}
		size -= file.Bytes
		if err := os.Remove(filepath.Join(f.Dir, file.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove old evidence: %w", err)
		}
	}
	return nil
}

// closed returns the files of closed alerts, the oldest first.
func (f *Folder) closed(ctx context.Context) (files []File, err error) {
	rows, err := f.Store.DB().QueryContext(ctx, `SELECT e.alert, e.part, e.name, e.bytes, e.sha256, e.created FROM evidence e
		LEFT JOIN alerts a ON a.id = e.alert WHERE coalesce(a.open, 0) = 0
		AND NOT EXISTS (SELECT 1 FROM evidence_transfers t WHERE t.alert = e.alert AND t.part = e.part)
		ORDER BY e.created LIMIT ?`, sweepMost)
	if err != nil {
		return nil, fmt.Errorf("look for old evidence: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		file, err := scanFile(rows)
		if err != nil {
			return nil, fmt.Errorf("look for old evidence: %w", err)
		}
		files = append(files, file)
	}
	return files, rows.Err()
}
