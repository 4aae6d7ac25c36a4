package command

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

func service(t *testing.T, h Handler) *Service {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Migration{Component: "outbox", Steps: outbox.Schema()}, Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	box, err := outbox.New(t.Context(), st.DB(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Store: st, Outbox: box, Now: time.Now, Log: slog.New(slog.DiscardHandler), Handlers: map[string]Handler{"do": h}}
}

// replies takes what waits in the outbox.
func replies(t *testing.T, s *Service) (got []string) {
	t.Helper()
	items, err := s.Outbox.Next(t.Context(), 100, outbox.Reply, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		got = append(got, it.Topic+" "+string(it.Payload))
		if err := s.Outbox.Done(t.Context(), it.Seq); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// TestOnce: a command is carried out once and answered each time, also when the
// first try failed.
func TestOnce(t *testing.T) {
	calls, fail := 0, true
	s := service(t, func(context.Context, *sql.Tx, Request) (any, error) {
		calls++
		if fail {
			return nil, errors.New("disk full")
		}
		return map[string]int{"call": calls}, nil
	})
	if err := s.Take(t.Context(), "cmd/a", []byte(`{"type":"do"}`), false); err == nil {
		t.Error("a failure is no error")
	}
	fail = false
	for range 3 {
		if err := s.Take(t.Context(), "cmd/a", []byte(`{"type":"do"}`), false); err != nil {
			t.Fatal(err)
		}
		got := replies(t, s)
		if want := `cmd/a/result {"call":2,"id":"a","state":"accepted","type":"do"}`; len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %s", got, want)
		}
	}
	if calls != 2 {
		t.Errorf("carried out %d times", calls)
	}
}

func TestIdentifiers(t *testing.T) {
	s := service(t, func(context.Context, *sql.Tx, Request) (any, error) {
		t.Error("carried out")
		return nil, nil
	})
	for _, id := range []string{"", "a b", "ä", fmt.Sprintf("%065d", 0)} {
		if err := s.Take(t.Context(), "cmd/"+id, []byte(`{"type":"do"}`), false); err != nil || len(replies(t, s)) > 0 {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestBounded: identifiers are not remembered without end.
func TestBounded(t *testing.T) {
	s := service(t, func(context.Context, *sql.Tx, Request) (any, error) { return nil, nil })
	_, err := s.Store.DB().Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO commands SELECT 'old' || i, ?, x'7b7d' FROM n`, maxRows+10, time.Now().UnixMilli()-1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Take(t.Context(), "cmd/a", []byte(`{"type":"do"}`), true); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := s.Store.DB().QueryRow(`SELECT count(*) FROM commands`).Scan(&n); err != nil || n > maxRows {
		t.Errorf("%d, %v", n, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"type":"do","expires":"2026-03-01T12:00:00Z"}`, `{}`, `[`, `{"type":1}`, `{"type":"\ud800"}`} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := Parse(payload, now)
		if err != nil {
			if errors.As(err, new(*Refusal)) {
				return
			}
			t.Fatalf("%v is no refusal", err)
		}
		if r.Expires.IsZero() || r.Expires.Sub(now) > maxLife {
			t.Errorf("expires %v", r.Expires)
		}
		b, err := Result("x", r.Type, "refused", map[string]string{"error": "x"})
		if err != nil || !json.Valid(b) {
			t.Errorf("%s, %v", b, err)
		}
	})
}
