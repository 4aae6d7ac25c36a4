package profile

import "fmt"

// itemProgram is an item made ready.
type itemProgram struct {
	size int // bytes of its value where no length says so
}

// items reads a row of values with keys.
func (d *Decoder) items(dst []Value, list *Items) ([]Value, error) {
	data := d.data
	if list.Until < 0 {
		data = data[:max(0, len(data)+int(list.Until))]
	} else if list.Until > 0 {
		data = data[:min(len(data), int(list.Until))]
	}
	at := d.next
	if list.At != nil {
		at = edge(int(*list.At), len(data))
	}
	for at < len(data) {
		rest := data[at:]
		head := list.Key + list.Length
		if len(rest) < head {
			return dst, fmt.Errorf("item at byte %d: %w", at, ErrShort)
		}
		it := list.find(rest[:list.Key])
		size := -1
		if list.Length > 0 {
			size = int(min(readUint(rest[list.Key:head], Big), maxPayload))
		} else if it != nil {
			size = it.prog.size
		}
		if it == nil && (list.Unknown != "skip" || size < 0) {
			if list.Unknown == "stop" {
				return dst, nil
			}
			return dst, fmt.Errorf("item %s at byte %d: %w", spaced(rest[:list.Key]), at, ErrItem)
		}
		if head+size > len(rest) {
			return dst, fmt.Errorf("item %s at byte %d: %w", spaced(rest[:list.Key]), at, ErrShort)
		}
		if it != nil {
			d.next, d.known = 0, true
			var err error
			if dst, err = d.fields(dst, it.Fields, rest[head:head+size]); err != nil {
				return dst, fmt.Errorf("item %s at byte %d: %w", spaced(rest[:list.Key]), at, err)
			}
		}
		at += head + size
	}
	return dst, nil
}

// find returns the item with a key, or nil.
func (l *Items) find(key []byte) *Item {
	for i := range l.Types {
		if l.Types[i].Key.Match(key) {
			return &l.Types[i]
		}
	}
	return nil
}
