package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/uplink/outbox"
)

// built returns an App that is built and does not run.
func built(t *testing.T, cfg *config.Config) *App {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	a := &App{Config: cfg, Log: log, fleet: newFleet(t.Context(), log), estate: newEstate(t.Context(), log)}
	if err := a.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close(context.WithoutCancel(t.Context())) })
	if err := a.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func raiseOne(t *testing.T, a *App, severity int) string {
	t.Helper()
	got, err := a.alerts.Raise(t.Context(), alert.Event{Device: "gate", Kind: "intrusion", Severity: severity, Start: time.Now(), Detected: time.Now(), Confidence: 1})
	if err != nil {
		t.Fatal(err)
	}
	return got.ID
}

// TestDeliveriesAreCounted: the watchdog lives on it, with a short form too.
func TestDeliveriesAreCounted(t *testing.T) {
	for _, short := range []bool{false, true} {
		cfg := parse(t, t.TempDir(), "mqtt://127.0.0.1:1")
		if short {
			cfg.Uplink.Short.LoRa.Port = "/dev/null"
		}
		a := built(t, cfg)
		raiseOne(t, a, 1)
		source := a.source()
		items, err := source.Next(t.Context(), 10, outbox.Metrics, nil)
		if err != nil || len(items) != 3 {
			t.Fatalf("%d items, %v", len(items), err)
		}
		for _, it := range items {
			if err := source.Done(t.Context(), it.Seq); err != nil {
				t.Fatal(err)
			}
		}
		if _, n, _ := a.monitor.Delivery.Snapshot(); n != 3 {
			t.Errorf("with a short form %v: %d deliveries are counted", short, n)
		}
		if waits, err := a.waiting(t.Context()); err != nil || len(waits) != 0 {
			t.Errorf("%v wait, %v", waits, err)
		}
	}
}

// TestDeliveriesAreCountedForEver: what was handed out and replaced before it was sent is forgotten in the end.
func TestDeliveriesAreCountedForEver(t *testing.T) {
	a := built(t, parse(t, t.TempDir(), "mqtt://127.0.0.1:1"))
	s := &timed{Box: a.outbox, store: a.store, monitor: a.monitor, sent: map[int64]alertTimes{}}
	for i := range int64(maxTimed) {
		s.sent[-i] = alertTimes{}
	}
	raiseOne(t, a, 3)
	items, err := s.Next(t.Context(), 10, outbox.Metrics, nil)
	if err != nil || len(items) != 1 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if err := s.Done(t.Context(), items[0].Seq); err != nil {
		t.Fatal(err)
	}
	if _, n, _ := a.monitor.Delivery.Snapshot(); n != 1 || len(s.sent) != 0 {
		t.Errorf("%d deliveries are counted, %d are awaited", n, len(s.sent))
	}
}

// TestDamageThatTheUplinkFinds: nobody else may write for hours.
func TestDamageThatTheUplinkFinds(t *testing.T) {
	cfg := parse(t, t.TempDir(), "mqtt://127.0.0.1:1")
	a := built(t, cfg)
	for range 50 {
		raiseOne(t, a, 3)
	}
	if _, err := a.store.DB().Exec(`PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 0; PRAGMA shrink_memory`); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(cfg.Data, "sentrybox.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	junk := make([]byte, size-4096)
	for i := range junk {
		junk[i] = byte(i*7 + 3)
	}
	if _, err := f.WriteAt(junk, 4096); err != nil {
		t.Fatal(err)
	}
	if items, err := a.source().Next(t.Context(), 10, outbox.Metrics, nil); err == nil {
		t.Fatalf("read from a damaged database: %d items", len(items))
	}
	select {
	case <-a.store.Corrupt():
	default:
		t.Error("nobody is told")
	}
}
