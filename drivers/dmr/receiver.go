package dmr

import (
	"strconv"
	"time"

	"sentrybox/drivers/call"
)

const (
	// LostAfter is how long nothing is heard of a call until it has broken off.
	LostAfter = 2 * time.Second
	// sameWithin is how long a control block that is repeated is the same. It is told again at the latest after
	// sameFor: a set may repeat its alarm for minutes.
	sameWithin  = 2 * time.Second
	sameFor     = 10 * time.Second
	dataWithin  = 4 * time.Second        // between the bursts of a message
	straysAfter = 500 * time.Millisecond // bursts of a call that come after its end
)

// Receiver makes events of the bursts of one time slot. The zero value with its exported fields is
// ready. It is not for several goroutines.
type Receiver struct {
	Station, Channel string
	// Name names a call, as no other.
	Name func() string

	voice  *voice
	ended  uint32 // stream of the last call
	endLC  LC
	endAt  time.Time
	parts  [4]uint32 // of an embedded link control
	part   int       // that comes next; 0 for none
	alias  alias
	block  [12]byte // the last control block
	heard  time.Time
	told   time.Time // when it was told
	packet *message
	moved  time.Time // when packet grew
}

// voice is a call that goes on.
type voice struct {
	name   string
	lc     LC
	stream uint32
	last   time.Time
	urgent bool
	alias  string
	fix    call.Fix
}

func id(v uint32) string { return strconv.FormatUint(uint64(v), 10) }

// Take takes a burst of a stream, which is one transmission as the repeater counts them. rssi is in
// dBm, nil if unknown. It is false if the burst makes no sense.
func (r *Receiver) Take(b *Burst, stream uint32, at time.Time, rssi *float64, emit func(call.Event)) bool {
	out := func(e call.Event) {
		e.Station, e.Channel, e.At, e.RSSI = r.Station, r.Channel, at, rssi
		emit(e)
	}
	r.Expire(at, emit)
	if !b.Data {
		return r.takeVoice(b, stream, at, out)
	}
	if !b.synced() {
		return false
	}
	_, t, ok := b.slotType()
	if !ok || t != b.Type {
		return false
	}
	switch t {
	case VoiceLCHeader:
		lc, ok := decodeFullLC(b, headerMask)
		if ok {
			r.speak(lc, stream, at, out)
		}
		return ok
	case TerminatorLC:
		return r.terminate(b, stream, out)
	case CSBKType:
		return r.control(b, at, out)
	case DataHeaderType, Rate12, Rate34:
		return r.data(b, at, out)
	case Idle, PIHeader, MBCHeader, MBCContinued, Rate1:
		return true
	}
	return false
}

// Expire ends a call of which nothing is heard any more.
func (r *Receiver) Expire(now time.Time, emit func(call.Event)) {
	if v := r.voice; v != nil && now.Sub(v.last) >= LostAfter {
		r.Close(emit)
	}
	if r.packet != nil && now.Sub(r.moved) >= dataWithin {
		r.packet = nil
	}
}

// Close ends a call that goes on, since the repeater is gone.
func (r *Receiver) Close(emit func(call.Event)) {
	if v := r.voice; v != nil {
		r.end(true, func(e call.Event) {
			e.Station, e.Channel, e.At = r.Station, r.Channel, v.last
			emit(e)
		})
	}
}

// speak begins a call, or goes on with it.
func (r *Receiver) speak(lc LC, stream uint32, at time.Time, out func(call.Event)) {
	v := r.voice
	if v != nil && (v.lc.Src != lc.Src || v.lc.Dst != lc.Dst || v.lc.Opcode != lc.Opcode) {
		r.end(true, out)
		v = nil
	}
	if v == nil {
		if stream == r.ended && lc.Src == r.endLC.Src && lc.Dst == r.endLC.Dst && at.Sub(r.endAt) < straysAfter {
			return
		}
		v = &voice{name: r.Name(), lc: lc, stream: stream}
		r.voice, r.alias = v, alias{}
		out(call.Event{Kind: call.Begin, Call: v.name, From: id(lc.Src), To: id(lc.Dst), Private: lc.Private(), Urgent: lc.Emergency()})
	}
	v.stream, v.last = stream, at
	if lc.Emergency() && !v.urgent {
		v.urgent = true
		out(call.Event{Kind: call.Emergency, Active: true, Call: v.name, From: id(lc.Src), To: id(lc.Dst), Private: lc.Private()})
	}
}

