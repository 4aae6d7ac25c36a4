package alert

import (
	"unicode"
	"unicode/utf8"
)

// Printable makes a stranger's text fit for an Event: printable characters alone, without those that JSON
// doubles, and of at most most bytes, so that the alert stays within its 1 KiB.
func Printable(s string, most int) string {
	out := make([]byte, 0, min(len(s), most))
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) || r == '"' || r == '\\' {
			r = '?'
		}
		if len(out)+utf8.RuneLen(r) > most {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
