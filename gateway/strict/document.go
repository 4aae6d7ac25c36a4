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
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

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
	lone     bool // one element may stand for a list of it
}

// LoneElements lets an element stand alone where a list is expected.
func (d *Document) LoneElements() { d.lone = true }

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
