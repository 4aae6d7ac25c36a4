package broker

import (
	"strings"
	"testing"
)

var filterCases = []struct {
	granted, asked string
	want           bool
}{
	{"a/#", "a/b/c", true}, {"a/#", "a", true}, {"a/#", "a/#", true}, {"a/#", "a/+/c", true}, {"a/#", "#", false}, {"a/#", "+/b", false},
	{"a/+", "a/b", true}, {"a/+", "a/+", true}, {"a/+", "a/#", false}, {"a/+", "a/b/c", false}, {"a/+", "a", false},
	{"a/b", "a/b", true}, {"a/b", "a/+", false}, {"#", "a", true}, {"#", "$SYS/x", false}, {"a/b", "a", false}, {"a/+/c", "a/b/c", true},
	{"a/+/c", "a/b/#", false}, {"#", "$share/g/a", false}, {"a", "", false}, {"a/b/#", "a", false},
}

func TestCovers(t *testing.T) {
	for _, tc := range filterCases {
		if got := covers(tc.granted, tc.asked); got != tc.want {
			t.Errorf("%s covers %s: %v", tc.granted, tc.asked, got)
		}
	}
}

// FuzzCovers: what a filter covers, its topics cannot leave.
func FuzzCovers(f *testing.F) {
	for _, tc := range filterCases {
		f.Add(tc.granted, tc.asked, "b")
	}
	f.Fuzz(func(t *testing.T, granted, asked, level string) {
		if !validFilter(granted) || !validFilter(asked) || strings.ContainsAny(level, "+#/\x00") || strings.HasPrefix(level, "$") {
			return
		}
		if !covers(granted, asked) {
			return
		}
		// A topic that asked stands for.
		topic := strings.ReplaceAll(asked, "+", level)
		if rest, ok := strings.CutSuffix(topic, "#"); ok {
			topic = rest + level + "/" + level
		}
		if !strings.HasPrefix(topic, "$") && !covers(granted, topic) {
			t.Errorf("%q covers %q, but not its topic %q", granted, asked, topic)
		}
	})
}
