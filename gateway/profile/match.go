package profile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// matches reports whether the payload is m.
func (d *Decoder) matches(m *Message) bool {
	if w := m.When; w != nil && !d.circumstance(w) {
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

// transform returns data changed as the list says, in a buffer of d's own.
func (d *Decoder) transform(list []Transform, data []byte) ([]byte, error) {
	if len(list) == 0 {
		return data, nil
	}
	d.buf = append(d.buf[:0], data...)
	b := d.buf
	for i := range list {
		t := &list[i]
		from, to := edge(int(t.From), len(b)), len(b)
		if t.To != nil {
			to = edge(int(*t.To), len(b))
		}
		if from > to {
			return nil, ErrShort
		}
		part := b[from:to]
		switch t.Do {
		case "cut":
			b = part
		case "reverse":
			slices.Reverse(part)
		case "hex":
			part = bytes.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n", r) {
					return -1
				}
				return r
			}, part)
			n, err := hex.Decode(part, part)
			if err != nil {
				return nil, ErrValue
			}
			b = append(b[:from:from], append(part[:n:n], b[to:]...)...)
		case "base64":
			got, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(bytes.TrimSpace(part), "="))
			if err != nil {
				return nil, ErrValue
			}
			b = append(b[:from:from], append(got, b[to:]...)...)
		default:
			for j := range part {
				switch t.Do {
				case "add":
					part[j] += byte(t.Value)
				case "subtract":
					part[j] -= byte(t.Value)
				case "xor":
					part[j] ^= byte(t.Value)
				}
			}
		}
	}
	return b, nil
}

// edge returns the offset at, which is from the end if negative, within n bytes.
func edge(at, n int) int {
	if at < 0 {
		at += n
	}
	return min(max(at, 0), n)
}
