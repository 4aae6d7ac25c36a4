package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A pattern is a regular expression of a message in text.
type pattern struct {
	re     *regexp.Regexp
	groups map[string]int
}

// bare returns a text without spaces and control characters around it, such as
// the end of its line.
func bare(b []byte) []byte {
	return bytes.TrimFunc(b, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// textFields reads the fields of a message in text.
func (d *Decoder) textFields(dst []Value, m *Message) ([]Value, error) {
	var at []int
	line := bare(d.data)
	if m.pattern != nil {
		if at = m.pattern.re.FindSubmatchIndex(line); at == nil {
			return dst, ErrNoMessage
		}
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.prog.when != nil && !d.holds(f.prog.when) {
			continue
		}
		r := raw{kind: computed}
		if f.prog.kind != computed {
			b := line
			if re := f.prog.re; re != nil {
				own := re.FindSubmatchIndex(line)
				if own == nil || own[2] < 0 {
					continue
				}
				b = line[own[2]:own[3]]
			} else if at != nil {
				from, to := at[2*f.prog.group], at[2*f.prog.group+1]
				if from < 0 {
					continue // a group that took no part
				}
				b = line[from:to]
			}
			d.known = true
			var err error
			if r, err = f.prog.literal(clean(b)); err != nil {
				return dst, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		var err error
		if dst, err = d.settle(dst, f, r); err != nil {
			return dst, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return dst, nil
}

// maxJSONDepth bounds how deeply a payload in JSON is nested.
const maxJSONDepth = 32

// parseJSON reads the payload as JSON, once.
func (d *Decoder) parseJSON() bool {
	if d.tree == nil {
		d.tree, _ = parseJSON(d.data)
	}
	return d.tree != nil
}

func parseJSON(data []byte) (tree any, ok bool) {
	if depth(data) > maxJSONDepth || json.Unmarshal(data, &tree) != nil {
		return nil, false
	}
	return tree, tree != nil
}

// depth returns how deeply brackets are nested, at most; those within texts count
// too.
func depth(data []byte) int {
	now, most := 0, 0
	for _, c := range data {
		switch c {
		case '{', '[':
			now++
			most = max(most, now)
		case '}', ']':
			now--
		}
	}
	return most
}

// pathFields reads the fields of a message in JSON. Those that it does not have,
// or that are null, have no value.
func (d *Decoder) pathFields(dst []Value, m *Message) ([]Value, error) {
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.prog.when != nil && !d.holds(f.prog.when) {
			continue
		}
		r := raw{kind: computed}
		if f.prog.kind != computed {
			v, ok := d.lookUp(m.Form, f.prog.path, f.prog.dotted)
			if !ok || v == nil {
				continue
			}
			d.known = true
			var err error
			if r, err = f.prog.scalar(v); err != nil {
				return dst, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		var err error
		if dst, err = d.settle(dst, f, r); err != nil {
			return dst, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return dst, nil
}

// scalar takes a value of JSON.
func (p *fieldProgram) scalar(v any) (raw, error) {
	switch x := v.(type) {
	case string:
		if p.re != nil {
			own := p.re.FindStringSubmatch(x)
			if own == nil {
				return raw{absent: true}, nil
			}
			x = own[1]
		}
		return p.literal(clean([]byte(x)))
	case float64:
		if p.kind == plainText || p.kind == hexText {
			return p.literal(strconv.FormatFloat(x, 'f', -1, 64))
		}
		return raw{number: x, absent: p.isNone(x)}, nil
	case bool:
		s := strconv.FormatBool(x)
		if p.kind == plainText {
			return p.literal(s)
		}
		if p.isNoText(s) {
			return raw{absent: true}, nil
		}
		if x {
			return raw{number: 1}, nil
		}
		return raw{}, nil
	}
	return raw{}, ErrValue
}

// lookUp returns what is at a path.
func (d *Decoder) lookUp(form string, path []string, dotted string) (any, bool) {
	if form == "object" {
		v, ok := d.in.Values[dotted]
		return v, ok
	}
	return walk(d.tree, path)
}

// walk follows a JSON pointer.
func walk(v any, path []string) (any, bool) {
	for _, key := range path {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[key]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// pointer splits a JSON pointer (RFC 6901).
func pointer(s string) ([]string, bool) {
	if !strings.HasPrefix(s, "/") {
		return nil, s == ""
	}
	keys := strings.Split(s[1:], "/")
	for i, k := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(k, "~1", "/"), "~0", "~")
	}
	return keys, true
}
