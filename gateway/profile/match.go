package profile

import (
	"bytes"
	"slices"
	"strings"

	"sentrybox/drivers/uart"
)

// matches reports whether the payload is m.
func (d *Decoder) matches(m *Message) bool {
	if w := m.When; w != nil && !d.circumstance(w) {
		return false
	}
	if m.checksum != nil && !sealed(m.checksum, d.data) {
		return false
	}
	switch m.Form {
	case "text":
		if m.pattern != nil && !m.pattern.re.Match(bare(d.data)) {
			return false
		}
	case "object":
		if d.in.Values == nil {
			return false
		}
	default:
		if d.in.Data == nil && d.in.Values != nil {
			return false
		}
	}
	if m.Form == "json" && !d.parseJSON() {
		return false
	}
	if m.When != nil && m.When.Has != "" {
		if _, ok := d.lookUp(m.Form, m.prog.has, m.prog.hasDotted); !ok {
			return false
		}
	}
	return m.when == nil || d.holds(m.when)
}

func (d *Decoder) circumstance(w *Match) bool {
	switch {
	case len(w.Read) > 0 && !slices.Contains(w.Read, d.in.Section),
		len(w.Port) > 0 && !slices.Contains(w.Port, Int(d.in.Port)),
		len(w.Length) > 0 && !slices.Contains(w.Length, Int(len(d.data))),
		len(d.data) < w.AtLeast,
		!w.Prefix.Match(d.data),
		w.Contains != "" && !bytes.Contains(d.data, []byte(w.Contains)):
		return false
	}
	if len(w.Topic) > 0 && !slices.ContainsFunc(w.Topic, func(f string) bool { return topicMatches(f, d.in.Section) }) {
		return false
	}
	for i := range w.Bytes {
		if !w.Bytes[i].holds(d.data) {
			return false
		}
	}
	return true
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
	none, _ := c.Append(nil, make([]byte, c.From+c.Before))
	at := len(data) - len(none)
	if at < 0 {
		return false
	}
	want, ok := c.Append(nil, data[:at])
	return ok && bytes.EqualFold(want, data[at:])
}
