// Package revision takes care of the configuration file while the gateway runs: it
// saves a new one after the same checks as at the start, keeps the old ones, and
// brings the last one back by itself when a change that may lock people out is
// not confirmed in time.
//
// A revision is in the database before the file is replaced, and counts once it has
// been: whatever a power cut interrupts, the file is the old or the new one, and
// what was on trial is on trial again after it.
package revision

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
)

// Errors of saving.
var (
	ErrStale   = errors.New("somebody else has changed the configuration meanwhile")
	ErrSame    = errors.New("nothing is changed")
	ErrUnknown = errors.New("no such revision")
	ErrNoTrial = errors.New("no configuration is on trial")
)

// How long a change is on trial. A change of the page's own address has less: whoever
// is locked out waits for it.
const (
	trialNetwork = 90 * time.Second
	trialOther   = 5 * time.Minute
)

// keepRevisions is how many old configurations are kept.
const keepRevisions = 100

// The states of a revision.
const (
	saving   = "saving"   // it may or may not be in the file
	Trial    = "trial"    // in use, and to be confirmed
	Kept     = "kept"     // confirmed, or of no danger
	Returned = "returned" // was on trial in vain
)

// Revision is one configuration that was in use.
type Revision struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"` // empty: changed by hand, or the first
	Note     string    `json:"note"`
	Sum      string    `json:"sum"` // SHA-256 of it, in hexadecimal
	State    string    `json:"state"`
	Deadline time.Time `json:"deadline,omitzero"` // of a trial
}

// Schema returns the steps that make the table; see store.Migration.
func Schema() store.Migration {
	return store.Migration{Component: "revisions", Steps: []string{`
		CREATE TABLE revisions (
			id       INTEGER PRIMARY KEY,
			at       INTEGER NOT NULL, -- Unix milliseconds
			who      TEXT NOT NULL,
			note     TEXT NOT NULL,
			sum      TEXT NOT NULL,
			state    TEXT NOT NULL,
			deadline INTEGER NOT NULL, -- Unix milliseconds, 0 without
			body     BLOB NOT NULL
		) STRICT;`, `
		CREATE TABLE revision_key (key BLOB NOT NULL) STRICT;`, `
		ALTER TABLE revisions ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0; -- 1: no password of it is left in the clear`}}
}

// Keeper takes care of one file. Set the fields, then Open and Run.
type Keeper struct {
	Path    string
	Store   *store.Store
	Log     *slog.Logger
	Now     func() time.Time
	Running func() *config.Config
	// Apply makes a configuration that has been saved the one in use.
	Apply func(context.Context, *config.Config)

	mu   sync.Mutex    // held while the file is changed
	wake chan struct{} // holds a token when a trial has begun or ended
}

