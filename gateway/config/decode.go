package config

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/text"
)

// A nodeDecoder reads itself from a value of the file and reports what is wrong.
type nodeDecoder interface {
	decodeNode(d *document, n ast.Node, path string)
}

// decode reads n into v, which is left as it is where n says nothing or
// something wrong.
func (d *document) decode(n ast.Node, v reflect.Value, path string) {
	n = d.resolve(n, path)
	if null(n) {
		return
	}
	if c, ok := v.Addr().Interface().(nodeDecoder); ok {
		c.decodeNode(d, n, path)
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
		if s, ok := d.text(n, path); ok {
			v.SetString(s)
		}
	case reflect.Int:
		if i, ok := n.(*ast.IntegerNode); ok {
			if x, err := strconv.Atoi(i.Token.Value); err == nil {
				v.SetInt(int64(x))
				return
			}
		}
		d.mistyped(path, "config.type.whole", n)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.mistyped(path, "config.type.bool", n)
			return
		}
		v.SetBool(b.Value)
	}
}

func (d *document) decodeStruct(n ast.Node, v reflect.Value, path string) {
	fields := map[string]int{}
	var names, meant []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		fields[name] = i
		names = append(names, name)
	}
	for _, e := range d.entries(n, path) {
		at := member(path, e.name)
		i, known := fields[e.name]
		if known {
			e.mark.null = null(e.value)
			d.marks[at] = e.mark
			d.decode(e.value, v.Field(i), at)
		} else if near := nearest(e.name, names); near != "" {
			d.remark(at, e.mark, "config.unknown.near", near)
			meant = append(meant, member(path, near))
		} else {
			d.remark(at, e.mark, "config.unknown", strings.Join(names, ", "))
		}
	}
	for _, at := range meant { // what was meant is not missing too
		d.faulty[at] = d.faulty[at] || !d.given(at)
	}
}

func (d *document) decodeMap(n ast.Node, v reflect.Value, path string) {
	entries := d.entries(n, path)
	v.Set(reflect.MakeMapWithSize(v.Type(), len(entries)))
	for _, e := range entries {
		at := member(path, e.name)
		d.marks[at] = e.mark
		item := reflect.New(v.Type().Elem()).Elem()
		if null(e.value) {
			d.mistyped(at, "config.type.mapping", e.value)
		} else {
			d.decode(e.value, item, at)
		}
		v.SetMapIndex(reflect.ValueOf(e.name), item)
	}
}

func (d *document) decodeSlice(n ast.Node, v reflect.Value, path string) {
	items, ok := d.sequence(n, path)
	if !ok {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		at := element(path, i)
		d.note(at, item)
		if null(item) {
			d.mistyped(at, "config.type.mapping", item)
			continue
		}
		d.decode(item, v.Index(i), at)
	}
}

// note marks the place of a list's element.
func (d *document) note(path string, n ast.Node) { d.marks[path] = d.mark(n) }

// resolve takes anchors and tags off n and follows aliases. It returns nil
// after reporting what it cannot follow.
func (d *document) resolve(n ast.Node, path string) ast.Node {
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
				d.report(path, d.mark(x), "config.yaml.anchor", shorten(name))
				return nil
			}
			n = target
		case *ast.TagNode:
			d.report(path, d.mark(x), "config.yaml.tag")
			return nil
		default:
			return n
		}
	}
	d.report(path, d.mark(n), "config.yaml.circle")
	return nil
}

// spend counts n and reports whether it is within what a file may mean.
func (d *document) spend(n ast.Node) bool {
	d.nodes++
	if d.nodes > maxNodes && !d.stopped {
		d.remark("", d.mark(n), "config.yaml.nodes", maxNodes)
		d.stopped = true
	}
	return !d.stopped
}

// An entry is one key of a mapping with its value.
type entry struct {
	name  string
	mark  mark
	value ast.Node
}

// entries returns the entries of a mapping in order, those of merge keys last,
// and reports keys that are there twice.
func (d *document) entries(n ast.Node, path string) []entry {
	m, ok := n.(ast.MapNode)
	if !ok {
		d.mistyped(path, "config.type.mapping", n)
		return nil
	}
	var own, merged []entry
	lines := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		at := d.mark(it.Key())
		if it.Key().IsMergeKey() {
			merged = append(merged, d.merge(it.Value(), path, 1)...)
			continue
		}
		name, ok := keyName(it.Key())
		if !ok {
			d.remark(path, at, "config.key")
			continue
		}
		if first, twice := lines[name]; twice {
			d.remark(member(path, name), at, "config.twice", first)
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
func (d *document) merge(n ast.Node, path string, depth int) []entry {
	at := d.mark(n)
	if depth > maxAliases {
		d.report(path, at, "config.yaml.circle")
		return nil
	}
	var all []entry
	switch x := d.resolve(n, path).(type) {
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
				all = append(all, entry{name, d.mark(it.Key()), it.Value()})
			}
		}
		all = append(all, deeper...)
	default:
		d.report(path, at, "config.yaml.merge")
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

// sequence returns the elements of a list.
func (d *document) sequence(n ast.Node, path string) ([]ast.Node, bool) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mistyped(path, "config.type.list", n)
		return nil, false
	}
	return s.Values, true
}

// text returns a text, with the environment put in. A number is taken as it is
// written, since few people quote a password of digits.
func (d *document) text(n ast.Node, path string) (string, bool) {
	s, ok := literal(n)
	if !ok {
		d.mistyped(path, "config.type.text", n)
		return "", false
	}
	return d.expand(s, path, false)
}

// literal returns a scalar as it is written, without its quotes.
func literal(n ast.Node) (string, bool) {
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

// number returns a finite number. The parser takes 1e-5, as JSON has it, for a
// text.
func number(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode:
		x, err := strconv.ParseFloat(n.GetToken().Value, 64)
		return x, err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
	}
	return 0, false
}

func (d *document) mistyped(path string, want text.Key, n ast.Node) {
	d.fault(path, "config.type", want, typeOf(n))
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

var plainName = regexp.MustCompile(`^[\pL\pN_-]{1,64}$`)

// member returns the path of a key, which is quoted where it would not read as
// one name.
func member(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return path + "[" + strconv.Quote(shorten(name)) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// names returns the keys of m in order.
func names[T any](m map[string]T) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
