package recent

import (
	"log/slog"
	"strconv"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	var l Log
	h := slog.New(l.Handler(slog.NewTextHandler(discard{}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	began := time.Now()
	h.Debug("small")
	h.With("part", "web").Info("Listens", "address", "x")
	h.Warn("hot", "part", "box")
	h.WithGroup("g").Error("broken", "part", "not one")
	for name, c := range map[string]struct {
		f    Filter
		want int
	}{
		"all": {Filter{Least: slog.LevelDebug}, 4}, "level": {Filter{Least: slog.LevelWarn}, 2}, "text": {Filter{Text: "LISTENS address=x"}, 0},
		"words": {Filter{Text: "listens"}, 1}, "part": {Filter{Part: "web"}, 1}, "part of a line": {Filter{Part: "box"}, 1}, "of a group": {Filter{Part: "not one"}, 0},
		"after": {Filter{After: 3}, 1}, "since": {Filter{Since: began.Add(time.Hour)}, 0}, "until": {Filter{Until: began.Add(-time.Hour)}, 0},
	} {
		if got := l.Find(c.f); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := l.Parts(); len(got) != 2 || got[0] != "box" || got[1] != "web" {
		t.Errorf("parts %v", got)
	}
	for i := range 3 * Keep {
		h.Info(strconv.Itoa(i))
	}
	got := l.Find(Filter{})
	if len(got) != maxAnswer || got[0].Text != strconv.Itoa(3*Keep-1) || got[0].N != 3*Keep+4 || got[1].N != got[0].N-1 {
		t.Errorf("%d lines, the first is %+v", len(got), got[0])
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
