package profile

import (
	"encoding/hex"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A kind is how the bytes of a field are read.
type kind int

const (
	integer kind = iota
	float
	bcd
	decimal    // digits as text
	hexDecimal // hexadecimal digits as text, a number
	hexText    // bytes shown as hexadecimal digits
	plainText
	boolean
	skip     // no value
	coil     // one bit of a Modbus answer
	computed // by an expression alone
)

// fieldProgram is a field made ready.
type fieldProgram struct {
	kind     kind
	at       int // offset; with after, none
	after    bool
	size     int // bytes; 0 for all that are left
	order    Order
	low      int  // lowest bit
	width    int  // bits
	sign     byte // 0 none, t two's complement, m magnitude, o ones' complement
	none     []uint64
	noneNum  []float64
	noneText []string
	inverse  float64 // what the number is divided by, where that is exacter than multiplying
	labels   map[float64]Words
	expr     *program
	when     *program
	valid    *program
	text     bool
	used     bool // an expression refers to it
	group    int
	re       *regexp.Regexp
	path     []string
	dotted   string
}

// raw is what a field's bytes say.
type raw struct {
	kind   kind
	number float64
	text   string
	absent bool
}

// slice returns the bytes of f in data.
func (d *Decoder) slice(f *Field, data []byte) ([]byte, bool) {
	at := f.prog.start(data, d.next)
	if f.SizeFrom != "" {
		size, ok := d.env[f.SizeFrom].(float64)
		if !ok || at < 0 || size < 0 || size > maxPayload || at+int(size) > len(data) {
			return nil, false
		}
		return data[at : at+int(size)], true
	}
	if at < 0 || at > len(data) || at+f.prog.size > len(data) {
		return nil, false
	}
	if f.prog.size == 0 {
		end := len(data)
		if f.To != nil {
			end = edge(int(*f.To), len(data))
		}
		return data[at:max(at, end)], at < end || f.prog.kind == plainText
	}
	return data[at : at+f.prog.size], true
}

func (p *fieldProgram) start(data []byte, next int) int {
	switch {
	case p.after:
		return next
	case p.at < 0:
		return p.at + len(data)
	}
	return p.at
}

func (p *fieldProgram) end(data []byte, next, size int) int { return p.start(data, next) + size }

// read turns the bytes of a field into a number or a text.
func (p *fieldProgram) read(b []byte) (raw, error) {
	switch p.kind {
	case integer, coil, boolean:
		return p.integer(readUint(b, p.order)), nil
	case float:
		return p.float(readUint(b, p.order)), nil
	case bcd:
		v, ok := readBCD(b, p.order)
		return raw{number: v, absent: !ok || p.isNone(v)}, nil
	case hexText:
		s := make([]byte, len(b))
		for i := range b {
			s[i] = b[place(i, len(b), p.order)]
		}
		t := strings.ToUpper(hex.EncodeToString(s[:min(len(s), maxText/2)]))
		return raw{kind: plainText, text: t, absent: p.isNoText(t)}, nil
	}
	return p.literal(clean(b))
}

// integer cuts the bits out of v and gives them their sign.
func (p *fieldProgram) integer(v uint64) raw {
	v >>= p.low
	mask := uint64(math.MaxUint64)
	if p.width < 64 {
		mask = 1<<p.width - 1
	}
	v &= mask
	for _, n := range p.none {
		if v == n&mask {
			return raw{absent: true}
		}
	}
	top := uint64(1) << (p.width - 1)
	if p.sign == 0 || v&top == 0 {
		return raw{number: float64(v)}
	}
	switch p.sign {
	case 'm':
		return raw{number: -float64(v &^ top)}
	case 'o':
		return raw{number: -float64(^v & mask)}
	}
	return raw{number: float64(int64(v | ^mask))}
}

func (p *fieldProgram) float(v uint64) raw {
	var f float64
	switch p.size {
	case 2:
		f = half(uint16(v))
	case 4:
		f = float64(math.Float32frombits(uint32(v)))
		// The shortest decimal that is this number of 32 bits is what was meant.
		if g, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64); err == nil {
			f = g
		}
	default:
		f = math.Float64frombits(v)
	}
	return raw{number: f, absent: math.IsNaN(f) || math.IsInf(f, 0) || p.isNone(f)}
}

