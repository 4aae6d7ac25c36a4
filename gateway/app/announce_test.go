package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
)

// TestAnnouncer: what is told of an alert, once, and only if it is new and grave.
func TestAnnouncer(t *testing.T) {
	dir := t.TempDir()
	phrases := map[string]string{}
	for kind, samples := range map[string]int{config.DefaultPhrase: 100, "smoke": 300} {
		var file bytes.Buffer
		if err := audio.WriteWAV(&file, make([]byte, samples)); err != nil {
			t.Fatal(err)
		}
		phrases[kind] = filepath.Join(dir, kind+".wav")
		if err := os.WriteFile(phrases[kind], file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tx := &config.Transmit{Severity: 2, DTMF: "12", Phrases: phrases}
	an, err := newAnnouncer("base", tx, nil)
	if err != nil {
		t.Fatal(err)
	}
	call := len(an.call)
	if got, want := len(an.sound("smoke")), call+300; call == 0 || got != want || len(an.sound("other")) != call+100 {
		t.Errorf("a call of %d, smoke %d, others %d", call, got, len(an.sound("other")))
	}
	now := time.Now()
	for _, a := range []alert.Alert{
		{ID: "a", Rev: 1, Severity: 2, State: alert.Raised, Kind: "smoke"},
		{ID: "a", Rev: 1, Severity: 2, State: alert.Raised, Kind: "smoke"}, // at another level
		{ID: "b", Rev: 2, Severity: 1, State: alert.Raised},
		{ID: "c", Rev: 1, Severity: 3, State: alert.Raised},
	} {
		if !an.tell(&a, now) {
			t.Errorf("%+v is lost", a)
		}
	}
	if n := len(an.queue); n != 1 {
		t.Errorf("%d are told", n)
	}
	lost := 0
	for i := range 2 * maxAnnounced {
		if !an.tell(&alert.Alert{ID: fmt.Sprint(i), Rev: 1, Severity: 1, State: alert.Raised}, now) {
			lost++
		}
	}
	if lost != maxAnnounced+1 {
		t.Errorf("%d of a flood are lost", lost)
	}
	tx.Phrases["smoke"] = filepath.Join(dir, "none.wav")
	if an, err = newAnnouncer("base", tx, nil); err == nil || !slices.Equal(an.sound("smoke"), an.sound("other")) {
		t.Errorf("without its phrase: %v", err)
	}
}
