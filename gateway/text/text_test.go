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
	if got := Reading(English, "water_level"); got == "water_level" {
		t.Errorf("got %q", got)
	}
	if got := State(English, "unheard"); got != "unheard" {
		t.Errorf("got %q", got)
	}
}
