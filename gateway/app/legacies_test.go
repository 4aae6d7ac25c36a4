package app

import (
	"log/slog"
	"testing"

	"sentrybox/gateway/config"
)

// TestLegacies: what a vision process leaves is for the next one of the same picture alone.
func TestLegacies(t *testing.T) {
	l, log := legacies{}, slog.New(slog.DiscardHandler)
	cam := crewOf("a", "rtsp://127.0.0.1:1/a").Camera
	first := l.of(&cam, log)
	if first == nil {
		t.Fatal("there is none")
	}
	cam.Confirm = config.ConfirmOff
	if l.of(&cam, log) != first {
		t.Error("without a detector it is another")
	}
	cam.Privacy = config.Polygons{{{0, 0}, {1, 0}, {1, 1}}}
	second := l.of(&cam, log)
	if second == first {
		t.Error("of other parts of the picture it is the same")
	}
	cam.DetectURL = config.NewURL("rtsp://127.0.0.1:1/b")
	if l.of(&cam, log) == second {
		t.Error("of another stream it is the same")
	}
	l.forget("a")
	l.forget("b")
	if len(l) != 0 {
		t.Errorf("%d are left", len(l))
	}
}
