package profile

import (
	"math"
	"strconv"

	"sentrybox/gateway/text"
)

// Value is one decoded value.
type Value struct {
	Field  *Field
	Number float64 // unless the field is a text
	Text   string  // of a field that is a text
}

// IsText reports whether the field's values are texts and not numbers.
func (f *Field) IsText() bool { return f.prog.text }

// Is reports whether v is s: the same number or text, or s is v's label in
// either language.
func (v Value) Is(s Scalar) bool {
	if v.Field.IsText() {
		return v.Text == s.Text
	}
	if !s.IsText {
		return v.Number == s.Number
	}
	w, ok := v.Field.prog.labels[v.Number]
	return ok && (w.EN == s.Text || w.ZH == s.Text)
}

// Labelled reports whether the number has a label.
func (v Value) Labelled() bool {
	_, ok := v.Field.prog.labels[v.Number]
	return ok
}

// Selects returns how sure a valid value makes one that the field is what was read:
// in bits, the logarithm of how many numbers of its size stand for one that is valid.
func (f *Field) Selects() float64 {
	p := &f.prog
	valid := math.Inf(1)
	if len(p.labels) > 0 {
		valid = float64(len(p.labels))
	}
	if f.Range.Set && p.kind == integer {
		valid = min(valid, (f.Range.Most-f.Range.Least)/math.Abs(f.Scale.Or(1))+1)
	}
	return max(0, float64(p.width)-math.Log2(valid))
}

// Format returns v for people: its label, or the number with its unit.
func (v Value) Format(l text.Lang) string {
	s := v.Text
	if !v.Field.IsText() {
		if w, ok := v.Field.prog.labels[v.Number]; ok {
			return w.In(l)
		}
		s = FormatNumber(v.Number)
	}
	if v.Field.Unit != "" {
		s += " " + v.Field.Unit
	}
	return s
}

// FormatNumber writes a number with at most 9 decimals, and no zeros at its end.
func FormatNumber(x float64) string {
	return strconv.FormatFloat(tidy(x), 'f', -1, 64)
}

// tidy takes off what binary fractions add: 25.3 for 25.300000000000004.
func tidy(x float64) float64 {
	if math.Abs(x) > 1e6 {
		return x
	}
	return math.Round(x*1e9) / 1e9
}

// Title returns what the value is, in words.
func (f *Field) Title(l text.Lang) string {
	if s := f.Text.In(l); s != "" {
		return s
	}
	return text.Reading(l, f.Name)
}
