package device

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/gateway/command"
	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
)

// TestArming: what is disarmed raises nothing, over restarts too; what is so when it is armed
// counts from then.
func TestArming(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		arm := func(kind string) {
			r := command.Request{Type: kind, Body: []byte(`{"area":"night"}`)}
			handle := map[string]command.Handler{"arm": s.HandleArm, "disarm": s.HandleDisarm}[kind]
			if err := s.Store.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := handle(t.Context(), tx, r)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			s.Carry(r, nil)
		}
		arm("disarm")
		s.drv.say("3", "smoke=1")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		s.end()
		s = open(t, dir)
		if s.Armed()["night"] {
			t.Error("armed after a restart")
		}
		s.drv.say("3", "smoke=1")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		arm("arm")
		time.Sleep(4 * time.Second)
		s.alerts.since(t)
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "a smoke 3 1")
		s.end()
	})
}

// TestSchedule: a rule is armed by the clock on the wall; what began before goes on after.
func TestSchedule(t *testing.T) {
	night, err := config.ParseSchedule("01:00-02:00")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { // it is midnight
		st, err := store.Open(t.Context(), dir, Schema())
		if err != nil {
			t.Fatal(err)
		}
		alerts := &told{store: st}
		h, err := New(t.Context(), Config{
			Sensors: sensors()[2:], Alerts: alerts, Store: st, Location: time.UTC, Log: slog.New(slog.DiscardHandler),
			Rules: []Rule{{ID: "r", Kind: "smoke", Severity: 2, When: when(t, "a.smoke"), Schedule: night}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = h.Run(ctx)
		}()
		h.Take("a", Message{Values: []Value{{Quantity: "smoke", Number: 1}}})
		time.Sleep(59 * time.Minute)
		alerts.since(t)
		time.Sleep(2 * time.Minute)
		alerts.since(t, "a smoke 2 1")
		time.Sleep(2 * time.Hour)
		h.Take("a", Message{Values: []Value{{Quantity: "smoke", Number: 0}}})
		alerts.since(t, "end alert-1")
		cancel()
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}
