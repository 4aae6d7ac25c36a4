package watchdog

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bowl counts how often it is fed.
type bowl struct {
	fed    atomic.Int64
	said   atomic.Value
	closed atomic.Bool
}

func (b *bowl) Feed() error        { b.fed.Add(1); return nil }
func (b *bowl) Status(text string) { b.said.Store(text) }
func (b *bowl) Close() error       { b.closed.Store(true); return nil }

func run(t *testing.T, checks ...Check) (b *bowl, w *Watchdog) {
	t.Helper()
	b = &bowl{}
	w = &Watchdog{Feeders: []Feeder{b}, Every: 5 * time.Second, Patience: time.Minute, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	go func() { _ = w.Run(ctx); done <- struct{}{} }()
	go func() { w.Watch(ctx, checks); done <- struct{}{} }()
	t.Cleanup(func() {
		cancel()
		<-done
		<-done
		if !b.closed.Load() {
			t.Error("the watchdog is not closed at the end")
		}
	})
	return b, w
}

// TestFeedsWhileAllWork: and no longer when one part fails, or does not come back, for longer than
// its patience; and again when it does.
func TestFeedsWhileAllWork(t *testing.T) {
	for name, broken := range map[string]func(ctx context.Context) error{
		"fails":              func(context.Context) error { return errors.New("no picture") },
		"does not come back": func(ctx context.Context) error { <-ctx.Done(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bad atomic.Bool
				mended := make(chan struct{})
				part := Check{Name: "pictures", Look: func(ctx context.Context) error {
					if !bad.Load() {
						return nil
					}
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					go func() {
						select {
						case <-mended:
							cancel()
						case <-ctx.Done():
						}
					}()
					return broken(ctx)
				}}
				b, w := run(t, part, Check{Name: "alerts", Look: func(context.Context) error { return nil }})
				time.Sleep(10*time.Minute + 2*time.Second) // between two looks
				if n := b.fed.Load(); n < 115 || n > 125 {
					t.Errorf("fed %d times in ten minutes", n)
				}
				bad.Store(true)
				time.Sleep(45 * time.Second)
				before := b.fed.Load()
				time.Sleep(6 * time.Second)
				if b.fed.Load() == before {
					t.Error("feeding ends before patience does")
				}
				time.Sleep(20 * time.Second)
				before = b.fed.Load()
				time.Sleep(10 * time.Minute)
				if n := b.fed.Load(); n != before {
					t.Errorf("fed %d times while a part does not work", n-before)
				}
				if s := w.Stuck(); len(s) != 1 || !strings.HasPrefix(s[0], "pictures: ") {
					t.Errorf("stuck: %q", s)
				}
				if s, _ := b.said.Load().(string); !strings.Contains(s, "pictures") {
					t.Errorf("status %q", s)
				}
				bad.Store(false)
				close(mended)
				time.Sleep(time.Minute)
				if b.fed.Load() < before+8 || len(w.Stuck()) > 0 {
					t.Error("feeding does not begin again")
				}
			})
		})
	}
}

// TestStartHasItsTime: no part is watched before the gateway has come up, and one that never comes
// up is not fed for ever.
func TestStartHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bowl{}
		w := &Watchdog{Feeders: []Feeder{b}, Every: 5 * time.Second, Patience: time.Minute, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = w.Run(ctx) }()
		time.Sleep(4 * time.Minute)
		before := b.fed.Load()
		if before < 45 {
			t.Errorf("fed %d times", before)
		}
		time.Sleep(2 * time.Minute)
		before = b.fed.Load()
		time.Sleep(10 * time.Minute)
		if b.fed.Load() != before {
			t.Error("a gateway that does not come up is fed")
		}
		cancel()
		<-done
	})
}

// TestDevice: what a driver sees, in a file that stands for it: food, and the magic byte last.
func TestDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDevice(path, 15*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if d.Timeout() != 15*time.Second {
		t.Errorf("timeout %v", d.Timeout())
	}
	for range 3 {
		if err := d.Feed(); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := os.ReadFile(path); string(b) != "\x00\x00\x00" {
		t.Errorf("%q", b)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "\x00\x00\x00V" {
		t.Errorf("%q", b)
	}
	if _, err := OpenDevice(filepath.Join(path, "none"), time.Minute); err == nil {
		t.Error("no device is one")
	}
}
