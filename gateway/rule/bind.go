package rule

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Quantity says what there is to read.
type Quantity struct {
	Unit  string // "" where it has none
	Event bool   // it is true for a moment only
	Text  bool   // it is a text, such as the number of a card
	Flag  bool   // it is on or off
}

// Catalog is what sensors measure.
type Catalog struct {
	Quantities map[Ref]Quantity
	// Free are sensors of which nobody says what they measure: any quantity can come
	// from them, and has no unit.
	Free map[string]bool
	// Known are all sensors.
	Known map[string]bool
}

// sensors returns who measures the quantity, in order.
func (c *Catalog) sensors(quantity string) []string {
	var all []string
	for r := range c.Quantities {
		if r.Quantity == quantity {
			all = append(all, r.Sensor)
		}
	}
	slices.Sort(all)
	return all
}

// find returns what a reference is to.
func (c *Catalog) find(r Ref) (Quantity, bool) {
	q, ok := c.Quantities[r]
	return q, ok || c.Free[r.Sensor]
}

// Bound is a condition about the sensors that there are. It is not to be changed.
type Bound struct {
	root *expr // comparisons have a sensor, and their values the unit of the reading
	refs []Ref
}

// Refs returns the readings that matter, each once, in order.
func (b *Bound) Refs() []Ref { return b.refs }

// Sensors returns whom the condition is about, each for itself: those that measure all
// that it names without a sensor, or "" alone if there is no such thing. Its error is
// an *Error.
func (c *Condition) Sensors(catalog *Catalog) ([]string, error) {
	var open []*expr
	c.root.unnamed(&open)
	if len(open) == 0 {
		return []string{""}, nil
	}
	all := catalog.sensors(open[0].ref.Quantity)
	for _, e := range open {
		some := catalog.sensors(e.ref.Quantity)
		if len(some) == 0 {
			return nil, &Error{e.at, "rule.nobody", []any{e.ref.Quantity}}
		}
		all = slices.DeleteFunc(all, func(s string) bool { return !slices.Contains(some, s) })
		if len(all) == 0 {
			return nil, &Error{e.at, "rule.together", []any{open[0].ref.Quantity, e.ref.Quantity}}
		}
	}
	return all, nil
}

// unnamed finds the comparisons without a sensor that are not counted over all.
func (e *expr) unnamed(all *[]*expr) {
	if e.kind == compare && e.ref.Sensor == "" {
		*all = append(*all, e)
	}
	if e.kind == count && e.over() {
		return
	}
	for _, a := range e.args {
		a.unnamed(all)
	}
}

// Quantity returns what the condition is about, if it is one quantity.
func (c *Condition) Quantity() (string, bool) {
	names := map[string]bool{}
	c.root.quantities(names)
	for name := range names {
		return name, len(names) == 1
	}
	return "", false
}

func (e *expr) quantities(names map[string]bool) {
	if e.kind == compare {
		names[e.ref.Quantity] = true
	}
	for _, a := range e.args {
		a.quantities(names)
	}
}

// Bind holds the condition against the sensors that there are; sensor, one of Sensors,
// is whom it is about. Its error is an *Error.
func (c *Condition) Bind(catalog *Catalog, sensor string) (*Bound, error) {
	b := &binder{catalog: catalog, sensor: sensor, refs: map[Ref]bool{}}
	root := b.bind(c.root)
	if b.err != nil {
		return nil, b.err
	}
	refs := slices.SortedFunc(maps.Keys(b.refs), func(x, y Ref) int {
		return cmp.Or(cmp.Compare(x.Sensor, y.Sensor), cmp.Compare(x.Quantity, y.Quantity))
	})
	return &Bound{root, refs}, nil
}

// Threshold returns the condition that a reading compares with v, which is in its unit,
// as op says (of the operators of a condition).
func Threshold(ref Ref, op string, v float64) *Bound {
	return &Bound{&expr{kind: compare, ref: ref, op: op, value: value{number: v}}, []Ref{ref}}
}

