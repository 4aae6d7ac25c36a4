package rtsp

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const hidden = "***"

// Some cameras want the password in the path or the query, as in
// /user=admin_password=x_channel=1 or ?pwd=x.
var pathSecret = regexp.MustCompile(`(?i)(?:pass|passwd|password|pwd|token|secret|auth)=([^&;/?#]+)`)

// redactor hides the secrets of one URL in any text.
type redactor struct{ secrets *regexp.Regexp }

// newRedactor knows the secrets in u. rest is the URL as it was written, after
// the scheme.
func newRedactor(u *url.URL, rest string) redactor {
	var secrets []string
	if u.User != nil {
		user := u.User.Username()
		pass, _ := u.User.Password()
		secrets = append(secrets, user+":"+pass, pass, base64.StdEncoding.EncodeToString([]byte(user+":"+pass)))
		authority, _, _ := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(authority, '@'); i >= 0 {
			_, typed, _ := strings.Cut(authority[:i], ":")
			secrets = append(secrets, typed)
		}
	}
	for _, part := range []string{u.Path, u.RawQuery} {
		for _, m := range pathSecret.FindAllStringSubmatch(part, -1) {
			first, _, _ := strings.Cut(m[1], "_") // the separator of some firmwares
			for _, s := range []string{m[1], first} {
				secrets = append(secrets, s)
				if decoded, err := url.QueryUnescape(s); err == nil {
					secrets = append(secrets, decoded)
				}
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var patterns []string
	for _, s := range secrets {
		if s != "" && s != ":" {
			patterns = append(patterns, anySpelling(s))
		}
	}
	if patterns == nil {
		return redactor{}
	}
	return redactor{regexp.MustCompile(strings.Join(patterns, "|"))}
}

// anySpelling returns a pattern for s in which each byte may be percent-encoded,
// or escaped as in a quoted string.
func anySpelling(s string) string {
	var p strings.Builder
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		c := s[i : i+n]
		i += n
		p.WriteString("(?:")
		if utf8.ValidString(c) {
			quoted := strconv.Quote(c)
			p.WriteString(regexp.QuoteMeta(c) + "|" + regexp.QuoteMeta(quoted[1:len(quoted)-1]) + "|")
		} else {
			p.WriteString(`\x{FFFD}|`) // what regexp takes a stray byte for
		}
		p.WriteString("(?i:")
		for _, b := range []byte(c) {
			fmt.Fprintf(&p, "%%%02x", b)
		}
		p.WriteString(")")
		if c == " " {
			p.WriteString(`|\+`)
		}
		p.WriteString(")")
	}
	return p.String()
}

// text returns s without secrets, without what could forge a log line, and not
// longer than a log line should be.
func (r redactor) text(s string) string {
	if r.secrets != nil {
		s = r.secrets.ReplaceAllLiteralString(s, hidden)
	}
	return shorten(printable(s), 300)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// shorten cuts s after n characters.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
