package profile

import (
	"regexp"
	"slices"
	"strings"

	"sentrybox/gateway/strict"
)

// messageProgram is a message made ready.
type messageProgram struct {
	has       []string
	hasDotted string
}

// messages checks the messages in two rounds: which values are plain must be
// known before any expression is.
func (d *document) messages() {
	p := d.p
	if !d.Required("messages", len(p.Messages) == 0) || !d.Sound("messages") {
		return
	}
	if len(p.Messages) > maxMessages {
		d.Fault("messages", "config.many", len(p.Messages), maxMessages)
		return
	}
	for i := range p.Messages {
		m, path := &p.Messages[i], strict.Element("messages", i)
		choose(&m.Form, "bytes")
		d.OneOf(path+".form", m.Form, "bytes", "text", "json", "object")
		if d.Sound(path) {
			d.when(m, path+".when")
			d.shape(m, path)
		}
	}
	for i := range p.Messages {
		if m, path := &p.Messages[i], strict.Element("messages", i); d.Sound(path) {
			d.expressions(m, path)
		}
	}
}

// when checks which payloads are a message.
func (d *document) when(m *Message, path string) {
	w := m.When
	if w == nil {
		return
	}
	for i, r := range w.Read {
		if !d.reads(r) {
			d.Fault(strict.Element(path+".read", i), "profile.read", r)
		}
	}
	for i, t := range w.Topic {
		if !validFilter(t) {
			d.Fault(strict.Element(path+".topic", i), "config.broker.filter")
		}
	}
	for i := range w.Bytes {
		b, at := &w.Bytes[i], strict.Element(path+".bytes", i)
		d.Required(at+".is", len(b.Is) == 0)
	}
	if w.Has != "" {
		var ok bool
		if m.prog.has, ok = pointer(w.Has); !ok || m.Form != "json" && m.Form != "object" {
			d.Fault(path+".has", "profile.pointer")
		}
		m.prog.hasDotted = strings.Join(m.prog.has, ".")
	}
}

// reads reports whether there is a read, or a poll of a serial line, of a name.
func (d *document) reads(name string) bool {
	if m := d.p.Modbus; m != nil {
		return slices.ContainsFunc(m.Reads, func(r Read) bool { return r.Name == name })
	}
	s := d.p.Serial
	return s != nil && slices.ContainsFunc(s.Polls, func(p Poll) bool { return p.Name == name })
}

// shape checks everything of a message but its expressions.
func (d *document) shape(m *Message, path string) {
	d.transforms(path+".transform", m.Transform)
	switch {
	case m.Ignore && (len(m.Fields) > 0 || m.Items != nil):
		d.Fault(path+".ignore", "profile.ignore")
	case !m.Ignore && len(m.Fields) == 0 && m.Items == nil:
		d.Fault(path, "profile.message.empty")
	case m.Form != "bytes" && m.Items != nil:
		d.Fault(path+".items", "profile.form.only", "bytes")
	case m.Form != "bytes" && len(m.Transform) > 0:
		d.Fault(path+".transform", "profile.form.only", "bytes")
	case m.Form != "text" && m.Pattern != "":
		d.Fault(path+".pattern", "profile.form.only", "text")
	}
	if c := m.Checksum; c != nil {
		if d.checksum(c, path+".checksum"); d.Sound(path + ".checksum") {
			sum := c.checksum()
			m.checksum = &sum
		}
	}
	if m.Pattern != "" && d.Sound(path+".pattern") {
		re, err := regexp.Compile(m.Pattern)
		if err != nil || len(m.Pattern) > maxExpression {
			d.Fault(path+".pattern", "profile.pattern")
			return
		}
		m.pattern = &pattern{re, map[string]int{}}
		for i, name := range re.SubexpNames() {
			if name != "" {
				m.pattern.groups[name] = i
			}
		}
	}
	c := &context{m: m, order: m.Order, reads: d.readsOf(m)}
	choose(&c.order, d.p.Order)
	choose(&c.order, Big)
	d.shapeFields(c, m.Fields, path+".fields")
	if m.Items != nil {
		d.shapeItems(c, m.Items, path+".items")
	}
}

// readsOf returns the Modbus reads that a message's payload can come from.
func (d *document) readsOf(m *Message) (reads []*Read) {
	if d.p.Modbus == nil {
		return nil
	}
	for i := range d.p.Modbus.Reads {
		r := &d.p.Modbus.Reads[i]
		if m.When == nil || len(m.When.Read) == 0 || slices.Contains(m.When.Read, r.Name) {
			reads = append(reads, r)
		}
	}
	return reads
}

