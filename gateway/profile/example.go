package profile

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"sentrybox/drivers/uart"
	"sentrybox/gateway/text"
)

// Outcome is what became of an example.
type Outcome struct {
	Example *Example
	Message *Message // nil if it was none
	Values  []Value
	Err     error // of decoding
	Wrong   []Difference
}

// Difference is one thing that is not as an example says.
type Difference struct {
	Key  text.Key
	Args []any
}

// Text returns what is wrong.
func (d Difference) Text(l text.Lang) string {
	args := slices.Clone(d.Args)
	for i, a := range args {
		if err, ok := a.(error); ok {
			args[i] = Reason(l, err)
		}
	}
	return text.T(l, d.Key, args...)
}

// Test decodes every example of the profile and holds the outcome against what
// it must be.
func (p *Profile) Test() []Outcome {
	all := make([]Outcome, len(p.Examples))
	for i := range p.Examples {
		all[i] = p.try(&p.Examples[i])
	}
	return all
}

func (p *Profile) try(e *Example) Outcome {
	o := Outcome{Example: e}
	parameters := map[string]float64{}
	for name, v := range e.Parameters {
		parameters[name] = v.V
	}
	d, err := p.NewDecoder(parameters)
	if err != nil {
		o.Wrong = append(o.Wrong, Difference{"profile.test.failed", []any{err}})
		return o
	}
	in, err := p.input(e)
	if err == nil {
		o.Values, o.Message, o.Err = d.try(in)
	} else {
		o.Err = err
	}
	o.compare(p)
	return o
}

// input makes of an example what a driver would deliver.
func (p *Profile) input(e *Example) (Input, error) {
	in := Input{Section: e.Read, Port: e.Port, Data: e.Bytes}
	if e.Topic != "" {
		in.Section = e.Topic
	}
	if e.Text != "" {
		in.Data = []byte(e.Text)
	}
	if e.RSSI != nil {
		in.RSSI = &e.RSSI.V
	}
	if e.SNR != nil {
		in.SNR = &e.SNR.V
	}
	switch {
	case e.Object != "":
		var tree any
		if err := json.Unmarshal([]byte(e.Object), &tree); err != nil {
			return in, err
		}
		in.Values = map[string]any{}
		flatten(in.Values, "", tree)
	case p.Serial != nil:
		var err error
		in.Data, err = p.Serial.only(in.Data)
		return in, err
	case p.Modbus != nil && e.Frame:
		var err error
		in.Data, err = modbusAnswer(e.Bytes)
		return in, err
	}
	return in, nil
}

func flatten(out map[string]any, path string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			flatten(out, strings.TrimPrefix(path+"."+k, "."), inner)
		}
	case []any:
		for i, inner := range x {
			flatten(out, strings.TrimPrefix(path+"."+strconv.Itoa(i), "."), inner)
		}
	case nil:
	default:
		out[path] = v
	}
}

// only returns the one frame that b is.
func (s *Serial) only(b []byte) ([]byte, error) {
	split := uart.NewSplitter(s.framing)
	split.Reset() // it begins with a frame
	frames := append(split.Push(b), split.Idle()...)
	if len(frames) != 1 {
		return nil, s.why(b)
	}
	return frames[0].Data, nil
}

