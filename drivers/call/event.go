package call

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	digitsForm = regexp.MustCompile(`^[0-9A-F*#]+$`)
	inputForm  = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// Check says what is wrong with an Event by the contract; nil if nothing is.
func (e *Event) Check() error {
	switch {
	case !slices.Contains(Kinds(), e.Kind):
		return fmt.Errorf("kind %q", e.Kind)
	case e.At.IsZero():
		return errors.New("no time")
	case (e.Kind == Begin || e.Kind == End) && e.Call == "":
		return errors.New("a call without its name")
	case (e.Kind == Digits || e.Kind == Status) && !digitsForm.MatchString(e.Digits), len(e.Digits) > MaxDigits:
		return fmt.Errorf("digits %q", e.Digits)
	case e.Kind == Text && e.Text == "", len(e.Text) > MaxText, !utf8.ValidString(e.Text):
		return fmt.Errorf("text %q", e.Text)
	case e.Kind == Input && !inputForm.MatchString(e.Input):
		return fmt.Errorf("input %q", e.Input)
	case e.Active && !e.Kind.Stated(), e.Lost && e.Kind != End, e.Urgent && e.Kind != Begin:
		return fmt.Errorf("a flag that %s does not have", e.Kind)
	case e.Kind == Position && e.Position == nil:
		return errors.New("a position without one")
	}
	for _, s := range []string{e.From, e.To, e.Station, e.Channel, e.Call, e.Input} {
		if len(s) > MaxIdentity || !utf8.ValidString(s) {
			return fmt.Errorf("identity %q", s)
		}
	}
	if p := e.Position; p != nil && !p.Valid() {
		return fmt.Errorf("position %v", *p)
	}
	return nil
}

// Valid says whether the position is one on the earth.
func (p *Fix) Valid() bool {
	return math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180 && p.Error >= 0 && !math.IsInf(p.Error, 0)
}

// Clip cuts s to most bytes, and makes valid UTF-8 of it, for what comes from outside.
func Clip(s string, most int) string {
	if s = strings.ToValidUTF8(s, "?"); len(s) <= most {
		return s
	}
	for s = s[:most]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s
}
