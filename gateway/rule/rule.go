// Package rule reads conditions on sensors' readings, such as
//
//	water_level > 0.4 m for 30 s
//	any 2 of smoke within 60 s
//	gate.open for 5 min and not lobby.motion
//	all of (pit-1.water_level > 30 cm, pit-2.water_level > 30 cm)
//
// and follows them through time.
//
// # Grammar
//
//	condition   = conjunction { "or" conjunction } .
//	conjunction = term { "and" term } .
//	term        = { "not" } primary [ "for" span ] .
//	primary     = "(" condition ")" | count | comparison .
//	count       = ( "any" [ number ] | "all" ) "of" ( "(" condition { "," condition } ")" | comparison ) [ "within" span ] .
//	comparison  = [ sensor "." ] quantity [ operator value ] .
//	operator    = ">" | ">=" | "<" | "<=" | "=" | "!=" .
//	value       = number [ unit ] | "on" | "off" | "open" | "closed" | "yes" | "no" | "true" | "false" | text .
//	span        = number unit { number unit } .
//
// Names are letters, digits, _ and -, or anything between single quotes; a text
// stands between single quotes too. A comparison without an operator asks whether
// the reading is on. A condition that names quantities without a sensor is about every sensor
// that measures them, each for itself; "any 2 of smoke" counts over all that measure it.
// "not gate.open for 5 min" means: not open for five minutes.
//
// # Truth
//
// A condition is true, false, or unknown while a reading that matters has not come
// or is too old (Kleene's strong logic of three values). What is to hold for some
// time counts from the moment from which it is known to be true without a gap. An
// event, such as a button, is true for a moment; "within" remembers it.
package rule

import (
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/text"
)

// Ref names a reading.
type Ref struct{ Sensor, Quantity string }

// Error is what is wrong with a condition.
type Error struct {
	Column int // in characters, from 1
	Key    text.Key
	Args   []any
}

// Text returns what is wrong and where.
func (e *Error) Text(l text.Lang) string {
	return text.T(l, "rule.at", e.Column, text.T(l, e.Key, e.Args...))
}

// Error returns Text in English.
func (e *Error) Error() string { return e.Text(text.English) }

// Condition is a condition as it was written, not yet held against the sensors that
// there are. See Bind.
type Condition struct{ root *expr }

type kind int

// Kinds of expressions.
const (
	compare kind = iota
	not
	and
	or
	count
	hold
)

// expr is a node of a condition.
type expr struct {
	kind kind
	at   int // column
	args []*expr
	span time.Duration // hold: for; count: within, or 0

	// Of comparisons.
	ref   Ref    // without a Sensor it is about all of them
	op    string // empty: is it on?
	value value

	// Of counts.
	least int  // how many of args
	all   bool // or all of them
}

// value is what a reading is compared with.
type value struct {
	number float64
	unit   string
	text   string
	isText bool
	isFlag bool
}

// String returns the condition in a form that Parse reads.
func (c *Condition) String() string {
	var b strings.Builder
	c.root.print(&b)
	return b.String()
}

func (e *expr) print(b *strings.Builder) {
	switch e.kind {
	case compare:
		if e.ref.Sensor != "" {
			b.WriteString(quote(e.ref.Sensor) + ".")
		}
		b.WriteString(quote(e.ref.Quantity))
		if e.op != "" {
			b.WriteString(" " + e.op + " " + e.value.String())
		}
	case not:
		b.WriteString("not ")
		e.list(b, "")
	case and:
		e.list(b, " and ")
	case or:
		e.list(b, " or ")
	case hold:
		e.list(b, "")
		b.WriteString(" for " + e.span.String())
	case count:
		if e.all {
			b.WriteString("all of ")
		} else {
			b.WriteString("any " + strconv.Itoa(e.least) + " of ")
		}
		if e.over() {
			e.args[0].print(b)
		} else {
			e.list(b, ", ")
		}
		if e.span > 0 {
			b.WriteString(" within " + e.span.String())
		}
	}
}

// over says that a count is about all sensors that measure something.
func (e *expr) over() bool {
	return len(e.args) == 1 && e.args[0].kind == compare && e.args[0].ref.Sensor == ""
}

func (e *expr) list(b *strings.Builder, between string) {
	b.WriteString("(")
	for i, a := range e.args {
		if i > 0 {
			b.WriteString(between)
		}
		a.print(b)
	}
	b.WriteString(")")
}

func (v value) String() string {
	switch {
	case v.isText:
		return "'" + v.text + "'"
	case v.isFlag && v.number == 1:
		return "on"
	case v.isFlag:
		return "off"
	}
	s := strconv.FormatFloat(v.number, 'f', -1, 64)
	if v.unit != "" {
		s += " " + v.unit
	}
	return s
}

// quote puts quotes around a name that would not read as one.
func quote(name string) string {
	for i, r := range name {
		if !wordRune(r) || i == 0 && !startRune(r) {
			return "'" + name + "'"
		}
	}
	if keyword(name) {
		return "'" + name + "'"
	}
	return name
}
