package analogue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/ptt"
)

// speaker is a driver whose channel nobody is on, and that writes what it plays to a file.
func speaker(t *testing.T, change func(*Transmit)) (d *Driver, played string) {
	t.Helper()
	played = filepath.Join(t.TempDir(), "played")
	tx := &Transmit{Key: ptt.Config{VOX: true}, Player: audio.Player{Command: []string{"sh", "-c", `cat >> "$0"`, played}}}
	if change != nil {
		change(tx)
	}
	d, err := New(Config{Open: (&receiver{}).open, Transmit: tx})
	if err != nil {
		t.Fatal(err)
	}
	return d, played
}

// TestSay: what opens a VOX, silence, the sound, silence; and a pause before the next.
func TestSay(t *testing.T) {
	const pause = 300 * time.Millisecond
	d, played := speaker(t, func(tx *Transmit) { tx.Lead, tx.Pause = 100*time.Millisecond, pause })
	sound := make([]int16, audio.Rate/10)
	for i := range sound {
		sound[i] = 1000
	}
	begun := time.Now()
	for range 2 {
		if err := d.Say(t.Context(), sound); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took < pause {
		t.Errorf("two transmissions within %v", took)
	}
	raw, err := os.ReadFile(played)
	if want := 2 * 2 * (count(voxTone) + count(100*time.Millisecond) + len(sound) + count(tailFor)); err != nil || len(raw) != want {
		t.Errorf("%d bytes, want %d; %v", len(raw), want, err)
	}
}

func TestSayNothing(t *testing.T) {
	quiet, err := New(Config{Open: (&receiver{}).open})
	if err != nil {
		t.Fatal(err)
	}
	if err := quiet.Say(t.Context(), nil); !errors.Is(err, ErrMute) {
		t.Errorf("without a transmitter: %v", err)
	}
	busy, played := speaker(t, nil)
	busy.busy.set(true, time.Now())
	if err := busy.Say(t.Context(), nil); !errors.Is(err, ErrBusy) {
		t.Errorf("on a channel in use: %v", err)
	}
	if _, err := os.Stat(played); err == nil {
		t.Error("it speaks though others do")
	}
	waits, _ := speaker(t, func(tx *Transmit) { tx.BusyWait = time.Hour })
	waits.busy.set(true, time.Now())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := waits.Say(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it waits: %v", err)
	}
	broken, _ := speaker(t, func(tx *Transmit) { tx.Player.Command = []string{"sh", "-c", "echo no such card >&2; exit 1"} })
	if err := broken.Say(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no such card") {
		t.Errorf("without a sound card: %v", err)
	}
	long, _ := speaker(t, func(tx *Transmit) {
		tx.Key.Limit, tx.Player.Command = time.Second, []string{"sleep", "600"}
	})
	if err := long.Say(t.Context(), nil); !errors.Is(err, ptt.ErrLetGo) {
		t.Errorf("beyond the limit: %v", err)
	}
}
