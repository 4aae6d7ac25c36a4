package strict

import (
	"regexp"
	"strings"
)

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	sealed   = regexp.MustCompile(`^enc:[A-Za-z0-9_-]+$`)
)

// Expand puts the environment into s: ${NAME} is replaced by the variable's
// value, which is not looked through again, and $${ stands for ${. It reports a
// variable that is not set. In an address, what goes into the user information
// is escaped, so that a password may have any character. ${enc:…} is a sealed text (package seal), and is
// looked up under that name.
func (d *Document) Expand(s, path string, address bool) (string, bool) {
	userEnd := -1
	if scheme := strings.Index(s, "://"); address && scheme >= 0 {
		userEnd = strings.LastIndexByte(s, '@')
	}
	var b strings.Builder
	ok, replaced := true, false
	for rest := s; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		if i > 0 && rest[i-1] == '$' {
			b.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		b.WriteString(rest[:i])
		name, after, closed := strings.Cut(rest[i+2:], "}")
		if !closed || !variable.MatchString(name) && !sealed.MatchString(name) {
			d.Fault(path, "config.env.form")
			return "", false
		}
		value, set := "", false
		if d.env != nil {
			value, set = d.env(name)
		}
		switch {
		case !set && sealed.MatchString(name):
			d.Fault(path, "config.env.sealed")
			ok = false
		case !set:
			d.Fault(path, "config.env.unset", name)
			ok = false
		}
		if len(s)-len(rest)+i < userEnd {
			value = EscapeUser(value)
		}
		b.WriteString(value)
		rest, replaced = after, true
	}
	if replaced {
		m := d.At(path)
		m.raw = s
		d.marks[path] = m
	}
	return b.String(), ok
}

// EscapeUser percent-encodes what may not stand in the user information of a
// URL (RFC 3986, section 3.2.1).
func EscapeUser(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("0123456789-._~!$&'()*+,;=", c) >= 0
		if plain {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
