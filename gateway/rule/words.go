package rule

import (
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/text"
)

// Words returns the condition as people say it; name returns what they call a sensor.
func (c *Condition) Words(l text.Lang, name func(sensor string) string) string {
	w := words{l, name}
	return w.say(c.root)
}

type words struct {
	lang text.Lang
	name func(string) string
}

func (w words) say(e *expr) string {
	switch e.kind {
	case compare:
		return w.compare(e)
	case not:
		return text.T(w.lang, "rule.say.not", w.say(e.args[0]))
	case and:
		return w.join(e.args, "rule.say.and")
	case or:
		return w.join(e.args, "rule.say.or")
	case hold:
		return text.T(w.lang, "rule.say.for", w.say(e.args[0]), Span(w.lang, e.span))
	}
	return w.count(e)
}

func (w words) compare(e *expr) string {
	who := text.Reading(w.lang, e.ref.Quantity)
	if e.ref.Sensor != "" {
		who = text.T(w.lang, "rule.say.of", w.name(e.ref.Sensor), who)
	}
	if e.op == "" {
		return text.T(w.lang, "rule.say.on", who)
	}
	v := e.value.String()
	if e.value.isText {
		v = "“" + e.value.text + "”"
	}
	if e.value.isFlag {
		v = text.T(w.lang, text.Key("rule.say.flag."+e.value.String()))
	}
	op := map[string]text.Key{">": "above", ">=": "least", "<": "below", "<=": "most", "=": "is", "!=": "other"}[e.op]
	return text.T(w.lang, "rule.say."+op, who, v)
}

func (w words) count(e *expr) string {
	what, some, every := "", text.Key("rule.say.some"), text.Key("rule.say.every")
	if e.over() {
		what, some, every = w.say(e.args[0]), "rule.say.any", "rule.say.all"
	} else {
		what = text.T(w.lang, "rule.say.group", w.join(e.args, "rule.say.comma"))
	}
	s := text.T(w.lang, some, strconv.Itoa(e.least), what)
	if e.all {
		s = text.T(w.lang, every, what)
	}
	if e.span > 0 {
		s = text.T(w.lang, "rule.say.within", s, Span(w.lang, e.span))
	}
	return s
}

func (w words) join(args []*expr, between text.Key) string {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = w.say(a)
		if a.kind == and || a.kind == or {
			all[i] = text.T(w.lang, "rule.say.group", all[i])
		}
	}
	return strings.Join(all, text.T(w.lang, between))
}

// Span returns a time span as people say it, such as 5 min or 1 h 30 min.
func Span(l text.Lang, d time.Duration) string {
	var all []string
	for _, u := range []struct {
		unit time.Duration
		key  text.Key
	}{{24 * time.Hour, "span.day"}, {time.Hour, "span.hour"}, {time.Minute, "span.minute"}} {
		if n := d / u.unit; n > 0 {
			all, d = append(all, text.T(l, u.key, int(n))), d%u.unit
		}
	}
	if d > 0 || len(all) == 0 {
		all = append(all, text.T(l, "span.second", strconv.FormatFloat(d.Seconds(), 'f', -1, 64)))
	}
	return strings.Join(all, " ")
}
