package app

import (
	"context"
	"database/sql"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/control"
	"sentrybox/gateway/web"
	"sentrybox/uplink/outbox"
)

// testSeverity is that of an alert that only proves the line.
const testSeverity = 4

// RaiseTest is for web.LineTester.
func (s site) RaiseTest(ctx context.Context) (string, error) {
	now := time.Now()
	a, err := s.alerts.Raise(ctx, alert.Event{
		ID:     ulid.Make().String(), // its own, so that no earlier test takes it in
		Device: s.Config.Gateway.ID, Kind: control.Test, Severity: testSeverity, Start: now, Detected: now, Confidence: 1, Drill: true,
	})
	return a.ID, err
}

// TestState is for web.LineTester.
func (s site) TestState(ctx context.Context, id string) (st web.TestState, err error) {
	steps, err := s.store.Steps(ctx, id)
	if err != nil {
		return st, err
	}
	if len(steps) == 0 {
		return st, alert.ErrInvalid
	}
	st.Raised = steps[0].At
	for _, step := range steps[1:] {
		if step.Action != "event" && step.Action != "evidence" && step.Action != alert.DrillOver {
			st.Answered, st.By, st.Action = step.At, step.By, step.Action
			break
		}
	}
	err = s.store.Tx(ctx, func(tx *sql.Tx) (err error) {
		st.Waiting, err = s.outbox.Waits(ctx, tx, outbox.Alert, id)
		return err
	})
	return st, err
}
