package strict

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/text"
)

// A NodeDecoder reads itself from a value of the file and reports what is wrong.
type NodeDecoder interface {
	DecodeNode(d *Document, n ast.Node, path string)
}

// Decode reads n into what v points to, as a NodeDecoder needs it for its parts.
func (d *Document) Decode(n ast.Node, v any, path string) {
	d.decode(n, reflect.ValueOf(v).Elem(), path)
}

// decode reads n into v, which is left as it is where n says nothing or
// something wrong.
func (d *Document) decode(n ast.Node, v reflect.Value, path string) {
	n = d.Resolve(n, path)
	if null(n) {
		return
	}
	if c, ok := v.Addr().Interface().(NodeDecoder); ok {
		c.DecodeNode(d, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.decodeStruct(n, v, path)
	case reflect.Map:
		d.decodeMap(n, v, path)
	case reflect.Slice:
		d.decodeSlice(n, v, path)
	case reflect.String:
		if s, ok := d.Text(n, path); ok {
			v.SetString(s)
		}
	case reflect.Int:
		if i, ok := n.(*ast.IntegerNode); ok {
			if x, err := strconv.Atoi(i.Token.Value); err == nil {
				v.SetInt(int64(x))
				return
			}
		}
		d.Mistyped(path, "config.type.whole", n)
	case reflect.Float64:
		x, ok := Number(n)
		if !ok {
			d.Mistyped(path, "config.type.number", n)
			return
		}
		v.SetFloat(x)
	case reflect.Pointer:
		item := reflect.New(v.Type().Elem())
		d.decode(n, item.Elem(), path)
		v.Set(item)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.Mistyped(path, "config.type.bool", n)
			return
		}
		v.SetBool(b.Value)
	}
}

func (d *Document) decodeStruct(n ast.Node, v reflect.Value, path string) {
	fields := map[string]int{}
	var names, meant []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name == "" {
			continue
		}
		fields[name] = i
		names = append(names, name)
	}
	for _, e := range d.entries(n, path) {
		at := Member(path, e.name)
		i, known := fields[e.name]
		if known {
			e.mark.null = null(e.value)
			d.marks[at] = e.mark
			d.decode(e.value, v.Field(i), at)
		} else if near := Nearest(e.name, names); near != "" {
			d.Remark(at, e.mark, "config.unknown.near", near)
			meant = append(meant, Member(path, near))
		} else if null(e.value) {
			d.Remark(at, e.mark, "config.unknown.comma", strings.Join(names, ", "))
		} else {
			d.Remark(at, e.mark, "config.unknown", strings.Join(names, ", "))
		}
	}
	for _, at := range meant { // what was meant is not missing too
		d.faulty[at] = d.faulty[at] || !d.Given(at)
	}
}

func (d *Document) decodeMap(n ast.Node, v reflect.Value, path string) {
	entries := d.entries(n, path)
	v.SetZero()
	if len(entries) > 0 {
		v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	}
	for _, e := range entries {
		at := Member(path, e.name)
		d.marks[at] = e.mark
		item := reflect.New(v.Type().Elem()).Elem()
		if null(e.value) {
			d.Mistyped(at, "config.type.mapping", e.value)
		} else {
			d.decode(e.value, item, at)
		}
		v.SetMapIndex(reflect.ValueOf(e.name), item)
	}
}

func (d *Document) decodeSlice(n ast.Node, v reflect.Value, path string) {
	items, ok := []ast.Node{n}, true
	if _, list := n.(*ast.SequenceNode); list || !d.lone || null(n) {
		items, ok = d.Sequence(n, path)
	}
	if !ok {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		at := Element(path, i)
		d.Note(at, item)
		if null(item) {
			d.Mistyped(at, "config.type.mapping", item)
			continue
		}
		d.decode(item, v.Index(i), at)
	}
}

// Note marks the place of a list's element.
func (d *Document) Note(path string, n ast.Node) { d.marks[path] = d.Mark(n) }

// Resolve takes anchors and tags off n and follows aliases. It returns nil
// after reporting what it cannot follow.
func (d *Document) Resolve(n ast.Node, path string) ast.Node {
	if !d.spend(n) {
		return nil
	}
	for range maxAliases {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			name := x.Value.GetToken().Value
			target, ok := d.anchors[name]
			if !ok {
				d.Report(path, d.Mark(x), "config.yaml.anchor", Shorten(name))
				return nil
			}
			n = target
		case *ast.TagNode:
			d.Report(path, d.Mark(x), "config.yaml.tag")
			return nil
		default:
			return n
		}
	}
	d.Report(path, d.Mark(n), "config.yaml.circle")
	return nil
}

