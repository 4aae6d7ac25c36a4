// Package veil shows the configuration without its secrets, and takes it back.
//
// Where a secret stands, the text that is shown has a marker: six dots and twelve characters,
// which say which secret is meant without saying anything about it. They are a keyed digest (HMAC,
// RFC 2104, with SHA-256) under a key that never leaves the box, so that a marker may be moved, and
// its camera renamed, and still means the same. A text with markers that comes back means the
// secrets that they stand for; what is written in the place of a marker is a new secret; and a
// marker that stands for nothing is a mistake, with its line.
//
// A secret that is kept goes where it has gone: to the same host, for the same user, or to where it is
// sent nowhere. Anywhere else it has to be typed again, or whoever may change the configuration could
// have it sent to themselves. The same holds for references to the environment and files that are for
// a password; one that has been for none yet may be for any.
//
// What is secret the schema says: each value of type config.Secret, and the password in each
// address. Comments, keys that nobody knows and files that are no YAML have no schema: there
// it goes by the names of keys and the form of addresses, and hides rather too much. A reference to
// the environment, ${NAME}, is none. What is sealed, ${enc:…}, has a marker as well: nobody needs to read it.
//
// What is saved here is sealed first with the box's key (package seal), so that neither the file nor its history has
// a password in the clear.
package veil

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"sentrybox/gateway/strict"
)

// Dots stand for a secret where it does not matter which.
const Dots = "••••••"

const idLength = 12

var (
	marker    = regexp.MustCompile(Dots + `[a-z2-7]{12}`)
	anyMarker = regexp.MustCompile(Dots + `•*[A-Za-z0-9]*`) // also one that was damaged
	reference = regexp.MustCompile(`^(\$\{[A-Za-z_][A-Za-z0-9_]*\})+$`)
	parameter = regexp.MustCompile(`(?i)(?:password|passwd|pass|pwd|psw|token|secret)=([^&#;?\s]*)`)
)

// A secret is a text, and whether it stands in an address, where it is escaped.
type secret struct {
	text    string
	address bool
}

// in returns the secret as it stands in an address, or elsewhere.
func (s secret) in(address bool) string {
	switch {
	case s.address == address || strings.Contains(s.text, "${"):
		return s.text
	case address:
		return strings.ReplaceAll(strings.TrimPrefix(url.UserPassword("", s.text).String(), ":"), "$", "%24")
	}
	if meant, err := url.PathUnescape(s.text); err == nil {
		return strings.ReplaceAll(meant, "${", "$${")
	}
	return s.text
}

// mark returns the marker of a secret under a key.
func (s secret) mark(key []byte) string {
	h := hmac.New(sha256.New, key)
	kind := byte(0)
	if s.address {
		kind = 1
	}
	h.Write(append([]byte{kind}, s.text...))
	return Dots + letters(h.Sum(nil))
}

// letters writes 60 bits.
func letters(b []byte) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)[:idLength])
}

// hides reports whether a text is to be hidden: it says something, which is neither a reference nor
// hidden already.
func hides(text string) bool {
	return text != "" && !reference.MatchString(text) && !anyMarker.MatchString(text)
}

// pieces returns what is secret in a text that may be an address: the password before the last @,
// and those among its parameters. See strict.Redact.
func pieces(s string) [][2]int { return parts(s, hides) }

// parts returns those places for a secret in an address where there is one that counts.
func parts(s string, counts func(string) bool) (all [][2]int) {
	from := 0
	if scheme := strings.Index(s, "://"); scheme >= 0 {
		at := strings.LastIndexByte(s, '@')
		if colon := strings.IndexByte(s[scheme+3:max(at, scheme+3)], ':'); colon >= 0 {
			from = at
			if piece := [2]int{scheme + 3 + colon + 1, at}; counts(s[piece[0]:piece[1]]) {
				all = append(all, piece)
			}
		}
	}
	for _, m := range parameter.FindAllStringSubmatchIndex(s[from:], -1) {
		if piece := [2]int{from + m[2], from + m[3]}; counts(s[piece[0]:piece[1]]) {
			all = append(all, piece)
		}
	}
	return all
}

// veiled returns a text with markers in the place of its pieces.
func veiled(s string, all [][2]int, mark func(secret) string) string {
	for i := len(all) - 1; i >= 0; i-- {
		s = s[:all[i][0]] + mark(secret{s[all[i][0]:all[i][1]], true}) + s[all[i][1]:]
	}
	return s
}

// conceal puts a marker in the place of every secret of a configuration.
func conceal(body string, mark func(secret) string) string {
	body = strings.ReplaceAll(strings.TrimPrefix(body, "\ufeff"), "\r\n", "\n")
	root, anchors, ok := strict.Tree([]byte(body))
	if !ok {
		return byLines(body, mark)
	}
	f := find(root, anchors)
	out, ok := f.conceal(newSource(body), mark)
	if ok {
		root, anchors, ok = strict.Tree([]byte(out))
	}
	if ok && find(root, anchors).clean() {
		return out
	}
	// Nothing of a file whose form is not understood may show.
	out = byLines(body, mark)
	for _, n := range f.order {
		for _, s := range f.secrets(n) {
			out = strings.ReplaceAll(out, s.text, mark(s))
		}
	}
	return out
}

// secrets returns what is secret of a scalar.
func (f *finder) secrets(n ast.Node) (all []secret) {
	value := valueOf(n)
	if f.found[n] {
		if hides(value) {
			all = append(all, secret{value, false})
		}
		return all
	}
	for _, p := range pieces(value) {
		all = append(all, secret{value[p[0]:p[1]], true})
	}
	return all
}

// clean reports whether nothing secret is left.
func (f *finder) clean() bool {
	for _, n := range f.order {
		if len(f.secrets(n)) > 0 {
			return false
		}
	}
	return f.spent <= mostNodes
}

func (f *finder) conceal(src *source, mark func(secret) string) (string, bool) {
	var edits []edit
	for _, n := range f.order {
		value := valueOf(n)
		if f.found[n] {
			if !hides(value) {
				continue
			}
			value = mark(secret{value, false})
		} else if all := pieces(value); len(all) > 0 {
			value = veiled(value, all, mark)
		} else {
			continue
		}
		from, to, ok := src.span(n)
		if !ok {
			return "", false
		}
		edits = append(edits, edit{from, to, write(src.text[from:to], value)})
	}
	for _, t := range comments(src.text) {
		from, ok := src.offset(t.Position.Line, t.Position.Column)
		if !ok || src.text[from] != '#' {
			return "", false
		}
		rest, _, _ := strings.Cut(src.text[from:], "\n")
		if text := comment(rest, mark); text != rest {
			edits = append(edits, edit{from, from + len(rest), text})
		}
	}
	return src.apply(edits), true
}

// comments returns the comments of what strict.Tree can read.
func comments(text string) (all []*token.Token) {
	for _, t := range lexer.Tokenize(text) {
		if t.Type == token.CommentType {
			all = append(all, t)
		}
	}
	return all
}
