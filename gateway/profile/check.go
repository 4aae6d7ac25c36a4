package profile

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// Limits on a profile.
const (
	maxFields   = 256 // of a message or an item
	maxMessages = 64
	maxItems    = 256
)

// A document is a file on its way to being a profile.
type document struct {
	*strict.Document
	p     *Profile
	scope scope // names that expressions can use, as they become known
}

// finish checks what has been read, fills in what was left out, and makes the
// profile ready.
func (d *document) finish(p *Profile) {
	d.p = p
	if d.Required("format", p.Format == 0) && d.Sound("format") && p.Format != Format {
		d.Fault("format", "profile.format", p.Format, Format)
		return
	}
	d.match("id", p.ID, profileID, "profile.id")
	d.words("name", p.Name)
	d.sources()
	d.transports()
	d.scope = newScope()
	d.parameters()
	d.transforms("transform", p.Transform)
	p.byName = map[string]*Field{}
	d.messages()
	d.derived()
	d.same()
	d.alerts()
	d.battery()
	d.heartbeat()
	d.outputs()
	d.examples()
}

func (d *document) match(path, s string, form interface{ MatchString(string) bool }, key string) {
	if d.Required(path, s == "") && d.Sound(path) && !form.MatchString(s) {
		d.Fault(path, textKey(key), d.Shown(path, s))
	}
}

// words checks that a text is there in both languages.
func (d *document) words(path string, w Words) {
	if d.Required(path, w == Words{}) && d.Sound(path) && (w.ZH == "" || w.EN == "") {
		d.Fault(path, "profile.words")
	}
}

// wordsIf checks a text that need not be there.
func (d *document) wordsIf(path string, w Words) {
	if w != (Words{}) {
		d.words(path, w)
	}
}

func (d *document) sources() {
	if !d.Required("source", len(d.p.Source) == 0) {
		return
	}
	for i, s := range d.p.Source {
		path := strict.Element("source", i)
		d.Required(path+".title", s.Title == "")
		if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "") {
			d.Fault(path+".url", "profile.url")
		}
	}
}

func (d *document) parameters() {
	for i := range d.p.Parameters {
		q, path := &d.p.Parameters[i], strict.Element("parameters", i)
		d.Required(path+".default", !q.Default.Set)
		if d.newName(path+".name", q.Name) {
			d.scope[q.Name] = 0.0
		}
		d.words(path+".text", q.Text)
		if d.Sound(path+".default") && d.Sound(path+".range") && !q.Range.Has(q.Default.V) {
			d.Fault(path+".default", "profile.range.outside", q.Range.Least, q.Range.Most)
		}
	}
}

// newName checks the name of something that expressions can use.
func (d *document) newName(path, name string) bool {
	d.match(path, name, identifier, "profile.name")
	if !d.Sound(path) {
		return false
	}
	if _, taken := d.scope[name]; taken || d.reserved(name) {
		d.Fault(path, "profile.name.taken", name)
		return false
	}
	return true
}

// reserved reports whether a name means something else in expressions. A value
// may be called port or rssi: then it is that value.
func (d *document) reserved(name string) bool {
	if slices.Contains([]string{
		"x", "not", "and", "or", "in", "let", "if", "else", "true", "false", "nil", "matches", "contains", "endswith", "startswith",
	}, name) {
		return true
	}
	value, known := d.scope[name]
	return known && reflect.TypeOf(value).Kind() == reflect.Func
}

func (d *document) transforms(path string, list []Transform) {
	for i := range list {
		t, at := &list[i], strict.Element(path, i)
		if d.Required(at+".do", t.Do == "") && d.OneOf(at+".do", t.Do, transforms()...) &&
			d.Sound(at+".value") && (t.Value < 0 || t.Value > 255) {
			d.Fault(at+".value", "config.range", 0, 255)
		}
		var ok bool
		if t.path, ok = pointer(t.Path); !ok || (t.Path == "") == (t.Do == "pick") {
			d.Fault(at+".path", "profile.pick")
		}
	}
}

func transforms() []string {
	return []string{"hex", "base64", "gbk", "pick", "cut", "reverse", "add", "subtract", "xor"}
}

// same gives fields of one name the same unit and words, and reports those that
// cannot be the same value.
func (d *document) same() {
	d.each(func(f *Field, path string) {
		if f.Name == "" || !d.Sound(path) {
			return
		}
		first := d.p.byName[f.Name]
		if first == nil {
			d.p.byName[f.Name] = f
			d.p.fields = append(d.p.fields, f)
			return
		}
		if f.Unit == "" {
			f.Unit = first.Unit
		}
		if f.Text == (Words{}) {
			f.Text = first.Text
		}
		if len(f.Labels) == 0 {
			f.prog.labels = first.prog.labels
		}
		if f.Unit != first.Unit || f.IsText() != first.IsText() || f.Event != first.Event {
			d.Fault(path, "profile.field.differs", f.Name)
		}
	})
}

// each calls do for every field of the profile, parts instead of what they are
// part of.
func (d *document) each(do func(f *Field, path string)) {
	visit := func(fields []Field, path string) {
		for i := range fields {
			f, at := &fields[i], strict.Element(path, i)
			for j := range f.Parts {
				do(&f.Parts[j], strict.Element(at+".parts", j))
			}
			if len(f.Parts) == 0 {
				do(f, at)
			}
		}
	}
	for i := range d.p.Messages {
		m, path := &d.p.Messages[i], strict.Element("messages", i)
		visit(m.Fields, path+".fields")
		if m.Items != nil {
			for j := range m.Items.Types {
				visit(m.Items.Types[j].Fields, strict.Element(path+".items.types", j)+".fields")
			}
		}
	}
	visit(d.p.Derived, "derived")
}

// shown returns the value called name for what refers to it, or reports that
// there is none.
func (d *document) shownField(path, name string) *Field {
	if !d.Required(path, name == "") || !d.Sound(path) {
		return nil
	}
	if f := d.p.Field(name); f != nil {
		return f
	}
	if !d.Sound("messages") || d.anyFaulty() {
		return nil
	}
	known := slices.Sorted(maps.Keys(d.p.byName))
	if near := strict.Nearest(name, known); near != "" {
		d.Fault(path, "profile.field.near", name, near)
	} else {
		d.Fault(path, "profile.field.none", name, strings.Join(known, ", "))
	}
	return nil
}

// anyFaulty reports whether a field has a problem, so that one that is missing
// may be it.
func (d *document) anyFaulty() bool {
	found := false
	d.each(func(_ *Field, path string) { found = found || !d.Sound(path) })
	return found
}

func (d *document) severity(path string, v *int, usual int) {
	if *v == 0 && !d.Given(path) {
		*v = usual
	}
	d.Between(path, *v, 1, 4)
}

func (d *document) usual(v *Duration, path string, usual time.Duration) {
	if *v == 0 && !d.Given(path) {
		*v = Duration(usual)
	}
}