// spend counts n and reports whether it is within what a file may mean.
func (d *Document) spend(n ast.Node) bool {
	d.nodes++
	if d.nodes > maxNodes && !d.stopped {
		d.Remark("", d.Mark(n), "config.yaml.nodes", maxNodes)
		d.stopped = true
	}
	return !d.stopped
}

// An entry is one key of a mapping with its value.
type entry struct {
	name  string
	mark  Mark
	value ast.Node
}

// entries returns the entries of a mapping in order, those of merge keys last,
// and reports keys that are there twice.
func (d *Document) entries(n ast.Node, path string) []entry {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.Mistyped(path, "config.type.mapping", n)
		return nil
	}
	var own, merged []entry
	lines := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		at := d.Mark(it.Key())
		if it.Key().IsMergeKey() {
			merged = append(merged, d.merge(it.Value(), path, 1)...)
			continue
		}
		name, ok := keyName(it.Key())
		if !ok {
			d.Remark(path, at, "config.key")
			continue
		}
		if first, twice := lines[name]; twice {
			d.Remark(Member(path, name), at, "config.twice", first)
			continue
		}
		lines[name] = at.line
		own = append(own, entry{name, at, it.Value()})
	}
	for _, e := range merged {
		if _, overridden := lines[e.name]; !overridden {
			lines[e.name] = e.mark.line
			own = append(own, e)
		}
	}
	return own
}

// merge returns what a merge key (yaml.org/type/merge.html) brings in: a
// mapping, or a list of them of which the first wins.
func (d *Document) merge(n ast.Node, path string, depth int) []entry {
	at := d.Mark(n)
	if depth > maxAliases {
		d.Report(path, at, "config.yaml.circle")
		return nil
	}
	var all []entry
	switch x := d.Resolve(n, path).(type) {
	case nil:
	case *ast.SequenceNode:
		for _, v := range x.Values {
			all = append(all, d.merge(v, path, depth+1)...)
		}
	case ast.MapNode:
		var deeper []entry
		for it := x.MapRange(); it.Next() && d.spend(it.Value()); {
			if it.Key().IsMergeKey() {
				deeper = append(deeper, d.merge(it.Value(), path, depth+1)...)
			} else if name, ok := keyName(it.Key()); ok {
				all = append(all, entry{name, d.Mark(it.Key()), it.Value()})
			}
		}
		all = append(all, deeper...)
	default:
		d.Report(path, at, "config.yaml.merge")
	}
	return all
}

// keyName returns the text of a key that is one.
func keyName(k ast.MapKeyNode) (string, bool) {
	switch k.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return k.GetToken().Value, true
	}
	return "", false
}

// Sequence returns the elements of a list.
func (d *Document) Sequence(n ast.Node, path string) ([]ast.Node, bool) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.Mistyped(path, "config.type.list", n)
		return nil, false
	}
	return s.Values, true
}

// Text returns a text, with the environment put in. A number is taken as it is
// written, since few people quote a password of digits.
func (d *Document) Text(n ast.Node, path string) (string, bool) {
	s, ok := Literal(n)
	if !ok {
		d.Mistyped(path, "config.type.text", n)
		return "", false
	}
	return d.Expand(s, path, false)
}

// Literal returns a scalar as it is written, without its quotes.
func Literal(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// Number returns a finite number. The parser takes 1e-5, as JSON has it, for a
// text.
func Number(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode:
		x, err := strconv.ParseFloat(n.GetToken().Value, 64)
		return x, err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
	}
	return 0, false
}

// Mistyped reports that path is not what it must be, want being one of the
// config.type sentences.
func (d *Document) Mistyped(path string, want text.Key, n ast.Node) {
	d.Fault(path, "config.type", want, typeOf(n))
	d.faulty[path] = true // the file as a whole too
}

func null(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

func typeOf(n ast.Node) text.Key {
	switch n.(type) {
	case ast.MapNode:
		return "config.type.mapping"
	case *ast.SequenceNode:
		return "config.type.list"
	case *ast.BoolNode:
		return "config.type.bool"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "config.type.number"
	case nil, *ast.NullNode:
		return "config.type.nothing"
	}
	return "config.type.text"
}

// plainName reports whether a key reads as one name: 1 to 64 letters, digits, underscores and hyphens.
func plainName(s string) bool {
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' && r != '-' {
			return false
		}
		n++
	}
	return n >= 1 && n <= 64
}

// Member returns the path of a key, which is quoted where it would not read as
// one name.
func Member(path, name string) string {
	switch {
	case !plainName(name):
		return path + "[" + strconv.Quote(Shorten(name)) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// Element returns the path of a list's element.
func Element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