// Text returns the condition that a reading is the text.
func Text(ref Ref, text string) *Bound {
	return &Bound{&expr{kind: compare, ref: ref, op: "=", value: value{text: text, isText: true}}, []Ref{ref}}
}

// Any returns the condition that one of several about the same reading is true.
func Any(of ...*Bound) *Bound {
	e := &expr{kind: or}
	for _, b := range of {
		e.args = append(e.args, b.root)
	}
	return &Bound{e, of[0].refs}
}

// For returns the condition that b has been true for the span.
func (b *Bound) For(span time.Duration) *Bound {
	if span <= 0 {
		return b
	}
	return &Bound{&expr{kind: hold, span: span, args: []*expr{b.root}}, b.refs}
}

type binder struct {
	catalog *Catalog
	sensor  string
	refs    map[Ref]bool
	err     error
}

func (b *binder) fail(e *expr, err Error) {
	if b.err == nil {
		err.Column = e.at
		b.err = &err
	}
}

func (b *binder) bind(e *expr) *expr {
	switch {
	case e.kind == compare:
		return b.compare(e, b.sensor)
	case e.kind == count && e.over():
		return b.each(e)
	}
	out := *e
	out.args = make([]*expr, len(e.args))
	for i, a := range e.args {
		out.args[i] = b.bind(a)
		if e.kind == hold {
			b.lasts(e, out.args[i])
		}
	}
	return &out
}

// each puts every sensor that measures something in the place of a count's argument.
func (b *binder) each(e *expr) *expr {
	out := *e
	out.args = nil
	of := e.args[0]
	for _, sensor := range b.catalog.sensors(of.ref.Quantity) {
		out.args = append(out.args, b.compare(of, sensor))
	}
	if n := len(out.args); n == 0 {
		b.fail(of, Error{Key: "rule.nobody", Args: []any{of.ref.Quantity}})
	} else if e.least > n {
		b.fail(e, Error{Key: "rule.few", Args: []any{e.least, n}})
	}
	return &out
}

// lasts refuses an event that is to hold.
func (b *binder) lasts(e, held *expr) {
	if q, ok := b.catalog.Quantities[held.ref]; held.kind == compare && ok && q.Event {
		b.fail(e, Error{Key: "rule.event", Args: []any{held.ref.Quantity}})
	}
}

// compare checks a comparison, of the sensor if it names none, and brings its value into
// the reading's unit.
func (b *binder) compare(given *expr, sensor string) *expr {
	out := *given
	e := &out
	if e.ref.Sensor == "" {
		e.ref.Sensor = sensor
	}
	if !b.catalog.Known[e.ref.Sensor] {
		b.fail(e, Error{Key: "rule.sensor", Args: []any{e.ref.Sensor}})
		return e
	}
	q, ok := b.catalog.find(e.ref)
	if !ok {
		b.fail(e, Error{Key: "rule.quantity", Args: []any{e.ref.Sensor, e.ref.Quantity}})
		return e
	}
	b.refs[e.ref] = true
	v := e.value
	switch {
	case e.op == "" || v.isFlag:
		if q.Text && !q.Event {
			b.fail(e, Error{Key: "rule.text", Args: []any{e.ref.Quantity}})
		}
	case v.isText:
		if !q.Text && !b.catalog.Free[e.ref.Sensor] {
			b.fail(e, Error{Key: "rule.no_text", Args: []any{e.ref.Quantity}})
		}
	case q.Text:
		b.fail(e, Error{Key: "rule.text", Args: []any{e.ref.Quantity}})
	case v.unit == "" && q.Unit != "":
		b.fail(e, Error{Key: "rule.unit.missing", Args: []any{e.ref.Quantity, q.Unit}})
	case v.unit != "" && q.Unit == "":
		b.fail(e, Error{Key: "rule.unit.none", Args: []any{e.ref.Quantity, v.unit}})
	default:
		n, ok := Convert(v.number, v.unit, q.Unit)
		if !ok {
			b.fail(e, Error{Key: "rule.unit", Args: []any{e.ref.Quantity, q.Unit, v.unit}})
		}
		e.value.number, e.value.unit = n, q.Unit
	}
	return e
}
