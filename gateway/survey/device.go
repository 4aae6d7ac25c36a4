package survey

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"sentrybox/gateway/find"
	"sentrybox/gateway/store"
)

// Device is a device that has been found.
type Device struct {
	find.Candidate
	Seen    time.Time `json:"seen"` // when it was found last
	Ignored bool      `json:"ignored,omitempty"`
	// Template is the ID of the brand template that somebody has chosen, "" for the one
	// that the device's words tell of.
	Template string `json:"template,omitempty"`

	// SigningIn says that it is waited for.
	SigningIn bool `json:"-"`
	// Result is what signing in led to, nil if nobody has of late. It is not written to.
	Result   *find.Result   `json:"-"`
	signedIn time.Time      // when
	pictures map[int][]byte // by channel
}

// Schema returns the steps that make the table; see store.Migration.
func Schema() store.Migration {
	return store.Migration{Component: "survey", Steps: []string{`
		CREATE TABLE found_devices (
			addr TEXT PRIMARY KEY,
			seen INTEGER NOT NULL, -- Unix milliseconds
			doc  TEXT NOT NULL     -- a Device, as JSON
		) STRICT;`}}
}

func (s *Survey) load(ctx context.Context) (map[netip.Addr]*Device, error) {
	all := map[netip.Addr]*Device{}
	return all, s.Store.Tx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT doc FROM found_devices ORDER BY seen DESC LIMIT ?`, mostDevices)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var doc string
			d := &Device{}
			if err := rows.Scan(&doc); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(doc), d); err != nil {
				return err
			}
			all[d.Addr] = d
		}
		return rows.Err()
	})
}

// keep takes in what has been found.
func (s *Survey) keep(ctx context.Context, found []find.Candidate) error {
	now := s.Now()
	var changed []Device
	s.mu.Lock()
	for _, c := range found {
		d := s.devices[c.Addr]
		switch {
		case d != nil: // what it says now counts more than what it said before
			d.Candidate = find.Merge([]find.Candidate{c, d.Candidate})[0]
		case len(s.devices) >= mostDevices:
			continue
		default:
			d = &Device{Candidate: c}
			s.devices[c.Addr] = d
		}
		d.Seen = now
		changed = append(changed, *d)
	}
	s.mu.Unlock()
	return s.save(context.WithoutCancel(ctx), changed...)
}

func (s *Survey) save(ctx context.Context, devices ...Device) error {
	err := s.Store.Tx(ctx, func(tx *sql.Tx) error {
		for i := range devices {
			doc, err := json.Marshal(&devices[i])
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO found_devices (addr, seen, doc) VALUES (?, ?, ?)
				ON CONFLICT (addr) DO UPDATE SET seen = excluded.seen, doc = excluded.doc`,
				devices[i].Addr.String(), devices[i].Seen.UnixMilli(), string(doc))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember devices: %w", err)
	}
	return nil
}

// Change is what somebody says of a device; nil leaves it as it is.
type Change struct {
	Ignored  *bool
	Template *string
}

// Change notes it. It returns ErrUnknown for a device that there is not, and for a
// template.
func (s *Survey) Change(ctx context.Context, addr netip.Addr, c Change) error {
	if c.Template != nil && *c.Template != "" && !slices.ContainsFunc(s.Templates, func(t find.Template) bool { return t.ID == *c.Template }) {
		return ErrUnknown
	}
	s.mu.Lock()
	d := s.devices[addr]
	if d == nil {
		s.mu.Unlock()
		return ErrUnknown
	}
	if c.Ignored != nil {
		d.Ignored = *c.Ignored
	}
	if c.Template != nil {
		d.Template = *c.Template
	}
	kept := *d
	s.mu.Unlock()
	return s.save(ctx, kept)
}

// State returns the job and the devices, in the order of their addresses.
func (s *Survey) State() (Job, []Device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	all := make([]Device, 0, len(s.devices))
	for _, addr := range slices.SortedFunc(maps.Keys(s.devices), netip.Addr.Compare) {
		d := s.devices[addr]
		if d.Result != nil && now.Sub(d.signedIn) > rememberFor {
			d.Result, d.pictures = nil, nil
		}
		all = append(all, *d)
	}
	return s.job, all
}

// Camera returns a picture of a device that was signed in to, by its channel, counted from
// 1, or ErrUnknown.
func (s *Survey) Camera(addr netip.Addr, channel int) (*find.Camera, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.devices[addr]; d != nil && d.Result != nil {
		for i := range d.Result.Cameras {
			if c := &d.Result.Cameras[i]; c.Channel == channel {
				return c, nil
			}
		}
	}
	return nil, ErrUnknown
}