func (d *document) shapeItems(c *context, list *Items, path string) {
	if !d.Given(path + ".key") {
		list.Key = 1
	}
	d.Between(path+".key", list.Key, 0, 8)
	d.Between(path+".length", list.Length, 0, 2)
	d.Between(path+".length_add", list.Add, -8, 8)
	list.order = c.order
	if list.order != Little {
		list.order = Big
	}
	choose(&list.Unknown, map[bool]string{true: "stop", false: "skip"}[list.Length == 0])
	d.OneOf(path+".unknown", list.Unknown, "stop", "skip", "error")
	if list.Unknown == "skip" && list.Length == 0 {
		d.Fault(path+".unknown", "profile.items.skip")
	}
	if !d.Required(path+".types", len(list.Types) == 0) {
		return
	}
	if len(list.Types) > maxItems {
		d.Fault(path+".types", "config.many", len(list.Types), maxItems)
		return
	}
	for i := range list.Types {
		it, at := &list.Types[i], strict.Element(path+".types", i)
		if d.Required(at+".key", it.Key.Len() == 0 && list.Key > 0) && d.Sound(at+".key") && it.Key.Len() != list.Key {
			d.Fault(at+".key", "profile.items.key", it.Key.Len(), list.Key)
		}
		inner := &context{m: c.m, order: it.Order, item: true}
		choose(&inner.order, c.order)
		d.shapeFields(inner, it.Fields, at+".fields")
		if !d.Sound(at) {
			continue
		}
		it.prog.size = it.Size
		if it.Size == 0 && list.Length == 0 {
			var ok bool
			if it.prog.size, ok = extent(it.Fields); !ok {
				it.prog.size = -1
			}
		}
	}
}

// extent returns the offset behind the last byte of fields, if it is the same in
// every payload.
func extent(fields []Field) (int, bool) {
	next, most := 0, 0
	for i := range fields {
		p := &fields[i].prog
		if p.kind == computed {
			continue
		}
		if p.size == 0 || fields[i].Optional || !p.after && p.at < 0 || fields[i].When != "" {
			return 0, false
		}
		if next = p.size + p.at; p.after {
			next = most + p.size
		}
		most = max(most, next)
	}
	return most, true
}

// expressions compiles the expressions of a message, in the order of its fields.
func (d *document) expressions(m *Message, path string) {
	if m.When != nil {
		m.when = d.compile(path+".when.if", m.When.If, newScope())
	}
	d.compileFields(m.Fields, path+".fields")
	if m.Items != nil {
		for i := range m.Items.Types {
			d.compileFields(m.Items.Types[i].Fields, strict.Element(path+".items.types", i)+".fields")
		}
	}
}

func (d *document) compileFields(fields []Field, path string) {
	for i := range fields {
		f, at := &fields[i], strict.Element(path, i)
		f.prog.when = d.compile(at+".when", f.When, d.scope)
		for j := range f.Parts {
			d.compileField(&f.Parts[j], strict.Element(at+".parts", j))
		}
		if len(f.Parts) == 0 {
			d.compileField(f, at)
		}
	}
}

func (d *document) compileField(f *Field, path string) {
	if f.SizeFrom != "" {
		if _, known := d.scope[f.SizeFrom].(float64); known {
			d.p.programs = append(d.p.programs, &program{names: []string{f.SizeFrom}})
		} else {
			d.Fault(path+".size_from", "profile.size_from", f.SizeFrom)
		}
	}
	f.prog.valid = d.compile(path+".valid", f.Valid, d.scope)
	if f.Expr != "" && d.Sound(path) {
		d.scope["x"] = 0.0
		switch {
		case f.prog.kind == computed:
			delete(d.scope, "x")
		case f.prog.text:
			d.scope["x"] = ""
		}
		f.prog.expr = d.compile(path+".expr", f.Expr, d.scope)
		delete(d.scope, "x")
		if f.prog.expr != nil {
			f.prog.text = f.prog.expr.text
		}
	}
	if f.Digits > 0 {
		f.prog.text = true
	}
	if f.Name == "" || !d.Sound(path) {
		return
	}
	if d.reserved(f.Name) || slices.ContainsFunc(d.p.Parameters, func(q Parameter) bool { return q.Name == f.Name }) {
		d.Fault(path+".name", "profile.name.taken", f.Name)
		return
	}
	if f.prog.text {
		d.scope[f.Name] = ""
	} else {
		d.scope[f.Name] = 0.0
	}
}

func (d *document) derived() {
	if !d.Sound("messages") {
		return
	}
	for i := range d.p.Derived {
		f, path := &d.p.Derived[i], strict.Element("derived", i)
		d.Required(path+".expr", f.Expr == "")
		if f.Type != "" || f.At != nil || f.Register != nil || f.When != "" || len(f.Parts) > 0 {
			d.Fault(path, "profile.derived")
			continue
		}
		f.prog.kind = computed
		d.meaning(f, path)
		d.compileField(f, path)
	}
	for _, name := range d.p.uses() {
		d.each(func(f *Field, _ string) { f.prog.used = f.prog.used || f.Name == name })
	}
}

// compile prepares an expression, or reports what is wrong with it.
func (d *document) compile(path, source string, s scope) *program {
	if source == "" || !d.Sound(path) {
		return nil
	}
	p, err := compile(source, s)
	if err != nil {
		d.Fault(path, "profile.expr", err.Error())
		return nil
	}
	d.p.programs = append(d.p.programs, p)
	return p
}

// uses returns the names that expressions of the profile use, and notes whether
// there are expressions at all.
func (p *Profile) uses() []string {
	p.expressions = len(p.programs) > 0
	var all []string
	for _, prog := range p.programs {
		all = append(all, prog.names...)
	}
	p.usesPayload = slices.Contains(all, "payload")
	return all
}
