package strict

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sentrybox/gateway/text"
)

// MaxProblems bounds the report on a file that is no configuration at all.
const MaxProblems = 1000

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File   string // as it was named to Load or Parse
	Line   int    // from 1; 0 if the file could not be read
	Column int    // from 1
	Path   string // such as cameras[2].zones.gate.polygon; empty for the file as a whole
	Key    text.Key
	Args   []any // for Key; those of type text.Key, or with a method Text, are sentences too
}

// Message returns what is wrong, without the place.
func (p Problem) Message(l text.Lang) string {
	args := make([]any, len(p.Args))
	for i, a := range p.Args {
		switch x := a.(type) {
		case text.Key:
			a = text.T(l, x)
		case interface{ Text(l text.Lang) string }:
			a = x.Text(l)
		}
		args[i] = a
	}
	return text.T(l, p.Key, args...)
}

// Text returns the problem as file:line: path: message. File, line and path are
// the same in every language.
func (p Problem) Text(l text.Lang) string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	return b.String() + ": " + p.Message(l)
}

// Error returns Text in English.
func (p Problem) Error() string { return p.Text(text.English) }

// Problems is everything that is wrong with a configuration, sorted by line. It
// is the error of Load, Parse and ParseCamera, and never empty there.
type Problems struct {
	List  []Problem
	cause error
}

// Text returns a line for each problem.
func (p *Problems) Text(l text.Lang) string {
	lines := make([]string, len(p.List))
	for i, q := range p.List {
		lines[i] = q.Text(l)
	}
	return strings.Join(lines, "\n")
}

// Error returns Text in English.
func (p *Problems) Error() string { return p.Text(text.English) }

// Unwrap returns why the file could not be read, such as fs.ErrNotExist.
func (p *Problems) Unwrap() error { return p.cause }

func (p *Problems) add(q Problem) {
	switch {
	case len(p.List) < MaxProblems:
	case len(p.List) == MaxProblems:
		q.Path, q.Key, q.Args = "", "config.more", nil
	default:
		return
	}
	p.List = append(p.List, q)
}

// err returns p, or nil if there are no problems.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return p
}

// A Flaw is what is wrong with a text, without the place.
type Flaw struct {
	Key   text.Key
	Args  []any
	Quote bool // the text itself is the first argument
}

// Err returns the flaw of s on its own.
func (f *Flaw) Err(s string) error {
	args := f.Args
	if f.Quote {
		args = append([]any{Shorten(s)}, args...)
	}
	return errors.New(text.T(text.English, f.Key, args...))
}

// Shorten prepares a piece of the file for a message.
func Shorten(s string) string {
	const most = 60 // runes
	s = Redact(s)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// Nearest returns the candidate that name was probably meant to be, or "".
func Nearest(name string, candidates []string) string {
	if utf8.RuneCountInString(name) > 64 {
		return ""
	}
	plain := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(name))
	best, least := "", 4
	for _, c := range candidates {
		d := distance([]rune(plain), []rune(c))
		if short := min(len(c), len(plain)); short > 2 && c[:short] == plain[:short] {
			d = min(d, 2) // warning for warn, pass for password
		}
		if d < least && (d <= max(1, len(c)/2)) {
			best, least = c, d
		}
	}
	return best
}

// distance returns how many characters must be put in, taken out, changed or
// exchanged with their neighbour to make b of a: the distance of Levenshtein
// with the transpositions of Damerau, each place being touched once.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i, ca := range a {
		row[0] = i + 1
		for j, cb := range b {
			cost := last[j]
			if ca != cb {
				cost++
			}
			if i > 0 && j > 0 && ca == b[j-1] && a[i-1] == cb {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
