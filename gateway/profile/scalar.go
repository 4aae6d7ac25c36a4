package profile

import (
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// Words is a text for people in Chinese and English.
type Words struct {
	ZH string `yaml:"zh"`
	EN string `yaml:"en"`
}

// In returns the words in language l, or in the other one if there are none.
func (w Words) In(l text.Lang) string {
	if l == text.Chinese && w.ZH != "" || w.EN == "" {
		return w.ZH
	}
	return w.EN
}

// DecodeNode takes a text alone for both languages.
func (w *Words) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if _, ok := strict.Literal(n); ok {
		if s, ok := d.Text(n, path); ok {
			w.ZH, w.EN = s, s
		}
		return
	}
	type plain Words
	d.Decode(n, (*plain)(w), path)
}

// Int is a whole number, in the file also hexadecimal: 0x1F.
type Int int64

// DecodeNode reads a whole number.
func (i *Int) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if s, ok := strict.Literal(n); ok {
		if v, ok := parseInt(s); ok {
			*i = Int(v)
			return
		}
	}
	d.Mistyped(path, "config.type.whole", n)
}

func parseInt(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	base := 10
	if h, ok := strings.CutPrefix(strings.ToLower(digits), "0x"); ok {
		digits, base = h, 16
	}
	u, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err != nil || negative && u > 1<<63:
		return 0, false
	case negative:
		return -int64(u), true
	}
	return int64(u), true // what needs 64 bits is seen as they are
}

// Float is a number that can be absent.
type Float struct {
	V   float64
	Set bool
}

// DecodeNode reads a number.
func (f *Float) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if s, ok := strict.Literal(n); ok {
		if v, ok := parseFloat(s); ok {
			*f = Float{v, true}
			return
		}
	}
	d.Mistyped(path, "config.type.number", n)
}

func parseFloat(s string) (float64, bool) {
	if v, ok := parseInt(s); ok {
		return float64(v), true
	}
	if strings.ContainsAny(s, "xXpP_") { // hexadecimal floats and the like of Go
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// Or returns the number, or v if it is absent.
func (f Float) Or(v float64) float64 {
	if f.Set {
		return f.V
	}
	return v
}

// Range is the least and the greatest valid value.
type Range struct {
	Least, Most float64
	Set         bool
}

// DecodeNode reads [least, most].
func (r *Range) DecodeNode(d *strict.Document, n ast.Node, path string) {
	items, ok := d.Sequence(n, path)
	if !ok {
		return
	}
	var ends [2]Float
	if len(items) == 2 {
		for i := range ends {
			ends[i].DecodeNode(d, d.Resolve(items[i], path), path)
		}
	}
	if !ends[0].Set || !ends[1].Set || ends[0].V > ends[1].V {
		if d.Sound(path) {
			d.Fault(path, "profile.range")
		}
		return
	}
	*r = Range{ends[0].V, ends[1].V, true}
}

// Has reports whether v is valid.
func (r Range) Has(v float64) bool { return !r.Set || v >= r.Least && v <= r.Most }

// Scalar is a number or a text, as it is written.
type Scalar struct {
	Text   string
	Number float64
	IsText bool // it is not a number
	Set    bool
}

// DecodeNode reads a number, a text, true or false.
func (s *Scalar) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if b, ok := n.(*ast.BoolNode); ok {
		*s = Scalar{Text: b.GetToken().Value, Set: true}
		if b.Value {
			s.Number = 1
		}
		return
	}
	t, ok := d.Text(n, path)
	if !ok {
		return
	}
	*s = Scalar{Text: t, Set: true, IsText: true}
	if _, quoted := n.(*ast.StringNode); !quoted || strings.HasPrefix(strings.ToLower(t), "0x") {
		if v, ok := parseFloat(t); ok {
			s.Number, s.IsText = v, false
		}
	}
}

// Scalars may be written as its one element alone.
type Scalars []Scalar

// Ints may be written as its one element alone.
type Ints []Int

// Texts may be written as its one element alone.
type Texts []string

// DecodeNode reads one or a list.
func (s *Scalars) DecodeNode(d *strict.Document, n ast.Node, path string) {
	several(d, n, path, (*[]Scalar)(s))
}

// DecodeNode reads one or a list.
func (s *Ints) DecodeNode(d *strict.Document, n ast.Node, path string) {
	several(d, n, path, (*[]Int)(s))
}

// DecodeNode reads one or a list.
func (s *Texts) DecodeNode(d *strict.Document, n ast.Node, path string) {
	several(d, n, path, (*[]string)(s))
}

func several[T any](d *strict.Document, n ast.Node, path string, list *[]T) {
	if _, ok := n.(*ast.SequenceNode); ok {
		d.Decode(n, list, path)
		return
	}
	var one T
	if d.Decode(n, &one, path); d.Sound(path) {
		*list = []T{one}
	}
}
