package profile

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/expr-lang/expr/vm"

	"sentrybox/gateway/text"
)

// What Decode fails with; use errors.Is.
var (
	// ErrNoMessage is a payload that is none of the profile's messages.
	ErrNoMessage = errors.New("no message of the profile")
	// ErrShort is a payload that ends within a field.
	ErrShort = errors.New("payload too short")
	// ErrLong is a payload that is longer than any sensor's.
	ErrLong = errors.New("payload too long")
	// ErrValue is a field that is not of its type, such as a text for a number.
	ErrValue = errors.New("not a value of its type")
	// ErrItem is an item whose key the profile does not know.
	ErrItem = errors.New("unknown item")
	// ErrEmpty is a payload without any value.
	ErrEmpty = errors.New("no value in the payload")
	// ErrExpression is an expression that fails at the values it got.
	ErrExpression = errors.New("expression failed")
	// ErrFrame is an example that is not one frame by its profile's framing.
	ErrFrame = errors.New("not one frame by the profile's framing and checksum")
	// ErrAnswer is an example that is no whole answer of Modbus RTU or TCP.
	ErrAnswer = errors.New("not a whole answer of Modbus RTU or TCP")
)

// Reason returns err, one of Decode or of an example, in language l.
func Reason(l text.Lang, err error) string {
	if x := (*explained)(nil); errors.As(err, &x) {
		return Reason(l, x.cause) + text.T(l, "profile.why", text.T(l, x.key, x.args...))
	}
	s := err.Error()
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{ErrNoMessage, "profile.err.message"}, {ErrShort, "profile.err.short"}, {ErrLong, "profile.err.long"}, {ErrValue, "profile.err.value"},
		{ErrItem, "profile.err.item"}, {ErrEmpty, "profile.err.empty"}, {ErrExpression, "profile.err.expression"}, {ErrFrame, "profile.err.frame"},
		{ErrAnswer, "profile.err.answer"},
	} {
		if errors.Is(err, known.err) {
			s = strings.Replace(s, known.err.Error(), text.T(l, known.key), 1)
		}
	}
	return s
}

// maxPayload is the longest payload that is looked at, in bytes.
const maxPayload = 64 << 10

// Input is one payload and what is known of it besides.
type Input struct {
	Section string         // Modbus: name of the read; MQTT: topic
	Port    int            // LoRaWAN: fPort
	Data    []byte         // it is not kept, nor changed
	Values  map[string]any // what a codec decoded: float64, bool or string by names with dots
	RSSI    *float64       // dBm
	SNR     *float64       // dB
}

// Decoder decodes the payloads of one device. It keeps nothing from one to the
// next, and must not be used by two goroutines at once.
type Decoder struct {
	p       *Profile
	env     scope
	base    scope // what env begins with: functions and parameters
	vm      vm.VM
	buf     []byte // transformed payload
	in      Input
	outside []Value // of the last payload: values out of their range
	data    []byte
	tree    any // of a message in JSON
	short   bool
	next    int  // offset behind the field before
	known   bool // something of the payload was a field or an item
}

// NewDecoder prepares the profile for a device with these parameters; those that
// are not given have their defaults. The error names a parameter that the
// profile does not have, or a value out of its range.
func (p *Profile) NewDecoder(parameters map[string]float64) (*Decoder, error) {
	d := &Decoder{p: p, base: scope{}, env: scope{}}
	d.addFunctions(d.base)
	left := maps.Clone(parameters)
	for i := range p.Parameters {
		q := &p.Parameters[i]
		v, given := left[q.Name]
		if !given {
			v = q.Default.V
		}
		delete(left, q.Name)
		if !q.Range.Has(v) {
			return nil, fmt.Errorf("parameter %s: %v is not from %v to %v", q.Name, v, q.Range.Least, q.Range.Most)
		}
		d.base[q.Name] = v
	}
	for name := range left {
		return nil, fmt.Errorf("profile %s has no parameter %q", p.ID, name)
	}
	return d, nil
}

