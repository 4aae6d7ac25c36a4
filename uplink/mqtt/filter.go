package mqtt

import (
	"strings"
	"unicode/utf8"
)

// validFilter reports whether f is a topic filter by MQTT 3.1.1, 4.7.1: + and #
// stand for whole levels, # only for the last.
func validFilter(f string) bool {
	if f == "" || len(f) > 1024 || !utf8.ValidString(f) || strings.ContainsRune(f, 0) || strings.HasPrefix(f, "/") {
		return false
	}
	levels := strings.Split(f, "/")
	for i, l := range levels {
		if l == "#" && i == len(levels)-1 || l == "+" {
			continue
		}
		if strings.ContainsAny(l, "+#") {
			return false
		}
	}
	return true
}

// matches reports whether a topic falls under a valid filter, by MQTT 3.1.1,
// 4.7.1. Neither starts with $, since a prefix of ours stands before both.
func matches(filter, topic string) bool {
	for {
		f, moreF, hasF := strings.Cut(filter, "/")
		t, moreT, hasT := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t:
			return false
		case !hasF && !hasT:
			return true
		case !hasT: // "a/#" is for "a" too
			return moreF == "#"
		case !hasF:
			return false
		}
		filter, topic = moreF, moreT
	}
}
