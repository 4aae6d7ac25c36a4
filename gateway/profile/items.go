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
		got, used, err := d.item(dst, list, data[at:])
		if err != nil {
			return dst, fmt.Errorf("item at byte %d: %w", at, err)
		}
		if dst = got; used == 0 {
			break
		}
		at += used
	}
	return dst, nil
}

// item reads the item that data begins with and returns how many bytes it has; 0
// where what follows is to be left alone.
func (d *Decoder) item(dst []Value, list *Items, data []byte) ([]Value, int, error) {
	head := list.Key + list.Length
	if len(data) < head {
		return dst, 0, ErrShort
	}
	key, length := data[:list.Key], data[list.Key:head]
	if list.First {
		length, key = data[:list.Length], data[list.Length:head]
	}
	it, size := list.find(key), -1
	switch {
	case list.Length > 0:
		if size = int(readUint(length, list.order)) + list.Add; size < 0 {
			return dst, 0, ErrValue
		}
	case it != nil:
		size = it.prog.size
	}
	value := data[head:]
	switch {
	case it == nil && list.Unknown == "stop":
		return dst, 0, nil
	case it == nil && list.Unknown != "skip":
		return dst, 0, fmt.Errorf("%s: %w", spaced(key), ErrItem)
	case size > len(value):
		return dst, 0, fmt.Errorf("%s: %w", spaced(key), ErrShort)
	case size >= 0:
		value = value[:size]
	}
	if it != nil {
		d.next, d.known = 0, true
		var err error
		if dst, err = d.fields(dst, it.Fields, value); err != nil {
			return dst, 0, fmt.Errorf("%s: %w", spaced(key), err)
		}
		if size < 0 {
			size = d.next
		}
	}
	return dst, head + size, nil
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