func (r *Receiver) end(lost bool, out func(call.Event)) {
	v := r.voice
	r.voice, r.part = nil, 0
	r.ended, r.endLC, r.endAt = v.stream, v.lc, v.last
	out(call.Event{Kind: call.End, Call: v.name, From: id(v.lc.Src), To: id(v.lc.Dst), Private: v.lc.Private(), Lost: lost})
}

// terminate ends the call, even if only the slot type says so and not the link control.
func (r *Receiver) terminate(b *Burst, stream uint32, out func(call.Event)) bool {
	lc, ok := decodeFullLC(b, terminatorMask)
	v := r.voice
	if v == nil {
		return ok
	}
	if v.stream == stream || ok && lc.Src == v.lc.Src {
		r.end(false, out)
	}
	return ok
}

// takeVoice gathers what is embedded in speech.
func (r *Receiver) takeVoice(b *Burst, stream uint32, at time.Time, out func(call.Event)) bool {
	if v := r.voice; v != nil && v.stream == stream {
		v.last = at
	}
	if b.Voice == 0 { // its middle is the sync
		r.part = 0
		return true
	}
	e, ok := b.emb()
	if !ok {
		r.part = 0
		return false
	}
	switch {
	case e.lcss == 1:
		r.part = 0
	case e.lcss == 0, r.part == 0, e.lcss == 3 && r.part >= 3, e.lcss == 2 && r.part != 3:
		r.part = 0
		return true
	}
	r.parts[r.part] = b.fragment()
	r.part++
	if e.lcss != 2 {
		return true
	}
	r.part = 0
	lc, ok := decodeEmbedded(&r.parts)
	if ok {
		r.embedded(lc, stream, at, out)
	}
	return ok
}

// embedded takes a link control out of speech.
func (r *Receiver) embedded(lc [9]byte, stream uint32, at time.Time, out func(call.Event)) {
	if full, ok := parseLC(lc[:]); ok {
		r.speak(full, stream, at, out)
		return
	}
	v := r.voice
	if v == nil || v.stream != stream {
		return
	}
	from := call.Event{Call: v.name, From: id(v.lc.Src), To: id(v.lc.Dst), Private: v.lc.Private()}
	if fix, ok := parseGPS(lc[:]); ok && fix != v.fix {
		v.fix = fix
		from.Kind, from.Position = call.Position, &fix
		out(from)
		return
	}
	if name, ok := r.alias.add(lc[:]); ok && name != "" && name != v.alias {
		v.alias = name
		from.Kind, from.Text = call.Text, call.Clip(name, call.MaxText)
		out(from)
	}
}

// control takes a control block.
func (r *Receiver) control(b *Burst, at time.Time, out func(call.Event)) bool {
	info, _, ok := DecodeBPTC(&b.Payload)
	if !ok {
		return false
	}
	c, ok := parseCSBK(&info)
	if !ok {
		return false
	}
	if info == r.block && at.Sub(r.heard) < sameWithin && at.Sub(r.told) < sameFor {
		r.heard = at
		return true
	}
	r.block, r.heard, r.told = info, at, at
	e := call.Event{From: id(c.Src), To: id(c.Dst)}
	switch {
	case c.Src == 0:
		return true
	case c.Opcode == Alarm:
		e.Kind, e.Active = call.Emergency, true
	case c.Opcode == CallAlert && c.FID != 0: // in ETSI's feature set it is something else
		e.Kind, e.Private = call.Page, true
	case c.Opcode == RadioCheck && c.FID != 0 && c.Data[1] == 0x80: // otherwise it is the answer
		e.Kind, e.Private = call.Check, true
	default:
		return true
	}
	out(e)
	return true
}

// data takes a part of a message.
func (r *Receiver) data(b *Burst, at time.Time, out func(call.Event)) bool {
	if b.Type == DataHeaderType {
		r.packet = nil
		info, _, ok := DecodeBPTC(&b.Payload)
		if !ok {
			return false
		}
		if m, ok := parseHeader(&info); ok {
			r.packet, r.moved = &m, at
		}
		return crcGood(&info, maskHeader)
	}
	m := r.packet
	if m == nil {
		return true
	}
	r.moved = at
	if !m.add(b) {
		r.packet = nil
		return false
	}
	if !m.whole() {
		return true
	}
	r.packet = nil
	if text := call.Clip(m.text(), call.MaxText); text != "" {
		out(call.Event{Kind: call.Text, From: id(m.src), To: id(m.dst), Private: !m.group, Text: text})
	}
	return true
}
