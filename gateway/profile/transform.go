package profile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// transform returns data changed as the list says. It leaves data as it is.
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
		part, ok := t.apply(b[from:to])
		switch {
		case !ok:
			return nil, ErrValue
		case t.Do == "cut" || t.Do == "pick":
			b = part
		default:
			b = slices.Concat(b[:from], part, b[to:])
		}
	}
	return b, nil
}

// apply changes part, in place where it can.
func (t *Transform) apply(part []byte) ([]byte, bool) {
	switch t.Do {
	case "reverse":
		slices.Reverse(part)
	case "hex":
		digits := bytes.Join(bytes.Fields(part), nil)
		n, err := hex.Decode(digits, digits)
		return digits[:n], err == nil
	case "base64":
		got, err := base64.RawStdEncoding.AppendDecode(nil, bytes.TrimRight(bytes.TrimSpace(part), "="))
		return got, err == nil
	case "gbk":
		got, err := simplifiedchinese.GB18030.NewDecoder().Bytes(part)
		return got, err == nil
	case "pick":
		tree, ok := parseJSON(part)
		if !ok {
			return nil, false
		}
		v, _ := walk(tree, t.path)
		s, ok := v.(string)
		return []byte(s), ok
	case "add":
		for i := range part {
			part[i] += byte(t.Value)
		}
	case "subtract":
		for i := range part {
			part[i] -= byte(t.Value)
		}
	case "xor":
		for i := range part {
			part[i] ^= byte(t.Value)
		}
	}
	return part, true
}

// edge returns the offset at, which is from the end if negative, within n bytes.
func edge(at, n int) int {
	if at < 0 {
		at += n
	}
	return min(max(at, 0), n)
}
