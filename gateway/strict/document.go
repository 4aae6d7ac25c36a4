// Package strict reads files of YAML strictly: it reports every problem of a file
// in one go, each with its line and path, since the technician who wrote it
// stands in front of the box and has no time for one mistake after the other.
//
// # Form
//
// YAML 1.2 in UTF-8 of at most 1 MiB, one document; JSON is a part of it.
// Unknown and doubled keys are refused. Anchors, aliases and merge keys (<<)
// work; tags do not. Numbers are decimal. A text may be written as a number
// (grid: 3) and stays as it was written.
//
// A file is read into a struct whose fields are tagged with their keys. What has
// a form of its own is a NodeDecoder.
package strict

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"sentrybox/gateway/text"
)

// Limits on a file. The parser recurses, and some of it takes time in the
// square of what it reads.
const (
	MaxFile    = 1 << 20 // bytes
	maxNesting = 32      // lists and mappings within each other
	maxIndent  = 200     // columns
	maxNodes   = 200_000 // values read, an alias counting as all that it stands for
	MaxTokens  = 100_000
	MaxKeys    = 1000 // in one mapping
	MaxBlank   = 200  // empty lines on end
	maxAliases = 16   // aliases and merge keys that lead to each other
)

// A Document is a file on its way to being what it describes. A path leads to a
// value in it, such as cameras[2].zones.gate.
type Document struct {
	source   string // how the file was named
	env      func(string) (string, bool)
	problems *Problems
	anchors  map[string]ast.Node
	marks    map[string]Mark // by path
	faulty   map[string]bool // paths with a problem
	nodes    int
	stopped  bool // more problems would only be those of having stopped
}

// A Mark is the place of a value in the file.
type Mark struct {
	line, column int
	null         bool
	raw          string // as it stands in the file, if something of it came from the environment
}

// New returns the document of the file called name, as it is to be named in
// problems. Variables come from env; nil has none.
func New(name string, env func(string) (string, bool)) *Document {
	return &Document{
		source:   name,
		env:      env,
		problems: new(Problems),
		anchors:  map[string]ast.Node{},
		marks:    map[string]Mark{},
		faulty:   map[string]bool{},
	}
}

// Read reads the content of the file into what v points to, and reports whether
// there was anything to read: if so, what was read deserves a further look even
// where some of it is wrong.
func (d *Document) Read(data []byte, v any) bool {
	root := d.parse(data)
	if root != nil {
		d.decode(root, reflect.ValueOf(v).Elem(), "")
	}
	return root != nil
}

// Err returns every problem found so far, a *Problems, or nil.
func (d *Document) Err() error { return d.problems.err() }

// Faulty reports whether path itself has a problem.
func (d *Document) Faulty(path string) bool { return d.faulty[path] }

// FromEnv reports whether something of the text at path came from the
// environment.
func (d *Document) FromEnv(path string) bool { return d.marks[path].raw != "" }

// Report adds a problem at a place, after which what is at path counts as
// unknown.
func (d *Document) Report(path string, at Mark, key text.Key, args ...any) {
	d.faulty[path] = d.faulty[path] || path != ""
	d.Remark(path, at, key, args...)
}

// Remark adds a problem at a place, in spite of which what is at path is known.
func (d *Document) Remark(path string, at Mark, key text.Key, args ...any) {
	if d.stopped {
		return
	}
	d.problems.add(Problem{
		File: d.source, Line: max(1, at.line), Column: max(1, at.column), Path: path, Key: key, Args: args,
	})
}

// Fault adds a problem at path.
func (d *Document) Fault(path string, key text.Key, args ...any) {
	d.Report(path, d.At(path), key, args...)
}

// Flaw adds a problem with the text s at path, if f is one.
func (d *Document) Flaw(path string, f *Flaw, s string) {
	switch {
	case f == nil:
	case f.Quote:
		d.Fault(path, f.Key, append([]any{d.Shown(path, s)}, f.Args...)...)
	default:
		d.Fault(path, f.Key, f.Args...)
	}
}

// Shown returns the text s at path as it may stand in a message: without
// passwords, and without what came from the environment.
func (d *Document) Shown(path, s string) string {
	if raw := d.marks[path].raw; raw != "" {
		s = raw
	}
	return Shorten(s)
}

// At returns the place of path, or of the nearest thing around it.
func (d *Document) At(path string) Mark {
	for {
		if m, ok := d.marks[path]; ok || path == "" {
			return m
		}
		path = parent(path)
	}
}

// Given reports whether the file has something at path.
func (d *Document) Given(path string) bool {
	m, ok := d.marks[path]
	return ok && !m.null
}

// Sound reports whether nothing is wrong yet at path nor around it, so that a
// first mistake does not draw others after it.
func (d *Document) Sound(path string) bool {
	for {
		if d.faulty[path] {
			return false
		}
		if path == "" {
			return true
		}
		path = parent(path)
	}
}

func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

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

// collect finds the anchors below n.
func (d *Document) collect(n ast.Node) {
	ast.Walk(anchorVisitor{d}, n)
}

type anchorVisitor struct{ d *Document }

func (v anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		name := a.Name.GetToken().Value
		if _, twice := v.d.anchors[name]; twice {
			v.d.Report("", v.d.Mark(n), "config.yaml.anchor_twice", Shorten(name))
		} else {
			v.d.anchors[name] = a.Value
		}
	}
	return v
}

// Mark returns the place of n.
func (d *Document) Mark(n ast.Node) Mark {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key // the mapping's own token is the first colon
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		n = v.Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return Mark{}
	}
	p := n.GetToken().Position
	return Mark{line: p.Line, column: p.Column}
}
