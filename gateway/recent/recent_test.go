package recent

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

type secret struct{}

func (secret) LogValue() slog.Value { return slog.StringValue("***") }

func TestFind(t *testing.T) {
	var l Log
	var out strings.Builder
	log := slog.New(l.Handler(slog.NewTextHandler(&out, nil)))
	log.Debug("not taken by the level")
	log.With("camera", "东门").Warn("Refused", "password", secret{})
	log.WithGroup("g").Error("broke", "why", fmt.Errorf("x"))
	if got := l.Find(slog.LevelDebug, ""); len(got) != 2 || got[0].Text != "broke g.why=x" || got[1].Text != "Refused camera=东门 password=***" {
		t.Errorf("%+v", got)
	}
	if got := l.Find(slog.LevelError, ""); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if got := l.Find(slog.LevelDebug, "refused"); len(got) != 1 || !strings.Contains(out.String(), "Refused") {
		t.Errorf("%+v", got)
	}
	for i := range 3 * keep {
		log.Info("line", "n", i, "long", strings.Repeat("长", maxLine))
	}
	got := l.Find(slog.LevelDebug, "line n=")
	if len(got) != maxAnswer || !strings.HasPrefix(got[0].Text, fmt.Sprintf("line n=%d ", 3*keep-1)) || len(got[0].Text) > maxLine+3 || len(l.lines) != keep {
		t.Errorf("%d, %.40s", len(got), got[0].Text)
	}
}
