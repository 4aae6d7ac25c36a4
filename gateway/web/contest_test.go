package web

import (
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

// TestContestIsTold: that another gateway has this one's id is bad, whatever else carries alerts, and is
// said with what to do, in both languages.
func TestContestIsTold(t *testing.T) {
	for phase, words := range map[string]map[text.Lang]string{
		"twin": {text.Chinese: "另一台网关", text.English: "the same id"},
		"cut":  {text.Chinese: "一连上就被断开", text.English: "cut off again and again"},
	} {
		for l, want := range words {
			st := State{Uplinks: []Uplink{{Name: "4g", Phase: phase}, {Name: "dsl", Phase: "online"}}}
			line := uplinkLines(&st, l)[0]
			if line.Level != Bad || !strings.Contains(line.Text, want) || !strings.Contains(line.Hint, map[text.Lang]string{text.Chinese: "编号", text.English: "id"}[l]) {
				t.Errorf("%+v", line)
			}
		}
	}
}
