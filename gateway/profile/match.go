package profile

import (
	"bytes"
	"slices"
	"strings"

	"sentrybox/drivers/uart"
)

// misfit returns the key of m that the payload does not fit, or nothing if it is m.
func (d *Decoder) misfit(m *Message) string {
	if w := m.When; w != nil {
		if key := d.circumstance(w); key != "" {
			return key
		}
	}
	if m.checksum != nil && !sealed(m.checksum, d.data) {
		return "checksum"
	}
	switch m.Form {
	case "text":
		if m.pattern != nil && !m.pattern.re.Match(bare(d.data)) {
			return "pattern"
		}
	case "object":
		if d.in.Values == nil {
			return "form"
		}
	default:
		if d.in.Data == nil && d.in.Values != nil {
			return "form"
		}
	}
	if m.Form == "json" && !d.parseJSON() {
		return "form"
	}
	if m.When != nil && m.When.Has != "" {
		if _, ok := d.lookUp(m.Form, m.prog.has, m.prog.hasDotted); !ok {
			return "when.has"
		}
	}
	if m.when != nil && !d.holds(m.when) {
		return "when.if"
	}
	return ""
}

// circumstance returns the condition that does not hold, or nothing.
func (d *Decoder) circumstance(w *Match) string {
	switch {
	case len(w.Read) > 0 && !slices.Contains(w.Read, d.in.Section):
		return "when.read"
	case len(w.Port) > 0 && !slices.Contains(w.Port, Int(d.in.Port)):
		return "when.port"
	case len(w.Length) > 0 && !slices.Contains(w.Length, Int(len(d.data))):
		return "when.length"
	case len(d.data) < w.AtLeast:
		return "when.at_least"
	case !w.Prefix.Match(d.data):
		return "when.prefix"
	case w.Contains != "" && !bytes.Contains(d.data, []byte(w.Contains)):
		return "when.contains"
	case len(w.Topic) > 0 && !slices.ContainsFunc(w.Topic, func(f string) bool { return topicMatches(f, d.in.Section) }):
		return "when.topic"
	}
	for i := range w.Bytes {
		if !w.Bytes[i].holds(d.data) {
			return "when.bytes"
		}
	}
	return ""
}

func (p *Probe) holds(data []byte) bool {
	at := int(p.At)
	if at < 0 {
		at += len(data)
	}
	if at < 0 || at >= len(data) {
		return false
	}
	v := data[at]
	if p.Mask != nil {
		v &= byte(*p.Mask)
	}
	return slices.Contains(p.Is, Int(v))
}

// topicMatches is MQTT 3.1.1, 4.7; {id} stands for one level.
func topicMatches(filter, topic string) bool {
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		t, restT, moreT := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != "{id}" && f != t:
			return false
		case !moreF || !moreT:
			return !moreF && !moreT || moreF && !moreT && restF == "#"
		}
		filter, topic = restF, restT
	}
}

// sealed reports whether data ends with its checksum.
func sealed(c *uart.Checksum, data []byte) bool {
	want, got, ok := checksums(c, data)
	return ok && (bytes.Equal(want, got) || c.Hex && bytes.EqualFold(want, got))
}
