package veil

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
)

// mostNodes bounds a walk: aliases can stand for a lot.
const mostNodes = 200_000

// secretName is a key, which the schema need not know, whose value is taken for a secret.
var secretName = regexp.MustCompile(`(?i)pass(word|wd|phrase)?$|pwd$|psw$|secret|token$|cred|psk$|s?key$|hash$`)

// A finder walks a configuration along its schema and notes every scalar of it: true for a secret
// as a whole, false for a text that may be an address with one.
type finder struct {
	anchors map[string]ast.Node
	found   map[ast.Node]bool
	order   []ast.Node
	schema  map[ast.Node]reflect.Type // config.Secret or config.URL, where the schema says so
	spent   int
}

func find(root ast.Node, anchors map[string]ast.Node) *finder {
	f := &finder{anchors: anchors, found: map[ast.Node]bool{}, schema: map[ast.Node]reflect.Type{}}
	f.walk(root, reflect.TypeFor[config.Config]())
	return f
}

// resolve takes off what stands around a value. An alias leads to what it stands for.
func (f *finder) resolve(n ast.Node) ast.Node {
	for range 16 {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			n = f.anchors[x.Value.GetToken().Value]
		case *ast.TagNode:
			n = x.Value
		default:
			return n
		}
	}
	return nil
}

// walk follows the type of the schema; nil knows nothing.
func (f *finder) walk(n ast.Node, t reflect.Type) {
	if n = f.resolve(n); n == nil {
		return
	}
	if f.spent++; f.spent > mostNodes {
		return
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[config.Secret]() {
		f.schema[n] = t
		f.whole(n)
		return
	}
	if t == reflect.TypeFor[config.URL]() {
		f.schema[n] = t
	}
	if t != nil && (t == reflect.TypeFor[config.URL]() || reflect.PointerTo(t).Implements(reflect.TypeFor[strict.NodeDecoder]())) {
		t = nil
	}
	switch x := n.(type) {
	case ast.MapNode:
		f.mapping(x, t)
	case *ast.SequenceNode:
		if t != nil && t.Kind() == reflect.Slice {
			t = t.Elem()
		} else {
			t = nil
		}
		for _, v := range x.Values {
			f.walk(v, t)
		}
	default:
		f.note(n, false)
	}
}

func (f *finder) mapping(m ast.MapNode, t reflect.Type) {
	for it := m.MapRange(); it.Next(); {
		key, value := it.Key(), it.Value()
		if _, merge := key.(*ast.MergeKeyNode); merge {
			f.walk(value, t)
			continue
		}
		switch {
		case t != nil && t.Kind() == reflect.Map:
			f.walk(value, t.Elem())
			continue
		case t != nil && t.Kind() == reflect.Struct:
			if field, ok := tagged(t, key.GetToken().Value); ok {
				f.walk(value, field)
				continue
			}
			if meant := strict.Nearest(key.GetToken().Value, secrets(t)); meant != "" { // a slip of the pen
				f.whole(f.resolve(value))
				continue
			}
		}
		if secretName.MatchString(key.GetToken().Value) {
			f.whole(f.resolve(value))
			continue
		}
		f.walk(value, nil)
	}
}

func tagged(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == name {
			return f.Type, true
		}
	}
	return nil, false
}

// secrets returns the keys of a mapping that are secret.
func secrets(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Type == reflect.TypeFor[config.Secret]() {
			names = append(names, f.Tag.Get("yaml"))
		}
	}
	return names
}

// whole notes everything below n as secret, which has but a text there if it is right.
func (f *finder) whole(n ast.Node) {
	if f.spent++; n == nil || f.spent > mostNodes {
		return
	}
	switch x := n.(type) {
	case ast.MapNode:
		for it := x.MapRange(); it.Next(); {
			f.whole(f.resolve(it.Value()))
		}
	case *ast.SequenceNode:
		for _, v := range x.Values {
			f.whole(f.resolve(v))
		}
	default:
		f.note(n, true)
	}
}

func (f *finder) note(n ast.Node, secret bool) {
	if _, twice := f.found[n]; !twice {
		f.order = append(f.order, n)
	}
	f.found[n] = f.found[n] || secret
}

// valueOf returns what a scalar says, as it stands in the file where that is no text.
func valueOf(n ast.Node) string {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value
	case *ast.LiteralNode:
		return x.Value.Value
	case *ast.NullNode:
		return ""
	}
	return strings.TrimSpace(n.GetToken().Origin)
}
