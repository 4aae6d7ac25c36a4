package profile

import (
	"bytes"
	"errors"
	"strings"

	"sentrybox/drivers/uart"
	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// explained is an error of an example with what whoever writes the profile must
// look at.
type explained struct {
	cause error
	key   text.Key
	args  []any
}

func (e *explained) Error() string { return Reason(text.English, e) }

func (e *explained) Unwrap() error { return e.cause }

// try decodes an example and says why it is none of the messages.
func (d *Decoder) try(in Input) ([]Value, *Message, error) {
	values, m, err := d.Decode(nil, in)
	if m != nil || !errors.Is(err, ErrNoMessage) {
		return values, m, err
	}
	keys := make([]string, len(d.p.Messages))
	for i := range d.p.Messages {
		keys[i] = strict.Element("messages", i) + "." + d.misfit(&d.p.Messages[i])
	}
	return nil, nil, &explained{err, "profile.why.misfit", []any{strings.Join(keys, ", ")}}
}

// why says what of the framing b, which is not one frame, does not fit.
func (s *Serial) why(b []byte) error {
	f := &s.Frame
	if f.Escape != nil {
		return ErrFrame
	}
	no := func(key text.Key, args ...any) error { return &explained{ErrFrame, key, args} }
	at := bytes.Index(b, f.Start)
	if at < 0 {
		return no("profile.why.start", f.Start.String())
	}
	b = b[at:]
	if l := f.Length; l != nil && l.At >= 0 && len(b) >= l.At+l.Size {
		if n := int(readUint(b[l.At:l.At+l.Size], l.Order)) + l.Add; n != len(b) {
			return no("profile.why.length", n, len(b))
		}
	}
	if f.Size > 0 && f.Size != len(b) {
		return no("profile.why.size", f.Size, len(b))
	}
	if !bytes.HasSuffix(b, f.End) {
		return no("profile.why.end", f.End.String())
	}
	c := &s.framing.Checksum
	want, sum, ok := checksums(c, b[:len(b)-len(f.End)])
	switch {
	case !ok || bytes.Equal(want, sum):
		return ErrFrame
	case c.Hex || c.Kind == uart.SDI12:
		return no("profile.why.checksum", string(sum), string(want))
	}
	return no("profile.why.checksum", spaced(sum), spaced(want))
}

// checksums returns the checksum that body, which ends with it, must have, and the
// one that it has.
func checksums(c *uart.Checksum, body []byte) (want, got []byte, ok bool) {
	none, _ := c.Append(nil, make([]byte, c.From+c.Before))
	at := len(body) - len(none)
	if at < 0 {
		return nil, nil, false
	}
	want, ok = c.Append(nil, body[:at])
	return want, body[at:], ok
}
