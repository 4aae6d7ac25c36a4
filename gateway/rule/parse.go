package rule

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sentrybox/gateway/text"
)

// Limits of one condition.
const (
	maxLength = 1000 // characters
	maxDepth  = 20   // parentheses and not within each other
	maxSpan   = 7 * 24 * time.Hour
	maxCount  = 1000
)

// Parse reads a condition. Its error is an *Error.
func Parse(s string) (*Condition, error) {
	if n := utf8.RuneCountInString(s); n > maxLength {
		return nil, &Error{maxLength + 1, "rule.long", []any{maxLength}}
	}
	p := &parser{in: []rune(marks.Replace(s))}
	root := p.or(0)
	if p.skip(); p.err == nil && p.pos < len(p.in) {
		p.fail(p.pos, "rule.end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Condition{root}, nil
}

// ParseAction reads what a rule does, "siren-1 for 60 s": the name of an output and for how
// long it is on, 0 if that is left out. Its error is an *Error.
func ParseAction(s string) (output string, span time.Duration, err error) {
	if n := utf8.RuneCountInString(s); n > maxLength {
		return "", 0, &Error{maxLength + 1, "rule.long", []any{maxLength}}
	}
	p := &parser{in: []rune(marks.Replace(s))}
	output = p.name()
	if p.take("for") {
		span = p.span()
	}
	if p.skip(); p.err == nil && p.pos < len(p.in) {
		p.fail(p.pos, "rule.end")
	}
	if p.err != nil {
		return "", 0, p.err
	}
	return output, span, nil
}

// marks puts ASCII for what a Chinese keyboard gives, one character for one, so
// that columns stay.
var marks = strings.NewReplacer("（", "(", "）", ")", "，", ",", "＞", ">", "＜", "<", "＝", "=", "．", ".", "　", " ", "‘", "'", "’", "'") //nolint:gochecknoglobals // a table, never written to

// parser descends recursively. After an error it does nothing more.
type parser struct {
	in  []rune
	pos int
	err *Error
}

func (p *parser) fail(at int, key text.Key, args ...any) {
	if p.err == nil {
		p.err = &Error{at + 1, key, args}
	}
}

func (p *parser) skip() {
	for p.pos < len(p.in) && unicode.IsSpace(p.in[p.pos]) {
		p.pos++
	}
}

func wordRune(r rune) bool {
	return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
func startRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func keyword(s string) bool {
	return slices.Contains([]string{"and", "or", "not", "any", "all", "of", "for", "within"}, s)
}

// peek returns the word that stands next, or "".
func (p *parser) peek() string {
	p.skip()
	end := p.pos
	for end < len(p.in) && wordRune(p.in[end]) && (end > p.pos || startRune(p.in[end])) {
		end++
	}
	return string(p.in[p.pos:end])
}

// take takes the word w if it stands next.
func (p *parser) take(w string) bool {
	if p.err != nil || p.peek() != w {
		return false
	}
	p.pos += utf8.RuneCountInString(w)
	return true
}

// mark takes a mark of punctuation if it stands next.
func (p *parser) mark(m string) bool {
	p.skip()
	if p.err != nil || !strings.HasPrefix(string(p.in[p.pos:min(len(p.in), p.pos+len(m))]), m) {
		return false
	}
	p.pos += len(m)
	return true
}

func (p *parser) need(m string) {
	if !p.mark(m) {
		p.fail(p.pos, "rule.mark", m)
	}
}

func (p *parser) or(depth int) *expr {
	return p.chain(or, "or", func() *expr {
		return p.chain(and, "and", func() *expr { return p.term(depth) })
	})
}

func (p *parser) chain(k kind, word string, next func() *expr) *expr {
	e := &expr{kind: k, at: p.pos + 1, args: []*expr{next()}}
	for p.take(word) {
		e.args = append(e.args, next())
	}
	if len(e.args) == 1 {
		return e.args[0]
	}
	return e
}

func (p *parser) term(depth int) *expr {
	p.skip()
	at := p.pos + 1
	e := p.negated(depth)
	if p.take("for") {
		e = &expr{kind: hold, at: at, args: []*expr{e}, span: p.span()}
	}
	return e
}

func (p *parser) negated(depth int) *expr {
	p.skip()
	at := p.pos + 1
	if depth <= maxDepth && p.take("not") {
		return &expr{kind: not, at: at, args: []*expr{p.negated(depth + 1)}}
	}
	return p.primary(depth)
}

func (p *parser) primary(depth int) *expr {
	p.skip()
	if depth > maxDepth {
		p.fail(p.pos, "rule.deep", maxDepth)
	}
	if p.err != nil {
		return &expr{}
	}
	switch at := p.pos + 1; {
	case p.mark("("):
		e := p.or(depth + 1)
		p.need(")")
		return e
	case p.take("any"):
		return p.count(&expr{kind: count, at: at, least: p.howMany()}, depth)
	case p.take("all"):
		return p.count(&expr{kind: count, at: at, all: true}, depth)
	}
	return p.comparison()
}

// howMany reads the number of "any 2 of"; "any of" is any 1.
func (p *parser) howMany() int {
	w := p.peek()
	if w == "of" {
		return 1
	}
	n, err := strconv.Atoi(w)
	if err != nil || n < 1 || n > maxCount {
		p.fail(p.pos, "rule.count", maxCount)
		return 1
	}
	p.pos += len(w)
	return n
}

func (p *parser) count(e *expr, depth int) *expr {
	if !p.take("of") {
		p.fail(p.pos, "rule.word", "of")
	}
	if p.mark("(") {
		for {
			e.args = append(e.args, p.or(depth+1))
			if !p.mark(",") {
				break
			}
		}
		p.need(")")
	} else {
		e.args = []*expr{p.comparison()}
	}
	if p.err == nil && !e.over() && e.least > len(e.args) {
		p.fail(e.at-1, "rule.few", e.least, len(e.args))
	}
	if p.take("within") {
		e.span = p.span()
	}
	return e
}

// name reads a word or what stands between quotes.
func (p *parser) name() string {
	if w := p.peek(); w != "" && !keyword(w) {
		p.pos += utf8.RuneCountInString(w)
		return w
	}
	if p.err == nil && p.pos < len(p.in) && p.in[p.pos] == '\'' {
		if s := p.quoted(); s != "" {
			return s
		}
	}
	p.fail(p.pos, "rule.reading")
	return ""
}

// quoted reads a text between quotes, the first of which stands next.
func (p *parser) quoted() string {
	start := p.pos + 1
	end := slices.Index(p.in[start:], '\'')
	if end < 0 {
		p.fail(p.pos, "rule.quote")
		return ""
	}
	p.pos = start + end + 1
	return string(p.in[start : start+end])
}

func (p *parser) comparison() *expr {
	p.skip()
	e := &expr{kind: compare, at: p.pos + 1}
	e.ref.Quantity = p.name()
	if p.err == nil && p.pos < len(p.in) && p.in[p.pos] == '.' {
		p.pos++
		e.ref.Sensor, e.ref.Quantity = e.ref.Quantity, p.name()
	}
	e.op = p.operator()
	if e.op == "" || p.err != nil {
		return e
	}
	p.skip()
	at := p.pos
	e.value = p.value()
	if (e.value.isText || e.value.isFlag) && e.op != "=" && e.op != "!=" {
		p.fail(at, "rule.order", e.op)
	}
	return e
}

func (p *parser) operator() string {
	for _, o := range []struct{ written, op string }{
		{">=", ">="}, {"<=", "<="}, {"!=", "!="}, {"==", "="}, {"≥", ">="}, {"≤", "<="}, {"≠", "!="}, {">", ">"}, {"<", "<"}, {"=", "="},
	} {
		n := utf8.RuneCountInString(o.written)
		p.skip()
		if p.pos+n <= len(p.in) && string(p.in[p.pos:p.pos+n]) == o.written {
			p.pos += n
			return o.op
		}
	}
	return ""
}

func (p *parser) value() value {
	p.skip()
	if p.err == nil && p.pos < len(p.in) && p.in[p.pos] == '\'' {
		return value{text: p.quoted(), isText: true}
	}
	switch w := p.peek(); w {
	case "on", "open", "yes", "true":
		p.pos += len(w)
		return value{number: 1, isFlag: true}
	case "off", "closed", "no", "false":
		p.pos += len(w)
		return value{isFlag: true}
	}
	return value{number: p.number(), unit: p.unit()}
}

func (p *parser) number() float64 {
	p.skip()
	end := p.pos
	for end < len(p.in) && (p.in[end] >= '0' && p.in[end] <= '9' || p.in[end] == '.' || end == p.pos && (p.in[end] == '-' || p.in[end] == '+')) {
		end++
	}
	v, err := strconv.ParseFloat(string(p.in[p.pos:end]), 64)
	if err != nil || math.IsInf(v, 0) {
		p.fail(p.pos, "rule.value")
		return 0
	}
	p.pos = end
	return v
}

// unit reads the unit behind a number, if one stands there.
func (p *parser) unit() string {
	p.skip()
	end := p.pos
	for end < len(p.in) && (unicode.IsLetter(p.in[end]) || strings.ContainsRune("°℃℉%％/²³·µ", p.in[end]) || end > p.pos && p.in[end] >= '0' && p.in[end] <= '9') {
		end++
	}
	u := string(p.in[p.pos:end])
	if keyword(u) {
		return ""
	}
	p.pos = end
	return u
}

// span reads a time such as 30 s or 1 h 30 min.
func (p *parser) span() time.Duration {
	var total float64
	at := p.pos
	for first := true; first || p.err == nil && digitNext(p); first = false {
		v := p.number()
		unit, ok := spans(p.letters())
		if !ok {
			p.fail(at, "rule.span")
			return 0
		}
		total += v * float64(unit)
	}
	if total < float64(time.Millisecond) || total > float64(maxSpan) {
		p.fail(at, "rule.span.range", maxSpan.String())
		return 0
	}
	return time.Duration(total).Round(time.Millisecond)
}

func digitNext(p *parser) bool {
	p.skip()
	return p.pos < len(p.in) && p.in[p.pos] >= '0' && p.in[p.pos] <= '9'
}

func (p *parser) letters() string {
	p.skip()
	start := p.pos
	for p.pos < len(p.in) && unicode.IsLetter(p.in[p.pos]) {
		p.pos++
	}
	return string(p.in[start:p.pos])
}

func spans(unit string) (time.Duration, bool) {
	switch unit {
	case "ms", "毫秒":
		return time.Millisecond, true
	case "s", "sec", "秒":
		return time.Second, true
	case "m", "min", "分", "分钟":
		return time.Minute, true
	case "h", "小时":
		return time.Hour, true
	}
	return 0, false
}
