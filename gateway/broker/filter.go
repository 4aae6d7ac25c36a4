package broker

import "strings"

// covers reports whether every topic that the filter asked falls under the
// filter granted, both by MQTT 3.1.1, 4.7. A topic is a filter too. Topics of the
// broker itself ($SYS, $share) are covered by none.
func covers(granted, asked string) bool {
	if strings.HasPrefix(asked, "$") {
		return false
	}
	for {
		g, moreG, hasG := strings.Cut(granted, "/")
		a, moreA, hasA := strings.Cut(asked, "/")
		switch {
		case g == "#":
			return true
		case a == "#", a == "+" && g != "+", g != "+" && g != a:
			return false
		case !hasG && !hasA:
			return true
		case !hasA: // "a/#" is for "a" too
			return moreG == "#"
		case !hasG:
			return false
		}
		granted, asked = moreG, moreA
	}
}

// validFilter reports whether f is a filter by MQTT 3.1.1, 4.7.1, that does not
// begin with $ or a slash.
func validFilter(f string) bool {
	if f == "" || len(f) > 1024 || strings.ContainsRune(f, 0) || strings.HasPrefix(f, "/") || strings.HasPrefix(f, "$") {
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
