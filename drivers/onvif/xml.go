package onvif

import (
	"encoding/xml"
	"strings"
	"unicode"

	"sentrybox/drivers/xmldoc"
)

// What an answer may be. A camera with eight profiles answers some 40 KiB, with
// depths around 10.
const (
	maxAnswer   = 512 << 10
	maxDepth    = 40
	maxElements = 20000
	maxName     = 200 // characters of any text that is kept
)

// decode reads an XML document into v. Elements are found by their local names:
// devices name their namespaces as they like.
func decode(b []byte, v any) error {
	return xmldoc.Decode(b, xmldoc.Limits{Bytes: maxAnswer, Depth: maxDepth, Elements: maxElements}, v)
}

// clean makes a text of a device one that a log or a page can have.
func clean(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
	if r := []rune(s); len(r) > maxName {
		s = string(r[:maxName]) + "…"
	}
	return s
}

// escape makes s the text of an element or an attribute.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
