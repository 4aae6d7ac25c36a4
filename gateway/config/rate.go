package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// Rate is an amount of bytes a second, such as 8KB/s or 64kbit/s.
type Rate int64

// ParseRate reads a Size with /s behind it, or a number with kbit/s or Mbit/s,
// of 1000 and 1,000,000 bits.
func ParseRate(s string) (Rate, error) {
	v, f := parseRate(s)
	if f != nil {
		return 0, f.Err(s)
	}
	return v, nil
}

func parseRate(s string) (Rate, *strict.Flaw) {
	bad := &strict.Flaw{Key: "config.rate.form", Quote: true}
	amount, ok := strings.CutSuffix(s, "/s")
	if !ok {
		return 0, bad
	}
	for unit, bytes := range map[string]uint64{"kbit": 125, "Mbit": 125_000} {
		if digits, ok := strings.CutSuffix(amount, unit); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 32)
			if err != nil {
				return 0, bad
			}
			return Rate(n * bytes), nil
		}
	}
	v, f := parseSize(amount)
	if f != nil {
		return 0, bad
	}
	return Rate(v), nil
}

// String returns the rate in kbit/s if it is a whole number of them.
func (v Rate) String() string {
	if v%125 == 0 {
		return fmt.Sprintf("%dkbit/s", int64(v/125))
	}
	return fmt.Sprintf("%dB/s", int64(v))
}

// MarshalText returns String.
func (v Rate) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is ParseRate.
func (v *Rate) UnmarshalText(b []byte) (err error) {
	*v, err = ParseRate(string(b))
	return err
}

// DecodeNode is ParseRate.
func (v *Rate) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if s, ok := d.Text(n, path); ok {
		got, f := parseRate(s)
		d.Flaw(path, f, s)
		if f == nil {
			*v = got
		}
	}
}
