package profile

import "fmt"

// itemProgram is an item made ready.
type itemProgram struct {
	// size is the bytes of its value where no length says so, or -1 where its
	// fields alone know.
	size int
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
		key, size := rest[:list.Key], -1
		length := rest[list.Key:head]
		if list.First {
			length, key = rest[:list.Length], rest[list.Length:head]
		}
		it := list.find(key)
		switch {
		case list.Length > 0:
			if size = int(readUint(length, list.order)) + list.Add; size < 0 {
				return dst, fmt.Errorf("item %s at byte %d: %w", spaced(key), at, ErrValue)
			}
		case it != nil:
			size = it.prog.size
		}
		switch {
		case it == nil && list.Unknown == "skip" && size >= 0:
		case it == nil && list.Unknown == "stop":
			return dst, nil
		case it == nil:
			return dst, fmt.Errorf("item %s at byte %d: %w", spaced(key), at, ErrItem)
		}
		value := rest[head:]
		if size >= 0 {
			if size > len(value) {
				return dst, fmt.Errorf("item %s at byte %d: %w", spaced(key), at, ErrShort)
			}
			value = value[:size]
		}
		if it != nil {
			d.next, d.known = 0, true
			var err error
			if dst, err = d.fields(dst, it.Fields, value); err != nil {
				return dst, fmt.Errorf("item %s at byte %d: %w", spaced(key), at, err)
			}
			if size < 0 {
				size = d.next
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
