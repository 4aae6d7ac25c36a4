package control

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
)

func serve(t *testing.T, dir string, raise func(context.Context, alert.Event) (alert.Alert, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{Dir: dir, Device: "gw-1", Raise: raise, Now: time.Now}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the server ended with %v", err)
		}
	})
	// The socket's file is there a moment before anybody answers.
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		res, err := clientOf(dir).Get("http://control/")
		if err == nil {
			_ = res.Body.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestRaise(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"short": t.TempDir(), "too long for a socket": long} {
		t.Run(name, func(t *testing.T) {
			var got alert.Event
			serve(t, dir, func(_ context.Context, e alert.Event) (alert.Alert, error) {
				got = e
				return alert.Alert{ID: e.ID}, nil
			})
			id, err := Raise(t.Context(), dir, Request{ID: "01JQ", Kind: Test, Severity: 2})
			if err != nil || id != "01JQ" {
				t.Fatalf("got %q, %v", id, err)
			}
			if got.Device != "gw-1" || got.Kind != "test" || got.Severity != 2 || got.Detected.IsZero() {
				t.Errorf("raised %+v", got)
			}
			if fi, err := os.Stat(filepath.Join(dir, "control.sock")); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("socket: %v, %v", fi.Mode(), err)
			}
		})
	}
}

func TestRaiseRefused(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, func(context.Context, alert.Event) (alert.Alert, error) {
		return alert.Alert{}, alert.ErrInvalid
	})
	for _, req := range []Request{{Kind: "earthquake", Severity: 1}, {Kind: Test, Severity: 9}} {
		if _, err := Raise(t.Context(), dir, req); !errors.Is(err, ErrRefused) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

func TestNotRunning(t *testing.T) {
	if _, err := Raise(t.Context(), t.TempDir(), Request{Kind: Test}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

// TestAskedAgain lets the first answer be lost on its way, as when the gateway
// is killed right after the commit.
func TestAskedAgain(t *testing.T) {
	dir := t.TempDir()
	var ids []string
	serve(t, dir, func(_ context.Context, e alert.Event) (alert.Alert, error) {
		ids = append(ids, e.ID)
		if len(ids) == 1 {
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		return alert.Alert{ID: e.ID}, nil
	})
	id, err := Raise(t.Context(), dir, Request{ID: "A", Kind: Test, Severity: 1})
	if err != nil || id != "A" || len(ids) != 2 || ids[1] != "A" {
		t.Errorf("got %q, %v after asking for %v", id, err, ids)
	}
}
