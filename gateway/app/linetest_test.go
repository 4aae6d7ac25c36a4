package app

import (
	"log/slog"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

// TestRaiseTest: each test of the line is an alert of its own, and of no zone.
func TestRaiseTest(t *testing.T) {
	st, err := store.Open(t.Context(), t.TempDir(), store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	box, err := outbox.New(t.Context(), st.DB(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	a := &App{Config: parse(t, t.TempDir(), "mqtt://127.0.0.1:1")}
	a.alerts = &alert.Service{
		Store: st, Outbox: box, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Gateway: "gw-1", Street: "s", Community: "c", FirstLevel: alert.Community, CoolDown: time.Hour,
	}
	first, err := site{a}.RaiseTest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := site{a}.RaiseTest(t.Context())
	if err != nil || second == first {
		t.Errorf("the second is %s, %v", second, err)
	}
	items, err := box.Next(t.Context(), 10, outbox.Alert, nil)
	if err != nil || len(items) != 2 {
		t.Fatalf("%d queued, %v", len(items), err)
	}
	for _, it := range items {
		if got, err := alert.Parse(it.Payload); err != nil || got.Kind != "test" || got.Zone != "" || got.Rev != 1 {
			t.Errorf("%s, %v", it.Payload, err)
		}
	}
}
