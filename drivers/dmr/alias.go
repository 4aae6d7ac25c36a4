package dmr

import (
	"unicode/utf16"
)

// alias gathers a talker alias: a header and up to three blocks (TS 102 361-2, 7.1.1.4 and 7.1.1.5).
type alias struct {
	buf  [28]byte // of four times seven bytes
	have [4]bool
}

// add takes a link control of it. It returns the alias once enough is there.
func (a *alias) add(lc []byte) (string, bool) {
	i := int(lc[0]&0x3F) - int(AliasHeader)
	if i < 0 || i > 3 || lc[0]&0x80 != 0 {
		return "", false
	}
	if i == 0 && [7]byte(lc[2:9]) != [7]byte(a.buf[:7]) { // another
		*a = alias{}
	}
	copy(a.buf[i*7:], lc[2:9])
	a.have[i] = true
	return a.text()
}

// text is false while something is missing.
func (a *alias) text() (string, bool) {
	form, n := a.buf[0]>>6, int(a.buf[0]>>1&0x1F)
	bits := map[byte]int{0: 7 + 7*n, 1: 8 + 8*n, 2: 8 + 8*n, 3: 8 + 16*n}[form]
	if n == 0 || bits > 8*len(a.buf) {
		return "", false
	}
	for i := 0; i*56 < bits; i++ {
		if !a.have[i] {
			return "", false
		}
	}
	out := make([]rune, 0, n)
	switch form {
	case 0: // ISO 646, of 7 bits
		for i := range n {
			out = append(out, rune(field(a.buf[:], 7+7*i, 7))) // 7 bits
		}
	case 1: // ISO 8859
		for _, b := range a.buf[1 : 1+n] {
			out = append(out, rune(b))
		}
	case 2: // UTF-8, n is bytes
		return visible(string(a.buf[1 : 1+n])), true
	case 3:
		units := make([]uint16, n)
		for i := range units {
			units[i] = uint16(a.buf[1+2*i])<<8 | uint16(a.buf[2+2*i])
		}
		out = utf16.Decode(units)
	}
	return visible(string(out)), true
}

// aliasBlocks returns the link controls of an alias in UTF-16, of at most 13 characters.
func aliasBlocks(name string) (all [][9]byte) {
	units := utf16.Encode([]rune(name))
	units = units[:min(len(units), 13)]
	var buf [28]byte
	buf[0] = 3<<6 | byte(len(units))<<1 // at most 13
	for i, u := range units {
		buf[1+2*i], buf[2+2*i] = byte(u>>8), byte(u)
	}
	for i := 0; i*7 < 1+2*len(units); i++ {
		lc := [9]byte{byte(AliasHeader) + byte(i)} // below 4
		copy(lc[2:], buf[i*7:i*7+7])
		all = append(all, lc)
	}
	return all
}
