package veil

import (
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
)

// A use is what a secret is for: who signs in with it at which host, or, where it is sent nowhere,
// the key of the schema that it stands at.
type use struct {
	host, user string
	plain      bool // over a connection that is not encrypted
	key        string
}

// A usage is a secret at a place of a text.
type usage struct {
	node ast.Node
	what string // a marker, a reference to the environment, or a file
	use  use
	// sure is whether it is for a secret, and not a reference that may be to anything.
	sure bool
}

// usages returns what the secrets of a text with markers are for. put puts the secrets into a part
// of the text, since they may change what it means.
// ok is false of a text that means too much to be sure.
func usages(root ast.Node, anchors map[string]ast.Node, dir string, put func(string) string) (all []usage, ok bool) {
	u := &user{finder: finder{anchors: anchors}, dir: dir, put: put}
	u.walk(root, reflect.TypeFor[config.Config](), "")
	return u.all, u.spent <= mostSpent
}

// mostSpent lets pass what reading a file does: here a mapping's entries count as well.
const mostSpent = 4 * mostNodes

// A user walks a text as reading it does (package strict): with aliases followed and merge keys
// filled in, since it is there that an address and a password come together.
type user struct {
	finder
	dir string
	put func(string) string
	all []usage
}

func (u *user) walk(n ast.Node, t reflect.Type, key string) {
	if n = u.resolve(n); n == nil {
		return
	}
	if u.spent++; u.spent > mostSpent {
		return
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[strict.NodeDecoder]()) {
		t = nil
	}
	switch x := n.(type) {
	case ast.MapNode:
		entries := u.entries(x, 0)
		if t != nil && t.Kind() == reflect.Struct {
			u.fields(entries, t)
			return
		}
		if t != nil && t.Kind() == reflect.Map {
			t = t.Elem()
		}
		for _, e := range entries {
			u.walk(e.value, t, key)
		}
	case *ast.SequenceNode:
		if t != nil && t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		for _, v := range x.Values {
			u.walk(v, t, key)
		}
	default:
		u.text(n, key)
	}
}

// fields walks what a struct of the schema is read from.
func (u *user) fields(entries []entry, t reflect.Type) {
	secret, uses := secrets(t), u.uses(entries, t)
	for _, e := range entries {
		for _, s := range secret {
			if e.name != s && e.name != s+"_file" {
				continue
			}
			for _, at := range uses {
				if at == (use{}) {
					at.key = t.Name() + "." + s
				}
				u.whole(u.resolve(e.value), at, e.name != s)
			}
		}
		if field, ok := tagged(t, e.name); ok && !slices.Contains(secret, e.name) {
			u.walk(e.value, field, t.Name()+"."+e.name)
		} else if !ok {
			u.walk(e.value, nil, t.Name()+"."+e.name)
		}
	}
}

// uses returns what a secret beside these entries is for.
func (u *user) uses(entries []entry, t reflect.Type) (all []use) {
	name := ""
	for _, e := range entries {
		if e.name == "username" {
			name = u.put(u.said(e.value))
		}
	}
	for _, e := range entries {
		field, ok := tagged(t, e.name)
		if address := u.said(e.value); ok && field == reflect.TypeFor[config.URL]() && address != "" {
			at, _ := useOf(u.put(address))
			if at.user == "" {
				at.user = name
			}
			all = append(all, at)
		}
	}
	if all == nil {
		all = []use{{}}
	}
	return all
}

// said returns what a scalar says, nothing of what is none.
func (u *user) said(n ast.Node) string {
	switch x := u.resolve(n).(type) {
	case nil, ast.MapNode, *ast.SequenceNode:
		return ""
	default:
		return valueOf(x)
	}
}

// whole notes a scalar that is a secret, or the name of a file with one.
func (u *user) whole(n ast.Node, at use, file bool) {
	if n == nil {
		return
	}
	value := valueOf(n)
	if file {
		if path := strings.TrimSpace(value); path != "" {
			if !filepath.IsAbs(path) {
				path = filepath.Join(u.dir, path)
			}
			u.all = append(u.all, usage{n, "file " + filepath.Clean(path), at, true})
		}
		return
	}
	for _, what := range mentioned(value) {
		u.all = append(u.all, usage{n, what, at, true})
	}
}

// text notes a scalar that may be an address.
func (u *user) text(n ast.Node, key string) {
	value := valueOf(n)
	all := mentioned(value)
	if len(all) == 0 {
		return
	}
	at, ok := useOf(u.put(value))
	if !ok {
		at = use{key: key}
	}
	var secret []string
	for _, p := range parts(value, func(s string) bool { return s != "" }) {
		secret = append(secret, mentioned(value[p[0]:p[1]])...)
	}
	for _, what := range all {
		u.all = append(u.all, usage{n, what, at, anyMarker.MatchString(what) || slices.Contains(secret, what)})
	}
}

var mention = regexp.MustCompile(anyMarker.String() + `|\$?\$\{[^}]*\}`)

// mentioned returns the markers and the references in a text.
func mentioned(value string) (all []string) {
	for _, m := range mention.FindAllString(value, -1) {
		if !strings.HasPrefix(m, "$$") {
			all = append(all, m)
		}
	}
	return all
}

// useOf returns what the password of an address is for, if it is one.
func useOf(address string) (use, bool) {
	if !strings.Contains(address, "://") {
		return use{}, false
	}
	// What a variable says is not known here. It is the same as long as its name is.
	address = mention.ReplaceAllStringFunc(address, func(m string) string {
		var b strings.Builder
		for i := range len(m) {
			fmt.Fprintf(&b, "%03d", m[i])
		}
		return b.String()
	})
	a, err := url.Parse(address)
	if err != nil || a.Host == "" {
		return use{key: "?"}, true // refused when it is read
	}
	secure := map[string]bool{"rtsps": true, "mqtts": true, "https": true}
	at := use{host: strings.ToLower(a.Hostname()), plain: !secure[strings.ToLower(a.Scheme)]}
	if a.User != nil {
		at.user = a.User.Username()
	}
	return at, true
}

// An entry is a key of a mapping and what it has.
type entry struct {
	name  string
	value ast.Node
}

// entries returns what a mapping has, and what merge keys bring to it.
func (u *user) entries(m ast.MapNode, depth int) (all []entry) {
	var merged []ast.Node
	has := map[string]bool{}
	add := func(e entry) {
		if u.spent++; !has[e.name] && u.spent <= mostSpent {
			has[e.name] = true
			all = append(all, e)
		}
	}
	for it := m.MapRange(); it.Next(); {
		if it.Key().IsMergeKey() {
			merged = append(merged, it.Value())
		} else {
			add(entry{it.Key().GetToken().Value, it.Value()})
		}
	}
	for _, n := range merged {
		list := []ast.Node{n}
		if s, ok := u.resolve(n).(*ast.SequenceNode); ok {
			list = s.Values
		}
		for _, n := range list {
			if u.spent++; u.spent > mostSpent {
				return all
			}
			if inner, ok := u.resolve(n).(ast.MapNode); ok && depth < 16 {
				for _, e := range u.entries(inner, depth+1) {
					add(e)
				}
			}
		}
	}
	return all
}
