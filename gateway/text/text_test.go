package text

import (
	"maps"
	"regexp"
	"slices"
	"testing"
)

func TestCataloguePairs(t *testing.T) {
	verb := regexp.MustCompile(`%[^%]`)
	all, n := map[Key]sentence{}, 0
	for _, part := range parts() {
		maps.Copy(all, part)
		n += len(part)
	}
	if len(all) != n {
		t.Error("a key is in two parts")
	}
	for key, s := range all {
		if s.zh == "" || s.en == "" {
			t.Errorf("%s: a language is missing: %q, %q", key, s.zh, s.en)
		}
		if zh, en := verb.FindAllString(s.zh, -1), verb.FindAllString(s.en, -1); !slices.Equal(zh, en) {
			t.Errorf("%s: arguments differ: %q and %q", key, zh, en)
		}
	}
}

func TestLookUp(t *testing.T) {
	t.Setenv("LC_ALL", "")
	t.Setenv("LC_MESSAGES", "")
	t.Setenv("LANG", "zh_CN.UTF-8")
	if got := Kind(FromEnv(), "intrusion"); got != "闯入" {
		t.Errorf("got %q", got)
	}
	if got := T(English, "config.problems", "a.yaml", 2); got != "a.yaml: 2 problems" {
		t.Errorf("got %q", got)
	}
	if got := T(English, "config.problems", "a.yaml", 1); got != "a.yaml: 1 problem" {
		t.Errorf("got %q", got)
	}
	if got := T(English, "backup.contents", "gw", "s", "c", "now", "1.0", 1, uint64(2), 1, 0, 1, 1, 3, "1 MB"); got != "gateway gw (s / c), made now by version 1.0: 1 camera, 2 sensors, 1 user, 0 old configurations, 1 alert (1 open), 3 pictures and clips, 1 MB in all" {
		t.Errorf("got %q", got)
	}
	if got := inflect("{a} {9|x|y} {0|one|many} {", []any{2}); got != "{a} {9|x|y} many {" {
		t.Errorf("got %q", got)
	}
	if got := Reading(English, "water_level"); got == "water_level" {
		t.Errorf("got %q", got)
	}
	if got := State(English, "unheard"); got != "unheard" {
		t.Errorf("got %q", got)
	}
}
