package strict

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Duration is a time span such as 30s or 5m, of at least 0 and at most
// MaxDuration.
type Duration time.Duration

// MaxDuration is the longest time span of a file.
const MaxDuration = Duration(90 * 24 * time.Hour)

// ParseDuration reads a time span of hours, minutes, seconds and milliseconds
// such as 1h30m. A number without a unit is refused, since nobody can tell
// seconds from minutes there.
func ParseDuration(s string) (Duration, error) {
	v, f := parseDuration(s)
	if f != nil {
		return 0, f.Err(s)
	}
	return v, nil
}

func parseDuration(s string) (Duration, *Flaw) {
	if s != "" && strings.Trim(s, "0123456789.") == "" {
		return 0, &Flaw{Key: "config.duration.unit", Quote: true}
	}
	v, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, &Flaw{Key: "config.duration.form", Quote: true}
	case v < 0:
		return 0, &Flaw{Key: "config.duration.negative"}
	case Duration(v) > MaxDuration:
		return 0, &Flaw{Key: "config.duration.long", Args: []any{MaxDuration.String()}}
	}
	return Duration(v), nil
}

// String returns the span without empty parts, 5m and not 5m0s.
func (v Duration) String() string {
	s := time.Duration(v).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String.
func (v Duration) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is ParseDuration.
func (v *Duration) UnmarshalText(b []byte) (err error) {
	*v, err = ParseDuration(string(b))
	return err
}

// DecodeNode is ParseDuration.
func (v *Duration) DecodeNode(d *Document, n ast.Node, path string) {
	if s, ok := d.Text(n, path); ok {
		got, f := parseDuration(s)
		d.Flaw(path, f, s)
		if f == nil {
			*v = got
		}
	}
}
