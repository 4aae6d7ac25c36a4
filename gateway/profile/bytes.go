package profile

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// Bytes is bytes, written as hexadecimal digits and texts in single quotes:
// "AA 55", "'R=' 0D 0A".
type Bytes []byte

// DecodeNode reads bytes.
func (b *Bytes) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := d.Text(n, path)
	if !ok {
		return
	}
	p, ok := parsePattern(s)
	if !ok || slices.ContainsFunc(p.mask, func(m byte) bool { return m != 0xff }) {
		d.Fault(path, "profile.bytes", d.Shown(path, s))
		return
	}
	*b = p.value
}

// String returns the bytes as hexadecimal digits.
func (b Bytes) String() string { return spaced(b) }

func spaced(b []byte) string {
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return s.String()
}

// Pattern is bytes of which some digits may be anything: "01 ?? 3?".
type Pattern struct{ value, mask []byte }

// Len returns how many bytes the pattern has.
func (p Pattern) Len() int { return len(p.value) }

// Match reports whether b begins with the pattern.
func (p Pattern) Match(b []byte) bool {
	if len(b) < len(p.value) {
		return false
	}
	for i, v := range p.value {
		if b[i]&p.mask[i] != v {
			return false
		}
	}
	return true
}

// DecodeNode reads a pattern.
func (p *Pattern) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := d.Text(n, path)
	if !ok {
		return
	}
	got, ok := parsePattern(s)
	if !ok {
		d.Fault(path, "profile.bytes", d.Shown(path, s))
		return
	}
	*p = got
}

func parsePattern(s string) (p Pattern, ok bool) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t\n,") {
		if len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
			s = s[2:]
		}
		if s[0] == '\'' {
			end := strings.IndexByte(s[1:], '\'')
			if end < 0 {
				return Pattern{}, false
			}
			p.value = append(p.value, s[1:1+end]...)
			s = s[end+2:]
			for len(p.mask) < len(p.value) {
				p.mask = append(p.mask, 0xff)
			}
			continue
		}
		if len(s) < 2 {
			return Pattern{}, false
		}
		high, highMask, ok1 := digit(s[0])
		low, lowMask, ok2 := digit(s[1])
		if !ok1 || !ok2 {
			return Pattern{}, false
		}
		p.value = append(p.value, high<<4|low)
		p.mask = append(p.mask, highMask<<4|lowMask)
		s = s[2:]
	}
	return p, len(p.value) > 0
}

// digit returns the value of a hexadecimal digit and which of its bits count.
func digit(c byte) (value, mask byte, ok bool) {
	if c == '?' {
		return 0, 0, true
	}
	v, err := strconv.ParseUint(string(rune(c)), 16, 8)
	return byte(v), 0xf, err == nil
}

// Bits is a row of bits of a number, 0 being the lowest.
type Bits struct{ Low, High int }

// DecodeNode reads 7 or 0-11, in either order.
func (b *Bits) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := d.Text(n, path)
	if !ok {
		return
	}
	from, to, two := strings.Cut(strings.ReplaceAll(s, " ", ""), "-")
	if !two {
		to = from
	}
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	if low > high {
		low, high = high, low
	}
	if err1 != nil || err2 != nil || low < 0 || high > 63 {
		d.Fault(path, "profile.bits", d.Shown(path, s))
		return
	}
	*b = Bits{low, high}
}

// Order is a byte order.
type Order string

// The byte orders. word_swap is CDAB of Modbus manuals, byte_swap BADC.
const (
	Big      Order = "big"
	Little   Order = "little"
	WordSwap Order = "word_swap"
	ByteSwap Order = "byte_swap"
)

// DecodeNode reads a byte order; the letters of Modbus manuals are understood too.
func (o *Order) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := d.Text(n, path)
	if !ok {
		return
	}
	switch strings.ToUpper(s) {
	case "ABCD", "AB":
		s = string(Big)
	case "DCBA", "BA":
		s = string(Little)
	case "CDAB":
		s = string(WordSwap)
	case "BADC":
		s = string(ByteSwap)
	}
	if d.OneOf(path, s, string(Big), string(Little), string(WordSwap), string(ByteSwap)) {
		*o = Order(s)
	}
}
