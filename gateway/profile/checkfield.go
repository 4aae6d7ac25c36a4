package profile

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"sentrybox/gateway/strict"
)

// A context is what surrounds fields.
type context struct {
	m     *Message
	order Order
	reads []*Read // Modbus
	item  bool
}

func (d *document) shapeFields(c *context, fields []Field, path string) {
	if len(fields) > maxFields {
		d.Fault(path, "config.many", len(fields), maxFields)
		return
	}
	for i := range fields {
		f, at := &fields[i], strict.Element(path, i)
		choose(&f.Order, c.order)
		d.shapeField(c, f, at)
		for j := range f.Parts {
			d.shapePart(f, &f.Parts[j], strict.Element(at+".parts", j))
		}
	}
}

func (d *document) shapeField(c *context, f *Field, path string) {
	if f.Name != "" || len(f.Parts) == 0 && f.Type != "skip" {
		d.match(path+".name", f.Name, identifier, "profile.name")
	}
	if len(f.Parts) > 0 && (f.Name != "" || f.Expr != "" || f.Bits != nil || f.Scale.Set || f.Offset.Set) {
		d.Fault(path, "profile.parts")
	}
	d.way(c, f, path)
	d.kind(c, f, path)
	if d.Sound(path) {
		d.place(c, f, path)
	}
	d.meaning(f, path)
	d.number(f, path)
}

// way checks that a field is found in the way of its message's form.
func (d *document) way(c *context, f *Field, path string) {
	text, tree := c.m.Form == "text", c.m.Form == "json" || c.m.Form == "object"
	switch {
	case f.Group != "" && !text:
		d.Fault(path+".group", "profile.form.only", "text")
	case f.Pattern != "" && (!text && !tree || f.Group != ""):
		d.Fault(path+".pattern", "profile.form.only", "text, json, object")
	case f.Path != "" && !tree:
		d.Fault(path+".path", "profile.form.only", "json, object")
	case (f.At != nil || f.Size != 0 || f.To != nil || f.SizeFrom != "" || f.Type == "skip" || f.Bits != nil || len(f.Parts) > 0) && (text || tree):
		d.Fault(path, "profile.form.only", "bytes")
	case f.Register != nil && (len(c.reads) == 0 || c.item || f.At != nil):
		d.Fault(path+".register", "profile.transport.only", "modbus")
	}
	computed := f.Type == "" && f.Expr != "" && f.Group == "" && f.Path == "" && f.Pattern == ""
	if f.Pattern != "" {
		re, err := regexp.Compile(f.Pattern)
		if err != nil || re.NumSubexp() < 1 || len(f.Pattern) > maxExpression {
			d.Fault(path+".pattern", "profile.pattern.group")
			return
		}
		f.prog.re = re
	}
	switch {
	case computed:
	case text && f.Pattern == "" && c.m.pattern != nil:
		name := f.Group
		choose(&name, f.Name)
		i, ok := c.m.pattern.groups[name]
		if !ok && d.Sound(path) {
			d.Fault(path, "profile.group", name)
		}
		f.prog.group = i
	case tree:
		p := f.Path
		choose(&p, "/"+f.Name)
		var ok bool
		if f.prog.path, ok = pointer(p); !ok {
			d.Fault(path+".path", "profile.pointer")
		}
		f.prog.dotted = strings.Join(f.prog.path, ".")
	}
}

var integerType = regexp.MustCompile(`^([ui])(8|16|24|32|40|48|56|64)$`)

// kind finds out how a field is read.
func (d *document) kind(c *context, f *Field, path string) {
	p := &f.prog
	t := f.Type
	if t == "" {
		switch {
		case f.Register != nil && len(c.reads) > 0 && c.reads[0].Function < 3:
			t = "bool"
		case f.Expr != "" && f.Group == "" && f.Path == "" && f.Pattern == "" && f.Register == nil && f.At == nil:
			p.kind = computed
			return
		case c.m.Form != "bytes":
			t = "number"
		default:
			d.Required(path+".type", true)
			return
		}
	}
	if m := integerType.FindStringSubmatch(t); m != nil {
		bits, _ := strconv.Atoi(m[2])
		p.kind, p.size, p.width = integer, bits/8, bits
		if m[1] == "i" {
			p.sign = 't'
		}
	} else {
		d.otherKind(f, t, path)
	}
	if c.m.Form != "bytes" {
		if p.kind == integer || p.kind == float && t != "number" || p.kind == bcd || p.kind == hexText {
			d.Fault(path+".type", "profile.type.text", t)
		}
		p.size = 0
	}
	p.text = p.kind == plainText && len(f.Map) == 0 || p.kind == hexText
}

func (d *document) otherKind(f *Field, t, path string) {
	p := &f.prog
	p.size, p.width = f.Size, 64
	switch t {
	case "f16", "f32", "f64":
		p.kind = float
		p.size = map[string]int{"f16": 2, "f32": 4, "f64": 8}[t]
	case "bcd":
		p.kind = bcd
		if d.Required(path+".size", f.Size == 0) {
			d.Between(path+".size", f.Size, 1, 7)
		}
	case "number":
		p.kind = decimal
	case "hex_number":
		p.kind = hexDecimal
	case "hex":
		p.kind = hexText
	case "text":
		p.kind = plainText
	case "skip":
		p.kind = skip
		d.Required(path+".size", f.To == nil && f.SizeFrom == "" && !d.Given(path+".size"))
	case "bool":
		p.kind, p.size = boolean, 1
	default:
		d.OneOf(path+".type", t, fieldTypes()...)
	}
	if d.Given(path + ".size") {
		d.Between(path+".size", f.Size, 1, 1024)
	}
}