// literal reads a field that is written as text.
func (p *fieldProgram) literal(s string) (raw, error) {
	if p.isNoText(s) {
		return raw{absent: true}, nil
	}
	switch p.kind {
	case decimal, float, integer, bcd, boolean:
		v, ok := number(s)
		if !ok {
			return raw{}, ErrValue
		}
		return raw{number: v, absent: p.isNone(v)}, nil
	case hexDecimal:
		digits := strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(s, " ", ""), "0x"), "0X")
		v, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			return raw{}, ErrValue
		}
		return p.integer(v), nil
	}
	return raw{kind: plainText, text: s}, nil
}

func (p *fieldProgram) isNone(v float64) bool {
	return slices.Contains(p.noneNum, v)
}

func (p *fieldProgram) isNoText(s string) bool {
	return slices.Contains(p.noneText, s)
}

// settle makes the value of what was read, and appends it unless it is none or
// hidden.
func (d *Decoder) settle(dst []Value, f *Field, r raw) ([]Value, error) {
	p := &f.prog
	if r.absent || p.valid != nil && !d.holds(p.valid) {
		return dst, nil
	}
	v := Value{Field: f, Number: r.number, Text: r.text}
	isText := r.kind == plainText
	if isText && len(f.Map) > 0 {
		m, ok := f.Map[r.text]
		if !ok {
			return dst, nil
		}
		v.Number, v.Text, isText = m.V, "", false
	}
	if !isText && r.kind != computed {
		if v.Number = p.scaled(f, v.Number); f.Digits > 0 && p.expr == nil {
			v.Text, isText = padded(v.Number, f.Digits), true
		}
	}
	if p.expr != nil {
		var ok bool
		var err error
		if isText, ok, err = d.express(&v, p, isText); !ok || err != nil {
			return dst, err
		}
		if f.Digits > 0 && !isText {
			v.Text, isText = padded(v.Number, f.Digits), true
		}
	}
	if isText {
		v.Number = 0
	} else if v.Text = ""; !f.Range.Has(v.Number) || math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
		if !f.Hidden {
			d.outside = append(d.outside, v)
		}
		return dst, nil
	}
	if isText != p.text {
		return dst, ErrValue
	}
	if p.used {
		if isText {
			d.env[f.Name] = v.Text
		} else {
			d.env[f.Name] = v.Number
		}
	}
	if f.Hidden {
		return dst, nil
	}
	return append(dst, v), nil
}

// express takes the expression of a field, x being its value so far.
func (d *Decoder) express(v *Value, p *fieldProgram, isText bool) (text, ok bool, err error) {
	if p.kind != computed {
		if isText {
			d.env["x"] = v.Text
		} else {
			d.env["x"] = v.Number
		}
	}
	got, err := d.eval(p.expr)
	delete(d.env, "x")
	switch x := got.(type) {
	case float64:
		v.Number, v.Text = tidy(x), ""
		return false, true, err
	case string:
		v.Text = x
		return true, true, err
	}
	return false, false, err
}

// scaled applies scale and offset.
func (p *fieldProgram) scaled(f *Field, v float64) float64 {
	switch {
	case p.inverse != 0:
		v /= p.inverse
	case f.Scale.Set:
		v *= f.Scale.V
	}
	if f.Offset.Set {
		v += f.Offset.V
	}
	if f.Scale.Set || f.Offset.Set {
		v = tidy(v)
	}
	return v
}

func padded(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	if n := digits - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	return s
}
