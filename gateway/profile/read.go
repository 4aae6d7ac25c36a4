package profile

import (
	"math"
	"strconv"
	"strings"
)

// readUint reads a number of 1 to 8 bytes.
func readUint(b []byte, order Order) uint64 {
	var v uint64
	n := len(b)
	for i := range b {
		v = v<<8 | uint64(b[place(i, n, order)])
	}
	return v
}

// place returns where byte i of a number, from the highest, stands.
func place(i, n int, order Order) int {
	switch order {
	case Little:
		return n - 1 - i
	case WordSwap:
		return n - 2 - i&^1 + i&1
	case ByteSwap:
		return i ^ 1
	}
	return i
}

// half returns the value of an IEEE 754 number of 16 bits.
func half(b uint16) float64 {
	sign, exponent, fraction := 1.0, int(b>>10&0x1f), float64(b&0x3ff)
	if b>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 0x1f:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// readBCD reads decimal digits, two a byte.
func readBCD(b []byte, order Order) (float64, bool) {
	var v float64
	for i := range b {
		c := b[place(i, len(b), order)]
		high, low := c>>4, c&0xf
		if high > 9 || low > 9 {
			return 0, false
		}
		v = v*100 + float64(high*10+low)
	}
	return v, true
}

// number reads a decimal number as devices write it: with a plus, leading zeros,
// spaces around it, or a comma for the point.
func number(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	sign, digits := "", s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, digits = s[:1], strings.TrimLeft(s[1:], " ")
	}
	if digits == "" || len(digits) > 40 || strings.Trim(digits, "0123456789.,eE+-") != "" {
		return 0, false
	}
	if sign == "-" || strings.ContainsRune(digits, ',') {
		digits = strings.Replace(digits, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(digits, 64)
	if sign == "-" {
		v = -v
	}
	return v, err == nil && !math.IsInf(v, 0)
}

// clean makes a text of bytes from outside: up to the first NUL, without what
// cannot be seen, and no longer than maxText.
func clean(b []byte) string {
	s := string(b)
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.TrimSpace(s)
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// maxText is the longest text that a value may be, in bytes.
const maxText = 256