// Decode appends the values of a payload to dst, in the order of the profile; a
// value that a payload has twice is there twice. It returns the message that the
// payload is, which may be one to be ignored. With an error, dst is returned as
// it came: a payload that is not whole has no values.
func (d *Decoder) Decode(dst []Value, in Input) ([]Value, *Message, error) {
	if len(in.Data) > maxPayload {
		return dst, nil, ErrLong
	}
	d.outside = d.outside[:0]
	d.in, d.data, d.tree, d.short, d.known = in, in.Data, nil, false, false
	var err error
	if d.data, err = d.transform(d.p.Transform, d.data); err != nil {
		return dst, nil, err
	}
	d.circumstances()
	for i := range d.p.Messages {
		m := &d.p.Messages[i]
		if d.misfit(m) != "" {
			continue
		}
		if m.Ignore {
			return dst, m, nil
		}
		got, err := d.message(dst, m)
		if err == nil && !d.known && len(got) == len(dst) {
			err = ErrEmpty
		}
		if err != nil {
			return dst, m, err
		}
		return got, m, nil
	}
	return dst, nil, ErrNoMessage
}

// Outside returns the values of the last payload that are out of their range, and
// therefore none. It is valid until the next one.
func (d *Decoder) Outside() []Value { return d.outside }

// circumstances fills in what expressions can use besides fields.
func (d *Decoder) circumstances() {
	if !d.p.expressions {
		return
	}
	clear(d.env)
	maps.Copy(d.env, d.base)
	d.env["len"], d.env["port"] = float64(len(d.data)), float64(d.in.Port)
	if d.p.usesPayload {
		d.env["payload"] = clean(d.data)
	}
	if d.in.RSSI != nil {
		d.env["rssi"] = *d.in.RSSI
	}
	if d.in.SNR != nil {
		d.env["snr"] = *d.in.SNR
	}
}

func (d *Decoder) message(dst []Value, m *Message) ([]Value, error) {
	var err error
	if d.data, err = d.transform(m.Transform, d.data); err != nil {
		return dst, err
	}
	d.next = 0
	switch m.Form {
	case "text":
		dst, err = d.textFields(dst, m)
	case "json", "object":
		dst, err = d.pathFields(dst, m)
	default:
		if dst, err = d.fields(dst, m.Fields, d.data); err == nil && m.Items != nil {
			dst, err = d.items(dst, m.Items)
		}
	}
	if err != nil {
		return dst, err
	}
	for i := range d.p.Derived {
		f := &d.p.Derived[i]
		if dst, err = d.settle(dst, f, raw{kind: computed}); err != nil {
			return dst, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return dst, nil
}

// fields reads fields of data, which d.next is an offset of.
func (d *Decoder) fields(dst []Value, fields []Field, data []byte) ([]Value, error) {
	for i := range fields {
		f := &fields[i]
		if f.prog.when != nil && !d.holds(f.prog.when) {
			continue
		}
		if f.prog.kind == computed {
			var err error
			if dst, err = d.settle(dst, f, raw{kind: computed}); err != nil {
				return dst, fmt.Errorf("%s: %w", f.Name, err)
			}
			continue
		}
		b, ok := d.slice(f, data)
		if !ok {
			if f.Optional {
				continue
			}
			return dst, fmt.Errorf("%s: %w", f.Name, ErrShort)
		}
		d.next, d.known = f.prog.end(data, d.next, len(b)), true
		if f.prog.kind == skip {
			continue
		}
		if len(f.Parts) > 0 {
			for j := range f.Parts {
				part := &f.Parts[j]
				var err error
				if dst, err = d.field(dst, part, b); err != nil {
					return dst, fmt.Errorf("%s: %w", part.Name, err)
				}
			}
			continue
		}
		var err error
		if dst, err = d.field(dst, f, b); err != nil {
			return dst, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return dst, nil
}

// field reads f of its bytes.
func (d *Decoder) field(dst []Value, f *Field, b []byte) ([]Value, error) {
	r, err := f.prog.read(b)
	if err != nil {
		return dst, err
	}
	return d.settle(dst, f, r)
}
