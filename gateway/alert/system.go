package alert

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sentrybox/gateway/store"
)

// System is the kind of alerts about the gateway itself. Their Code says what it
// is; the texts are in the catalogue, under "system." and the code.
const System = "system"

// Codes of system alerts, each with its severity.
const (
	DiskLow       = "disk_low"       // 3: only alerts are kept
	DiskFull      = "disk_full"      // 2: the reserve is given up
	DiskReadOnly  = "disk_readonly"  // 1: nothing is durable
	StoreRestored = "store_restored" // 2: the database was damaged, and is back without a loss of alerts
	StoreLost     = "store_lost"     // 1: it was damaged, and alerts may be lost
	MemoryShort   = "memory_short"   // 2: the kernel ends vision processes, so that cameras are not looked at
	Overload      = "overload"       // 3: analysis passes pictures over since the box is too slow
	Overheated    = "overheated"     // 3: the same, since the processor is too hot
)

func systemSeverity(code string) int {
	switch code {
	case DiskReadOnly, StoreLost:
		return 1
	case DiskLow, Overload, Overheated:
		return 3
	default:
		return 2
	}
}

// RaiseSystem raises a system alert, unless one of the code is open.
func (s *Service) RaiseSystem(ctx context.Context, code string) error {
	if _, open, err := s.openSystem(ctx, code); err == nil && open {
		return nil
	}
	now := s.Now()
	_, err := s.Raise(ctx, Event{
		Device: s.Gateway, Kind: System, Code: code, Severity: systemSeverity(code), Start: now, Detected: now, Confidence: 1,
	})
	if errors.Is(err, ErrHeld) {
		return nil // it is sent, and that is what it is for
	}
	return err
}

// SystemOver closes the system alerts of a code, if there are any.
func (s *Service) SystemOver(ctx context.Context, code string) error {
	for {
		a, open, err := s.openSystem(ctx, code)
		if err != nil || !open {
			return err
		}
		if err := s.Answer(ctx, a.ID, Answer{Action: "handled", By: s.Gateway, Note: code}); err != nil {
			return err
		}
	}
}

func (s *Service) openSystem(ctx context.Context, code string) (a store.Alert, open bool, err error) {
	err = s.Store.Tx(ctx, func(tx *sql.Tx) (err error) {
		a, open, err = store.OpenAlert(ctx, tx, s.Gateway, System, code, s.Now())
		return err
	})
	if err != nil {
		return a, false, fmt.Errorf("look for a system alert: %w", err)
	}
	return a, open, nil
}