// modbusAnswer takes the payload out of a whole answer in Modbus RTU (Modbus over
// Serial Line V1.02, 2.5.1) or TCP (Modbus Messaging on TCP/IP V1.0b, 3.1.3).
func modbusAnswer(b []byte) ([]byte, error) {
	if len(b) >= 9 && b[2] == 0 && b[3] == 0 && int(b[4])<<8|int(b[5]) == len(b)-6 && int(b[8]) == len(b)-9 && b[7] > 0 && b[7] <= 4 {
		return b[9:], nil
	}
	if len(b) < 5 || int(b[2]) != len(b)-5 || b[1] == 0 || b[1] > 4 {
		return nil, ErrAnswer
	}
	crc := uint16(0xffff)
	for _, c := range b[:len(b)-2] {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	got, want := b[len(b)-2:], []byte{byte(crc), byte(crc >> 8)} // its two bytes
	if !bytes.Equal(got, want) {
		return nil, &explained{ErrAnswer, "profile.why.checksum", []any{spaced(got), spaced(want)}}
	}
	return b[3 : len(b)-2], nil
}

func (o *Outcome) add(key text.Key, args ...any) {
	o.Wrong = append(o.Wrong, Difference{key, args})
}

// compare holds the outcome against the example.
func (o *Outcome) compare(p *Profile) {
	e := o.Example
	switch {
	case e.Error:
		if o.Err == nil {
			o.add("profile.test.accepted")
		}
		return
	case o.Err != nil:
		o.add("profile.test.failed", o.Err)
		return
	case e.Ignored:
		if !o.Message.Ignore {
			o.add("profile.test.heeded")
		}
		return
	case o.Message.Ignore:
		o.add("profile.test.ignored")
		return
	}
	got := map[string]Value{}
	for _, v := range o.Values {
		got[v.Field.Name] = v
	}
	for _, f := range p.fields {
		want, wanted := e.Values[f.Name]
		v, there := got[f.Name]
		switch {
		case wanted && !there:
			o.add("profile.test.missing", f.Name, want.Text)
		case there && !wanted:
			o.add("profile.test.extra", f.Name, v.plain())
		case there && !v.near(want):
			o.add("profile.test.differs", f.Name, v.plain(), want.Text)
		}
	}
	o.compareAlerts(p)
}

func (o *Outcome) compareAlerts(p *Profile) {
	if o.Example.Alerts == nil {
		return
	}
	var kinds []string
	for _, a := range p.Alarming(o.Values) {
		kinds = append(kinds, a.Kind)
	}
	want := slices.Clone(o.Example.Alerts)
	slices.Sort(kinds)
	slices.Sort(want)
	if kinds = slices.Compact(kinds); !slices.Equal(kinds, slices.Compact(want)) {
		o.add("profile.test.alerts", strings.Join(kinds, ", "), strings.Join(want, ", "))
	}
}

// plain returns the value without label and unit.
func (v Value) plain() string {
	if v.Field.IsText() {
		return v.Text
	}
	return FormatNumber(v.Number)
}

// near reports whether v is what an example says, but for what rounding does.
func (v Value) near(s Scalar) bool {
	if v.Field.IsText() || s.IsText {
		return v.Is(s)
	}
	return math.Abs(v.Number-s.Number) <= 1e-6*max(1, math.Abs(s.Number))
}

// Try decodes a payload as a driver would deliver it, with in saying what is known
// of it besides, and the parameters' defaults.
func (p *Profile) Try(data []byte, in Input) Outcome {
	o := Outcome{}
	d, err := p.NewDecoder(nil)
	if err != nil {
		o.Err = err
		return o
	}
	in.Data = data
	if in.Section == "" && p.Modbus != nil && len(p.Modbus.Reads) > 0 {
		in.Section = p.Modbus.Reads[0].Name
	}
	if p.Serial != nil {
		if in.Data, o.Err = p.Serial.only(data); o.Err != nil {
			return o
		}
	}
	if whole, err := modbusAnswer(data); err == nil && p.Modbus != nil {
		in.Data = whole
	}
	o.Values, o.Message, o.Err = d.try(in)
	return o
}

// Alarming returns the alerts of which a value is alarming, for the last value of
// each field.
func (p *Profile) Alarming(values []Value) []*Alert {
	last := map[string]Value{}
	for _, v := range values {
		last[v.Field.Name] = v
	}
	var all []*Alert
	for i := range p.Alerts {
		a := &p.Alerts[i]
		if v, ok := last[a.Field]; ok && a.Alarming(v, false) {
			all = append(all, a)
		}
	}
	return all
}
