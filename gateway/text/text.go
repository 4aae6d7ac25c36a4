// Package text holds every sentence that a person reads, in Chinese and in
// English. Log lines are for engineers and stay English; they are not here.
package text

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Lang is a language of the catalogue.
type Lang string

// The languages.
const (
	Chinese Lang = "zh"
	English Lang = "en"
)

// FromEnv returns the language that the environment asks for by LC_ALL,
// LC_MESSAGES or LANG: Chinese for zh…, otherwise English.
func FromEnv() Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return Chinese
			}
			return English
		}
	}
	return English
}

// Key names a sentence of the catalogue.
type Key string

// parts are the catalogue: what everybody says, what is wrong in files, what only the technicians' page says,
// and what only some parts of that or the duty room's page say. They have no key in common.
func parts() []map[Key]sentence {
	return []map[Key]sentence{catalogue, configs, profiles, page, finding, duty, see, care, programs, radio, analogue, intercom, field, box, guard, boards, updates, commands}
}

// find looks a sentence up.
func find(key Key) (sentence, bool) {
	for _, part := range parts() {
		if s, ok := part[key]; ok {
			return s, true
		}
	}
	return sentence{}, false
}

// Has says whether the catalogue has the key.
func Has(key Key) bool {
	_, ok := find(key)
	return ok
}

// T returns the sentence of key in language l, with args put in as by
// fmt.Sprintf; {0|alert|alerts} is the first word if the first of args is 1, and the
// second otherwise, as in the scripts of the pages. A key that the catalogue lacks is returned as it is.
func T(l Lang, key Key, args ...any) string {
	s, ok := find(key)
	if !ok {
		return string(key)
	}
	form := s.en
	if l == Chinese {
		form = s.zh
	}
	if len(args) == 0 {
		return form
	}
	return fmt.Sprintf(inflect(form, args), args...)
}

// inflect picks the words of form that go by how many one of args is.
func inflect(form string, args []any) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(form, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		choice, after, closed := strings.Cut(rest, "}")
		parts := strings.Split(choice, "|")
		n, err := strconv.Atoi(parts[0])
		if !closed || len(parts) != 3 || err != nil || n < 0 || n >= len(args) {
			out.WriteString("{")
			form = rest
			continue
		}
		word := parts[2]
		if fmt.Sprint(args[n]) == "1" {
			word = parts[1]
		}
		out.WriteString(word)
		form = after
	}
}

// Below returns the sentences whose keys begin with prefix, by the rest of the key.
func Below(l Lang, prefix string) map[string]string {
	all := map[string]string{}
	for _, part := range parts() {
		for key := range part {
			if rest, ok := strings.CutPrefix(string(key), prefix); ok {
				all[rest] = T(l, key)
			}
		}
	}
	return all
}

// Kind returns the name of an alert kind, such as "intrusion".
func Kind(l Lang, kind string) string {
	key := Key("kind." + kind)
	if !Has(key) {
		return kind
	}
	return T(l, key)
}

// Kinds lists the kinds of alerts that have a name, in order.
func Kinds() (all []string) {
	for _, part := range parts() {
		for key := range part {
			if kind, ok := strings.CutPrefix(string(key), "kind."); ok && !slices.Contains(all, kind) {
				all = append(all, kind)
			}
		}
	}
	slices.Sort(all)
	return all
}

// State returns the name of a device state, such as "refused".
func State(l Lang, state string) string {
	key := Key("state." + state)
	if !Has(key) {
		return state
	}
	return T(l, key)
}

// Reading returns the name of what a sensor measures, such as "water_level".
func Reading(l Lang, name string) string {
	key := Key("reading." + name)
	if !Has(key) {
		return name
	}
	return T(l, key)
}
