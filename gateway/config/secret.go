package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"unique"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// hidden stands where a password would.
const hidden = strict.Hidden

// veiled is a text behind a pointer. Package fmt prints the fields of a struct
// without calling their methods where a verb does not fit, as in %p: there it
// finds the address only.
type veiled struct{ h unique.Handle[string] }

func veil(s string) veiled {
	if s == "" {
		return veiled{}
	}
	return veiled{unique.Make(s)}
}

func (v veiled) reveal() string {
	if v == (veiled{}) {
		return ""
	}
	return v.h.Value()
}

// Secret is a text that is never printed, logged or marshalled. Equal
// ones are ==.
type Secret struct{ v veiled }

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return Secret{veil(s)} }

// Reveal returns the text itself.
func (s Secret) Reveal() string { return s.v.reveal() }

// String returns *** for every text but the empty one.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return hidden
}

// GoString is String in quotes.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format prints String whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) { format(f, verb, s.String()) }

// LogValue returns String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String. It is not a way to save a configuration.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns String as JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// URL is an address that may carry a password, which is never printed, logged
// or marshalled. Equal ones are ==.
type URL struct{ v veiled }

// NewURL returns s as a URL. It need not be a valid one.
func NewURL(s string) URL { return URL{veil(s)} }

// Reveal returns the whole address with its password.
func (u URL) Reveal() string { return u.v.reveal() }

// IsZero reports whether there is no address.
func (u URL) IsZero() bool { return u.v == veiled{} }

// String returns the address with *** for its password, be it in the user
// information or a parameter.
func (u URL) String() string { return strict.Redact(u.Reveal()) }

// GoString is String in quotes.
func (u URL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// Format prints String whatever the verb.
func (u URL) Format(f fmt.State, verb rune) { format(f, verb, u.String()) }

// LogValue returns String.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText returns String. It is not a way to save a configuration.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalJSON returns String as JSON.
func (u URL) MarshalJSON() ([]byte, error) { return json.Marshal(u.String()) }

// Parse splits the address (RFC 3986). Unlike that of url.Parse, its error
// does not quote it.
func (u URL) Parse() (*url.URL, error) {
	p, err := url.Parse(u.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", u)
	}
	if p.Hostname() == "" {
		return nil, errors.New("a URL without a host")
	}
	return p, nil
}

func format(f fmt.State, verb rune, s string) {
	switch verb {
	case 's', 'q', 'v', 'x', 'X':
	default: // would name the type and print its fields
		verb = 's'
	}
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), s)
}

// DecodeNode reads a text, with the environment put in and escaped.
func (u *URL) DecodeNode(d *strict.Document, n ast.Node, path string) {
	s, ok := strict.Literal(n)
	if !ok {
		d.Mistyped(path, "config.type.text", n)
		return
	}
	if s, ok = d.Expand(s, path, true); ok {
		*u = NewURL(s)
	}
}

// DecodeNode reads a text, with the environment put in.
func (s *Secret) DecodeNode(d *strict.Document, n ast.Node, path string) {
	if t, ok := d.Text(n, path); ok {
		*s = NewSecret(t)
	}
}