// read returns what is in the file, nothing if there is none: a new box has none.
func (k *Keeper) read() ([]byte, error) {
	body, err := os.ReadFile(k.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return body, nil
}

// Open notes the configuration that is in the file.
func (k *Keeper) Open(ctx context.Context) error {
	k.wake = make(chan struct{}, 1)
	body, err := k.read()
	if err != nil || config.Empty(body) {
		return err
	}
	return k.Store.Tx(ctx, func(tx *sql.Tx) error {
		last, err := newest(ctx, tx)
		if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		switch {
		case last.Sum == sum(body) && last.State != saving:
			return nil
		case last.Sum == sum(body): // the power was cut after the file was replaced
			return setState(ctx, tx, last.ID, Trial, k.Now().Add(trialOther))
		case last.State == saving: // and before
			_, err := tx.ExecContext(ctx, `DELETE FROM revisions WHERE id = ?`, last.ID)
			return err
		}
		_, err = insert(ctx, tx, Revision{At: k.Now(), Sum: sum(body), State: Kept}, body)
		return err
	})
}

// Key returns a key of 32 bytes that is the box's own, made when it is first asked for: what is
// digested under it tells nothing to who has not got it.
func (k *Keeper) Key(ctx context.Context) (key []byte, err error) {
	err = k.Store.Tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT key FROM revision_key`).Scan(&key)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		key = make([]byte, 32)
		_, _ = rand.Read(key) // does not fail
		_, err = tx.ExecContext(ctx, `INSERT INTO revision_key (key) VALUES (?)`, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the key of the configuration's secrets: %w", err)
	}
	return key, nil
}

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}

// Current returns the configuration in the file, and the revision that it is.
func (k *Keeper) Current(ctx context.Context) (Revision, []byte, error) {
	body, err := k.read()
	if err != nil {
		return Revision{}, nil, err
	}
	var r Revision
	err = k.Store.Tx(ctx, func(tx *sql.Tx) (err error) {
		r, err = newest(ctx, tx)
		return err
	})
	if errors.Is(err, ErrUnknown) && config.Empty(body) {
		err = nil
	}
	if r.Sum != sum(body) { // changed by hand since
		r = Revision{Sum: sum(body), State: Kept}
	}
	return r, body, err
}

// Check returns what would be in use, or a *config.Problems.
func (k *Keeper) Check(body []byte) (*config.Config, error) {
	c, err := config.Parse(k.Path, body, config.Environment(k.Path))
	if err == nil {
		err = k.stays(c, body)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// stays checks that the data folder stays: the users, the alerts and this very history are in it.
func (k *Keeper) stays(c *config.Config, body []byte) error {
	if c.Data == k.Running().Data {
		return nil
	}
	return &config.Problems{List: []config.Problem{{File: k.Path, Line: lineOf(body, "data"), Column: 1, Path: "data", Key: "config.data.moved"}}}
}

// Grace returns how long a change to c has to be confirmed in, 0 if it need not be.
func (k *Keeper) Grace(c *config.Config) time.Duration {
	was, will := k.Running().Rest(), c.Rest()
	was.Radios, will.Radios = nil, nil // the page does without them
	switch {
	case reflect.DeepEqual(was, will):
		return 0
	case !reflect.DeepEqual(was.Web, will.Web):
		return trialNetwork
	}
	return trialOther
}

// Save puts body in the place of the configuration with the sum base, and has it
// applied. It returns a *config.Problems, ErrStale or ErrSame if it does not.
func (k *Keeper) Save(ctx context.Context, who, note string, body []byte, base string) (Revision, error) {
	return k.SaveRead(ctx, who, note, body, base, nil)
}

// SaveRead is Save for a body that was read already, as c; nil if it was not.
func (k *Keeper) SaveRead(ctx context.Context, who, note string, body []byte, base string, c *config.Config) (Revision, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // who asks may go; half of it is worse than none
	old, err := k.read()
	if err != nil {
		return Revision{}, err
	}
	switch {
	case sum(old) != base:
		return Revision{}, ErrStale
	case sum(body) == base:
		return Revision{}, ErrSame
	}
	if c == nil {
		c, err = k.Check(body)
	} else {
		err = k.stays(c, body)
	}
	if err != nil {
		return Revision{}, err
	}
	return k.save(ctx, Revision{Who: who, Note: note}, c, old, body, k.Grace(c))
}

// Begin puts body into a file that said nothing until now, which leaves nothing to go back
// to. It is applied when apply is called. It returns a *config.Problems, or ErrStale if the
// file says something.
func (k *Keeper) Begin(ctx context.Context, who string, body []byte) (apply func(), err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	old, err := k.read()
	if err == nil && !config.Empty(old) {
		err = ErrStale
	}
	if err != nil {
		return nil, err
	}
	c, err := k.Check(body)
	if err != nil {
		return nil, err
	}
	if _, err := k.put(ctx, Revision{Who: who}, old, body, 0); err != nil {
		return nil, err
	}
	return func() { k.Apply(ctx, c) }, nil
}

// save is called with mu held.
func (k *Keeper) save(ctx context.Context, r Revision, c *config.Config, old, body []byte, grace time.Duration) (Revision, error) {
	r, err := k.put(ctx, r, old, body, grace)
	if err == nil {
		k.Apply(ctx, c)
	}
	return r, err
}

// put is save without applying it.
func (k *Keeper) put(ctx context.Context, r Revision, old, body []byte, grace time.Duration) (Revision, error) {
	r.At, r.Sum, r.State = k.Now(), sum(body), Kept
	if grace > 0 {
		r.State, r.Deadline = Trial, r.At.Add(grace)
	}
	err := k.Store.Tx(ctx, func(tx *sql.Tx) error {
		last, err := newest(ctx, tx)
		if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		if config.Empty(old) {
			// Nothing that one could go back to.
		} else if last.Sum != sum(old) { // changed by hand
			if _, err := insert(ctx, tx, Revision{At: r.At, Sum: sum(old), State: Kept}, old); err != nil {
				return err
			}
		} else if last.State == Trial {
			// What needs no trial shows that the one before works; another trial does not, and goes
			// back to what somebody has kept.
			state := Kept
			if r.State == Trial {
				state = Returned
			}
			if err := setState(ctx, tx, last.ID, state, time.Time{}); err != nil {
				return err
			}
		}
		first := r
		first.State = saving
		r.ID, err = insert(ctx, tx, first, body)
		return err
	})
	if err != nil {
		return Revision{}, fmt.Errorf("keep the revision: %w", err)
	}
	if err := config.Save(k.Path, body); err != nil {
		return Revision{}, errors.Join(err, k.exec(ctx, `DELETE FROM revisions WHERE id = ?`, r.ID))
	}
	err = k.Store.Tx(ctx, func(tx *sql.Tx) error { return setState(ctx, tx, r.ID, r.State, r.Deadline) })
	if err != nil { // Open settles it
		k.Log.Error("a revision is not marked as in use", "revision", r.ID, "error", err)
	}
	k.Log.Info("the configuration is saved", "revision", r.ID, "by", r.Who, "note", r.Note, "trial", grace)
	k.signal()
	return r, nil
}

func (k *Keeper) exec(ctx context.Context, query string, args ...any) error {
	return k.Store.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

func (k *Keeper) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