func fieldTypes() []string {
	return []string{
		"u8", "i8", "u16", "i16", "u24", "i24", "u32", "i32", "u40", "i40", "u48", "i48", "u56", "i56", "u64", "i64",
		"f16", "f32", "f64", "bcd", "number", "hex_number", "hex", "text", "bool", "skip",
	}
}

// place finds out where a field stands.
func (d *document) place(c *context, f *Field, path string) {
	p := &f.prog
	p.order = f.Order
	if (f.To != nil || f.SizeFrom != "") && (p.size != 0 || f.To != nil && f.SizeFrom != "") {
		d.Fault(path, "profile.to")
	}
	if p.size == 0 && p.order != Little { // its length may be odd
		p.order = Big
	}
	if (p.order == WordSwap || p.order == ByteSwap) && p.size%2 != 0 {
		if d.Given(path + ".order") {
			d.Fault(path+".order", "profile.order.odd", p.size)
		}
		p.order = Big
	}
	switch {
	case f.Register != nil && len(c.reads) > 0:
		d.register(c.reads, f, path)
	case f.At != nil:
		p.at = int(*f.At)
		if p.at < -maxPayload || p.at > maxPayload {
			d.Fault(path+".at", "config.range", -maxPayload, maxPayload)
		}
	default:
		p.after = true
	}
}

// register finds the bytes of a register in the answer to its read.
func (d *document) register(reads []*Read, f *Field, path string) {
	first := reads[0]
	for _, r := range reads[1:] {
		if r.Register != first.Register {
			d.Fault(path+".register", "profile.register.reads")
			return
		}
	}
	p, n := &f.prog, int(*f.Register-first.Register)
	size := (p.size + 1) / 2
	if first.Function < 3 {
		size = 1
	}
	if n < 0 || n+max(size, 1) > first.Count {
		d.Fault(path+".register", "profile.register.outside", int(first.Register), int(first.Register)+first.Count-1)
		return
	}
	if first.Function < 3 {
		p.kind, p.size, p.at, p.low, p.width = coil, 1, n/8, n%8, 1
		return
	}
	p.at = 2 * n
	if p.kind == integer && p.size == 1 || p.kind == boolean { // the low byte of its register
		p.at++
	}
}

// shapePart makes a part of f ready, which is bits of f's number.
func (d *document) shapePart(f, part *Field, path string) {
	d.match(path+".name", part.Name, identifier, "profile.name")
	d.Required(path+".bits", part.Bits == nil)
	if f.prog.kind != integer {
		d.Fault(path, "profile.parts.integer")
		return
	}
	if part.At != nil || part.Size != 0 || len(part.Parts) > 0 || part.Register != nil || part.When != "" || part.Type != "" && part.Type != "bool" {
		d.Fault(path, "profile.parts.only")
		return
	}
	at := part.prog.at
	part.prog = f.prog
	part.prog.at, part.prog.sign = at, 0
	d.meaning(part, path)
	d.number(part, path)
}

// number checks what is there for whole numbers only.
func (d *document) number(f *Field, path string) {
	p := &f.prog
	if p.kind != integer && p.kind != hexDecimal {
		if f.Bits != nil && d.Sound(path) {
			d.Fault(path+".bits", "profile.bits.integer")
		}
		if f.Sign != "" && d.Sound(path) {
			d.Fault(path+".sign", "profile.bits.integer")
		}
		return
	}
	if b := f.Bits; b != nil && d.Sound(path) {
		if b.High >= p.width {
			d.Fault(path+".bits", "profile.bits.outside", p.width-1)
			return
		}
		p.low, p.width = b.Low, b.High-b.Low+1
	}
	if f.Sign != "" && d.OneOf(path+".sign", f.Sign, "twos", "magnitude", "ones") {
		p.sign = f.Sign[0]
	}
}

// meaning checks what a field's number or text means.
func (d *document) meaning(f *Field, path string) {
	p := &f.prog
	d.wordsIf(path+".text", f.Text)
	if f.Scale.Set {
		// A tenth has no exact binary form, but ten has.
		if inv := 1 / f.Scale.V; f.Scale.V != 0 && math.Abs(inv) >= 1 && math.Abs(inv-math.Round(inv)) < 1e-9*math.Abs(inv) {
			p.inverse = math.Round(inv)
		}
	}
	for i, s := range f.None {
		switch {
		case !s.IsText && s.Number == math.Trunc(s.Number) && math.Abs(s.Number) < 1<<63:
			v, _ := parseInt(s.Text)
			p.none = append(p.none, uint64(v))
			p.noneNum = append(p.noneNum, s.Number)
			p.noneText = append(p.noneText, s.Text)
		case !s.IsText:
			p.noneNum = append(p.noneNum, s.Number)
		case p.kind == integer || p.kind == bcd:
			d.Fault(strict.Element(path+".none", i), "profile.none", d.Shown(path, s.Text))
		default:
			p.noneText = append(p.noneText, s.Text)
		}
	}
	if len(f.Map) > 0 && d.Sound(path) && p.kind != plainText {
		d.Fault(path+".map", "profile.map")
	}
	d.Between(path+".digits", f.Digits, 0, 20)
	if len(f.Labels) > 0 {
		p.labels = make(map[float64]Words, len(f.Labels))
	}
	for key, w := range f.Labels {
		v, ok := parseFloat(key)
		if !ok {
			d.Fault(strict.Member(path+".labels", key), "profile.label", key)
			continue
		}
		p.labels[v] = w
	}
}
