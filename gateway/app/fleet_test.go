package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
)

func crewOf(id, url string) crew {
	return crew{Camera: config.Camera{ID: id, URL: config.NewURL(url), Transport: "tcp"}, Timezone: "UTC", Vision: "/nonexistent"}
}

// TestFleet: a camera runs on over a change of another, and over a change of the
// gateway; one that has changed is another, one that is gone has ended.
func TestFleet(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := newFleet(ctx, slog.New(slog.DiscardHandler))
	f.set([]crew{crewOf("a", "rtsp://127.0.0.1:1/a"), crewOf("b", "rtsp://127.0.0.1:1/b"), crewOf("c", "rtsp://127.0.0.1:1/c")})
	first := f.cameras()
	f.detach()
	gone := f.set([]crew{crewOf("a", "rtsp://127.0.0.1:1/a"), crewOf("b", "rtsp://127.0.0.1:1/other")})
	second := f.cameras()
	if len(second) != 2 || second["a"] != first["a"] || second["b"] == first["b"] || !slices.Equal(gone, []string{"c"}) {
		t.Errorf("gone %v, a stays %v, b is another %v, of %d", gone, second["a"] == first["a"], second["b"] != first["b"], len(second))
	}
	revised := crewOf("a", "rtsp://127.0.0.1:1/a")
	revised.Camera.Grid, revised.Camera.Detect = "7", []config.Rule{{Kind: wire.Tamper, Zone: config.AllZones}}
	f.set([]crew{revised})
	third := f.cameras()
	if s := third["a"].Settings(); third["a"] != first["a"] || s.Grid != "7" || len(s.Detect) != 1 {
		t.Errorf("with other rules it is another camera (%v), or has %+v", third["a"] != first["a"], s)
	}
	elsewhere := revised
	elsewhere.Timezone = "Asia/Shanghai"
	f.set([]crew{elsewhere})
	if f.cameras()["a"] == first["a"] {
		t.Error("in another timezone it is the same camera")
	}
	f.stop()
	if n := len(f.cameras()); n != 0 {
		t.Errorf("%d cameras after the end", n)
	}
}

// TestFleetWaits: what a camera tells while the gateway begins again waits for
// the new one, and gives up when the gateway ends.
func TestFleetWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFleet(ctx, slog.New(slog.DiscardHandler))
		told := make(chan *App, 1)
		go func() {
			_ = f.with(ctx, func(a *App) error { told <- a; return nil })
		}()
		synctest.Wait()
		if len(told) != 0 {
			t.Error("told nobody")
		}
		next := new(App)
		f.attach(next)
		if got := <-told; got != next {
			t.Error("told another")
		}
		f.detach()
		failed := make(chan error, 1)
		go func() { failed <- f.with(context.WithoutCancel(ctx), func(*App) error { return nil }) }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, errNobody) {
			t.Errorf("got %v", err)
		}
	})
}
