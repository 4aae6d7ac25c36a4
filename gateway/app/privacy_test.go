package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"sentrybox/drivers/media"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/control"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/web/account"
	"sentrybox/uplink/outbox"
)

// TestPrivacy: what there is of a camera and a time is told; deleted are its pictures, those that wait
// to be sent too, and nothing of another camera; both stand in the audit log.
func TestPrivacy(t *testing.T) {
	data := t.TempDir()
	a := &App{Config: parse(t, data, "mqtt://127.0.0.1:1"), Log: slog.New(slog.DiscardHandler), fleet: newFleet(t.Context(), slog.New(slog.DiscardHandler))}
	a.estate = newEstate(t.Context(), a.Log)
	ctx := t.Context()
	if err := a.open(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.close(context.WithoutCancel(ctx)) }()
	if err := a.build(ctx); err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-time.Second)
	ids := map[string]string{}
	for _, device := range []string{"gate", "yard"} {
		got, err := a.alerts.Raise(ctx, alert.Event{Device: device, Kind: "intrusion", Severity: 2, Start: time.Now(), Detected: time.Now(), Confidence: 1, Thumbnail: []byte("thumb of " + device)})
		if err != nil {
			t.Fatal(err)
		}
		ids[device] = got.ID
		a.evidence.Keep(ctx, evidence.Request{Alert: got.ID, Device: device, Picture: func(context.Context) []byte {
			time.Sleep(10 * time.Millisecond) // it is made after its alert
			return []byte("picture of " + device)
		},
			Record: func(context.Context) ([]media.AccessUnit, error) { return nil, evidence.ErrNoClip }})
	}
	a.evidence.Wait()
	copies := []string{filepath.Join(data, "before-restore"), filepath.Join(data, "sentrybox.db.corrupt-20260301T120000.000"), filepath.Join(data, "sentrybox.db.corrupt-20260301T120000.000-wal")}
	if err := errors.Join(os.MkdirAll(filepath.Join(copies[0], "evidence"), 0o700), os.WriteFile(copies[1], nil, 0o600), os.WriteFile(copies[2], nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	ask := func(from time.Time, device string, remove bool) control.PrivacyReport {
		t.Helper()
		r, err := a.privacy(ctx, control.PrivacyRequest{From: from, To: time.Now().Add(time.Second), Device: device, Delete: remove, By: "王"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask(time.Now().Add(time.Millisecond*500), "", false); len(r.Alerts)+len(r.Files)+r.Waiting+r.Copies != 0 {
		t.Errorf("of a later time: %+v", r)
	}
	if r := ask(begin, "", false); len(r.Alerts) != 2 || len(r.Files) != 2 || r.Waiting != 2 || r.Copies != 2 {
		t.Errorf("of all: %+v", r)
	}
	soon, err := ulid.ParseStrict(ids["gate"])
	if err != nil {
		t.Fatal(err)
	}
	if r, err := a.privacy(ctx, control.PrivacyRequest{From: begin, To: ulid.Time(soon.Time()).Add(time.Millisecond), Device: "gate", By: "王"}); err != nil || len(r.Alerts) != 1 || len(r.Files) != 1 {
		t.Errorf("of a time that ends before the picture was made: %+v, %v", r, err)
	}
	r := ask(begin, "gate", true)
	if len(r.Alerts) != 1 || len(r.Files) != 1 || r.Waiting != 1 || r.Files[0].Alert != ids["gate"] || !bytes.Contains(r.Alerts[0], []byte(ids["gate"])) {
		t.Errorf("of the gate: %+v", r)
	}
	for _, name := range copies {
		if _, err := os.Stat(name); r.Copies != 2 || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%d copies, and %s is there: %v", r.Copies, name, err)
		}
	}
	left, err := os.ReadDir(filepath.Join(data, "evidence"))
	if err != nil || len(left) != 1 || left[0].Name() == r.Files[0].Name {
		t.Errorf("left are %v, %v", left, err)
	}
	if r := ask(begin, "gate", false); len(r.Alerts) != 1 || len(r.Files) != 0 || r.Waiting != 0 {
		t.Errorf("afterwards: %+v", r)
	}
	if n, _, err := a.outbox.Depth(ctx, outbox.Thumbnail); err != nil || n != 1 {
		t.Errorf("%d thumbnails wait, %v", n, err)
	}
	accounts := &account.Accounts{Store: a.store, Dir: data, Log: a.Log, Now: time.Now}
	entries, err := accounts.Entries(ctx, account.Asked{}, 10)
	if err != nil || len(entries) != 5 || entries[1].Action != "privacy.delete" || entries[1].Who != "王" {
		t.Errorf("%+v, %v", entries, err)
	}
}
