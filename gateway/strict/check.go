package strict

import (
	"slices"
	"strings"
)

// Required reports path if the file has nothing there.
func (d *Document) Required(path string, empty bool) bool {
	if empty && d.Sound(path) {
		d.Fault(path, "config.missing")
	}
	return !empty
}

// OneOf checks that s is one of the values and reports whether it is.
func (d *Document) OneOf(path, s string, values ...string) bool {
	if slices.Contains(values, s) || !d.Sound(path) {
		return d.Sound(path)
	}
	shown := d.Shown(path, s)
	if near := Nearest(s, values); near != "" && d.marks[path].raw == "" {
		d.Fault(path, "config.value.near", shown, near)
	} else {
		d.Fault(path, "config.value", shown, strings.Join(values, ", "))
	}
	return false
}

// Span checks that v is within bounds.
func (d *Document) Span(path string, v, least, most Duration) {
	if d.Sound(path) && (v < least || v > most) {
		d.Fault(path, "config.duration.range", least.String(), most.String())
	}
}

// Between checks a number.
func (d *Document) Between(path string, v, least, most int) {
	if d.Sound(path) && (v < least || v > most) {
		d.Fault(path, "config.range", least, most)
	}
}
