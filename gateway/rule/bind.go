package rule

import (
	"cmp"
	"maps"
	"slices"
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

// Bind holds the condition against the sensors that there are. Its error is an
// *Error.
func (c *Condition) Bind(catalog *Catalog) (*Bound, error) {
	b := &binder{catalog: catalog, refs: map[Ref]bool{}}
	root := b.bind(c.root)
	if b.err != nil {
		return nil, b.err
	}
	refs := slices.SortedFunc(maps.Keys(b.refs), func(x, y Ref) int {
		return cmp.Or(cmp.Compare(x.Sensor, y.Sensor), cmp.Compare(x.Quantity, y.Quantity))
	})
	return &Bound{root, refs}, nil
}

type binder struct {
	catalog *Catalog
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
	case e.kind == compare && e.ref.Sensor != "":
		return b.compare(e)
	case e.kind == compare:
		return b.each(e, func(one *expr) *expr { return one }, or)
	case e.kind == hold && e.args[0].kind == compare && e.args[0].ref.Sensor == "":
		return b.each(e.args[0], func(one *expr) *expr {
			b.lasts(e, one)
			return &expr{kind: hold, at: e.at, span: e.span, args: []*expr{one}}
		}, or)
	case e.kind == count && e.over():
		out := b.each(e.args[0], func(one *expr) *expr { return one }, count)
		out.at, out.least, out.all, out.span = e.at, e.least, e.all, e.span
		if n := len(out.args); b.err == nil && e.least > n {
			b.fail(e, Error{Key: "rule.few", Args: []any{e.least, n}})
		}
		return out
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

// lasts refuses an event that is to hold.
func (b *binder) lasts(e, held *expr) {
	if q, ok := b.catalog.Quantities[held.ref]; held.kind == compare && ok && q.Event {
		b.fail(e, Error{Key: "rule.event", Args: []any{held.ref.Quantity}})
	}
}

// each makes a node of the kind over all sensors that measure what e is about.
func (b *binder) each(e *expr, wrap func(*expr) *expr, k kind) *expr {
	out := &expr{kind: k, at: e.at}
	for _, sensor := range b.catalog.sensors(e.ref.Quantity) {
		one := *e
		one.ref.Sensor = sensor
		out.args = append(out.args, wrap(b.compare(&one)))
	}
	if len(out.args) == 0 {
		b.fail(e, Error{Key: "rule.nobody", Args: []any{e.ref.Quantity}})
	}
	return out
}

// compare checks a comparison of one sensor and brings its value into the reading's
// unit.
func (b *binder) compare(e *expr) *expr {
	out := *e
	if !b.catalog.Known[e.ref.Sensor] {
		b.fail(e, Error{Key: "rule.sensor", Args: []any{e.ref.Sensor}})
		return &out
	}
	q, ok := b.catalog.find(e.ref)
	if !ok {
		b.fail(e, Error{Key: "rule.quantity", Args: []any{e.ref.Sensor, e.ref.Quantity}})
		return &out
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
		out.value.number, out.value.unit = n, q.Unit
	}
	return &out
}
