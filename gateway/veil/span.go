package veil

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/strict"
)

// A source is a text with its lines.
type source struct {
	text  string
	lines []int // where each begins
}

func newSource(text string) *source {
	s := &source{text: text, lines: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// offset returns where a line and a column, in characters, are; both begin with 1.
func (s *source) offset(line, column int) (int, bool) {
	if line < 1 || line > len(s.lines) {
		return 0, false
	}
	at := s.lines[line-1]
	for ; column > 1 && at < len(s.text); column-- {
		_, n := utf8.DecodeRuneInString(s.text[at:])
		at += n
	}
	return at, at < len(s.text)
}

// place is the reverse of offset.
func (s *source) place(at int) (line, column int) {
	i, found := slices.BinarySearch(s.lines, at)
	if !found {
		i--
	}
	return i + 1, utf8.RuneCountInString(s.text[s.lines[i]:at]) + 1
}

// An edit puts something else in the place of a part.
type edit struct {
	from, to int
	text     string
}

// apply makes edits that do not overlap.
func (s *source) apply(all []edit) string {
	slices.SortFunc(all, func(a, b edit) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, e := range all {
		if e.from < at {
			continue
		}
		b.WriteString(s.text[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	return b.String() + s.text[at:]
}

// span returns where a scalar stands, quotes and all, if that is known for sure.
func (s *source) span(n ast.Node) (from, to int, ok bool) {
	p := n.GetToken().Position
	if from, ok = s.offset(p.Line, p.Column); !ok {
		return 0, 0, false
	}
	rest := s.text[from:]
	switch rest[0] {
	case '\'':
		to = from + quoted(rest, false)
	case '"':
		to = from + quoted(rest, true)
	case '|', '>':
		return from, from + block(rest), true
	default:
		to = from + len(strings.TrimSpace(n.GetToken().Origin))
	}
	if to > len(s.text) || to <= from {
		return 0, 0, false
	}
	got, _, ok := strict.Tree([]byte("[" + s.text[from:to] + "]"))
	if !ok { // a plain text that may not stand within brackets
		got, _, ok = strict.Tree([]byte("- " + s.text[from:to]))
	}
	list, isList := got.(*ast.SequenceNode)
	return from, to, ok && isList && len(list.Values) == 1 && valueOf(list.Values[0]) == valueOf(n)
}

// quoted returns how long a quoted text is.
func quoted(s string, double bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case double && s[i] == '\\':
			i++
		case double && s[i] == '"':
			return i + 1
		case !double && s[i] == '\'':
			if i+1 < len(s) && s[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	}
	return -1
}

// block returns how long a block scalar is (YAML 1.2.2, 8.1), without the end of its last line.
func block(s string) int {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		return len(s)
	}
	indent, last := -1, end
	for at := end + 1; at < len(s); {
		line, _, _ := strings.Cut(s[at:], "\n")
		if body := strings.TrimLeft(line, " "); body != "" {
			in := len(line) - len(body)
			if indent < 0 {
				indent = in
			}
			if in < indent || in == 0 {
				break
			}
			last = at + len(line)
		}
		at += len(line) + 1
	}
	return last
}

// write writes a value in the style of what stood there, in quotes where it has to be.
func write(old, value string) string {
	switch {
	case old[0] == '\'' && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	case old[0] != '"' && old[0] != '\'' && plain(value):
		return value
	}
	return strconv.Quote(value)
}

// plain reports whether a text may stand without quotes, wherever it is.
func plain(value string) bool {
	if strings.ContainsAny(value, "\n\t\r") || strings.TrimSpace(value) != value {
		return false
	}
	root, _, ok := strict.Tree([]byte("- {k: " + value + "}"))
	if list, isList := root.(*ast.SequenceNode); ok && isList && len(list.Values) == 1 {
		if m, isMap := list.Values[0].(ast.MapNode); isMap {
			it := m.MapRange()
			return it.Next() && isText(it.Value()) && valueOf(it.Value()) == value && !it.Next()
		}
	}
	return false
}

func isText(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}
