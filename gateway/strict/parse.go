package strict

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"sentrybox/gateway/text"
)

// parse reads data as YAML 1.2 (of which JSON is a part) and returns its one
// value, or nil with a problem reported.
func (d *Document) parse(data []byte) (root ast.Node) {
	if len(data) > MaxFile {
		d.Report("", Mark{}, "config.file.large", MaxFile)
		return nil
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) { // UTF-16
		d.Report("", Mark{}, "config.yaml.utf8")
		return nil
	}
	if data = d.clean(data); data == nil {
		return nil
	}
	defer func() {
		// A library that panics on a file is no reason for the gateway to.
		if recover() != nil {
			d.Report("", Mark{}, "config.yaml.other")
			root = nil
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if !d.bounded(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); doc.Body == nil || directive {
			continue
		}
		if root != nil {
			d.Report("", d.Mark(doc.Body), "config.yaml.documents")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		d.Report("", Mark{}, "config.yaml.empty")
		return nil
	}
	d.marks[""] = d.Mark(root)
	d.collect(root)
	return root
}

// clean reports bytes that YAML does not allow and takes them out, so that they
// do not hide the other problems. It returns nil where reading on would take too
// long.
func (d *Document) clean(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.TrimRight(data, " \t\r\n")
	out := make([]byte, 0, len(data))
	line, blank := 0, 0
	for l := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(l)) == 0 {
			// The lexer takes time in the square of their length after a | or >.
			if blank++; blank > MaxBlank {
				d.Report("", Mark{line: line}, "config.yaml.blank", MaxBlank)
				return nil
			}
			out = append(out, '\n')
			continue
		}
		blank = 0
		at := Mark{line: line, column: 1}
		if !utf8.Valid(l) {
			d.Report("", at, "config.yaml.utf8")
			l = bytes.ToValidUTF8(l, []byte("?"))
		}
		l = bytes.ReplaceAll(l, []byte("\r\n"), []byte("\n"))
		body := bytes.TrimSuffix(l, []byte("\n"))
		if i := bytes.IndexFunc(body, forbidden); i >= 0 {
			d.Report("", at, "config.yaml.control", int(body[i]))
			l = bytes.Map(func(r rune) rune {
				if forbidden(r) && r != '\n' {
					return ' '
				}
				return r
			}, l)
		}
		out = append(out, l...)
	}
	return out
}

// forbidden are the control characters outside c-printable of YAML 1.2.2,
// section 5.1, and the lone carriage return.
func forbidden(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// bounded reports whether the file has a size and a shape that the parser can
// take: it descends into nested values, and once more for each key of a mapping.
func (d *Document) bounded(tokens token.Tokens) bool {
	var s shape
	for i, t := range tokens {
		key, limit := s.add(t), maxNesting
		switch {
		case i >= MaxTokens:
			key, limit = "config.yaml.tokens", MaxTokens
		case key == "config.yaml.keys":
			limit = MaxKeys
		}
		if key != "" {
			d.Report("", Mark{line: t.Position.Line, column: t.Position.Column}, key, limit)
			return false
		}
	}
	return true
}

// A shape follows how deep and how wide the tokens of a file are nested.
type shape struct {
	line  int // the last one seen
	flow  int // [ and { that are open
	block int // what opens a level without a line of its own, in this line
	keys  [maxIndent + 1]int
}

// add takes the next token and returns what is too much with it.
func (s *shape) add(t *token.Token) text.Key {
	p := t.Position
	if p.Line != s.line && s.flow == 0 && t.Type != token.CommentType {
		s.line, s.block = p.Line, 0
		if p.Column > maxIndent {
			return "config.yaml.deep"
		}
		clear(s.keys[p.Column+1:]) // deeper mappings have ended
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		s.flow++
	case token.MappingEndType, token.SequenceEndType:
		s.flow = max(0, s.flow-1)
	case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
		if s.flow == 0 {
			s.block++
		}
	case token.MappingValueType:
		if s.flow == 0 && t.Prev != nil {
			column := min(t.Prev.Position.Column, maxIndent)
			if s.keys[column]++; s.keys[column] > MaxKeys {
				return "config.yaml.keys"
			}
		}
	}
	if s.flow > maxNesting || s.block > maxNesting {
		return "config.yaml.deep"
	}
	return ""
}

// syntax reports an error of the parser. Its own text can quote the file, a
// password too, and is in one language only: what is known of it is said in our
// words.
func (d *Document) syntax(err error) {
	var at Mark
	key := text.Key("config.yaml.other")
	var e yaml.Error
	if errors.As(err, &e) {
		if t := e.GetToken(); t != nil && t.Position != nil {
			at = Mark{line: t.Position.Line, column: t.Position.Column}
		}
		key = syntaxKey(e.GetMessage())
	}
	d.Report("", at, key)
}

func syntaxKey(message string) text.Key {
	for _, known := range []struct {
		part string
		key  text.Key
	}{
		{"found character '\t'", "config.yaml.tab"},
		{"tab character", "config.yaml.tab"},
		{"mapping value is not allowed", "config.yaml.colon"},
		{"-quoted text", "config.yaml.quote"},
		{"'}'", "config.yaml.brace"},
		{"']'", "config.yaml.bracket"},
		{"reserved character", "config.yaml.reserved"},
		{"directive value", "config.yaml.reserved"},
		{"escape character", "config.yaml.escape"},
		{"non-map value", "config.yaml.pair"},
		{"unexpected key name", "config.yaml.pair"},
		{"value is not allowed in this context", "config.yaml.indent"},
		{"block sequence entries", "config.yaml.indent"},
	} {
		if strings.Contains(message, known.part) {
			return known.key
		}
	}
	return "config.yaml.other"
}

// Tree parses data as Read does, without reading it into anything. It returns the one value and
// what is anchored, by name; ok is false where something is wrong with the form.
func Tree(data []byte) (root ast.Node, anchors map[string]ast.Node, ok bool) {
	d := New("", nil)
	root = d.parse(data)
	return root, d.anchors, root != nil && d.Err() == nil
}
