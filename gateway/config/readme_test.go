package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A key is one of the schema: radios and intercoms, whose elements are of one type, have theirs once.
type key struct {
	of   reflect.Type
	name string
}

// below returns the struct that a key's value is or holds, or nil, and whether its values stand under names of the
// user's own.
func below(typ reflect.Type) (of reflect.Type, named bool) {
	for {
		switch typ.Kind() {
		case reflect.Map:
			typ, named = typ.Elem(), true
		case reflect.Pointer, reflect.Slice, reflect.Array:
			typ = typ.Elem()
		case reflect.Struct:
			return typ, named
		default:
			return nil, named
		}
	}
}

// fields returns the types of a struct's keys.
func fields(typ reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			maps.Copy(all, fields(f.Type))
		} else if name != "" && name != "-" {
			all[name] = f.Type
		}
	}
	return all
}

// schema calls each with every key below a struct, and a path that it stands at.
func schema(typ reflect.Type, path string, each func(k key, path string)) {
	for name, typ2 := range fields(typ) {
		each(key{typ, name}, path+name)
		of, named := below(typ2)
		if of == nil {
			continue
		}
		at := path + name + "."
		if named {
			at += "*."
		}
		schema(of, at, each)
	}
}

// example ticks off the keys of an example.
func example(t *testing.T, v any, typ reflect.Type, done map[key]bool) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			example(t, e, typ, done)
		}
	case map[string]any:
		all := fields(typ)
		for name, e := range v {
			if all[name] == nil {
				t.Errorf("README.md: there is no key %s in %v", name, typ)
				continue
			}
			done[key{typ, name}] = true
			of, named := below(all[name])
			if of == nil {
				continue
			}
			if users, ok := e.(map[string]any); named && ok {
				for _, e := range users {
					example(t, e, of, done)
				}
			} else {
				example(t, e, of, done)
			}
		}
	}
}

// row finds the first cell of a table's line, which has keys in backquotes: a path, and perhaps further
// keys beside it.
var (
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	row       = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\|")
	quoted    = regexp.MustCompile("`([^`]+)`")
)

// keyAt returns the key at a path, whose type is nil if there is none.
func keyAt(path string) key {
	k, typ := key{}, reflect.TypeFor[Config]()
	if rest, ok := strings.CutPrefix(path, "duty."); ok {
		path, typ = rest, reflect.TypeFor[Duty]()
	}
	for name := range strings.SplitSeq(path, ".") {
		if name == "*" {
			continue
		}
		if typ == nil || fields(typ)[name] == nil {
			return key{}
		}
		k = key{typ, name}
		typ, _ = below(fields(typ)[name])
	}
	return k
}

// table ticks off the keys of a page's tables, and returns their paths.
func table(t *testing.T, page string, done map[key]bool) (paths []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		parent := ""
		for i, q := range quoted.FindAllStringSubmatch(m[1], -1) {
			path := parent + q[1]
			if i == 0 {
				path, parent = q[1], q[1][:strings.LastIndex(q[1], ".")+1]
			}
			k := keyAt(path)
			if k.of == nil {
				t.Errorf("%s: there is no key %s", page, path)
			}
			done[k], paths = true, append(paths, path)
		}
	}
	return paths
}

// TestEveryKeyIsDocumented: each key is in an example of the README or in a table of docs/config.md, and
// neither has one that there is not. The Chinese tables have the same keys.
func TestEveryKeyIsDocumented(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	done := map[key]bool{}
	for _, m := range yamlBlock.FindAllSubmatch(readme, -1) {
		var v map[string]any
		if err := yaml.Unmarshal(m[1], &v); err != nil {
			t.Fatal(err)
		}
		typ := reflect.TypeFor[Config]()
		if v["brokers"] != nil {
			typ = reflect.TypeFor[Duty]()
		}
		example(t, v, typ, done)
	}
	paths := table(t, "../../docs/config.md", done)
	if chinese := table(t, "../../docs/config.zh.md", done); !slices.Equal(chinese, paths) {
		t.Errorf("docs/config.zh.md has the keys\n%q, docs/config.md\n%q", chinese, paths)
	}
	told := map[key]bool{}
	missing := func(k key, path string) {
		if !done[k] && !told[k] {
			t.Errorf("%s is neither in the README nor in docs/config.md", path)
		}
		told[k] = true
	}
	schema(reflect.TypeFor[Config](), "", missing)
	schema(reflect.TypeFor[Duty](), "duty.", missing)
}
