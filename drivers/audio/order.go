package audio

import (
	"time"

	"github.com/pion/rtp"
)

const (
	depth      = 16 // packets that wait for an earlier one
	patience   = 120 * time.Millisecond
	holdSource = time.Second // a silent sender's place is taken by another after that
	maxGap     = Rate        // samples of silence at once for what is lost or was not sent
	maxJump    = 1000        // packets: more is a sender that begins anew
	maxWaiting = 2 * Rate    // samples that nobody has read
)

// order puts packets of one sender into order, fills what is lost with silence, and makes
// samples at Rate of them. It knows no clock: time is told.
type order struct {
	rate int // of L16

	ssrc    uint32
	locked  bool
	last    time.Time // a packet of the sender came
	next    uint16
	stamp   uint32 // of the next sample
	slots   [depth]slot
	jumped  uint16 // the sequence that a jump would go on with
	jumps   int
	out     []int16
	down    *decimator
	dropped uint64 // of strangers, late, damaged, of a kind that is not understood
}

type slot struct {
	used    bool
	stamp   uint32
	at      time.Time
	kind    uint8
	payload []byte
}

func newOrder(rate int) *order { return &order{rate: rate, down: newDecimator(max(1, rate/Rate))} }

// put takes a packet.
func (o *order) put(p *rtp.Packet, now time.Time) {
	if o.locked && p.SSRC != o.ssrc {
		if now.Sub(o.last) < holdSource {
			o.dropped++
			return
		}
		o.locked = false
	}
	if !understood(p.PayloadType, p.Payload) {
		o.dropped++
		return
	}
	if !o.locked {
		o.begin(p)
	}
	o.last = now
	ahead := int16(p.SequenceNumber - o.next)
	switch {
	case ahead < 0 && ahead > -maxJump:
		o.dropped++ // late, or twice
		return
	case ahead >= maxJump || ahead < 0:
		// Two that follow each other are a sender that begins anew; one is damage (RFC 3550, A.1).
		if o.jumps == 0 || p.SequenceNumber != o.jumped {
			o.jumps, o.jumped = 1, p.SequenceNumber+1
			o.dropped++
			return
		}
		o.begin(p)
		ahead = 0
	}
	o.jumps = 0
	for int(ahead) >= depth {
		o.skip()
		ahead = int16(p.SequenceNumber - o.next)
	}
	s := &o.slots[p.SequenceNumber%depth]
	if s.used {
		o.dropped++
		return
	}
	*s = slot{used: true, stamp: p.Timestamp, at: now, kind: p.PayloadType, payload: append(s.payload[:0], p.Payload...)}
	o.play()
}

func (o *order) begin(p *rtp.Packet) {
	o.ssrc, o.locked, o.next, o.stamp, o.jumps = p.SSRC, true, p.SequenceNumber, p.Timestamp, 0
	o.slots = [depth]slot{}
}

// skip gives up the next packet, or plays it.
func (o *order) skip() {
	if s := &o.slots[o.next%depth]; s.used {
		o.emit(s)
	}
	o.next++
}

// play emits what is in order.
func (o *order) play() {
	for o.slots[o.next%depth].used {
		o.skip()
	}
}

// emit appends a packet's samples, and silence before them for what is missing.
func (o *order) emit(s *slot) {
	samples, ticks := o.decode(s.kind, s.payload)
	if gap := int32(s.stamp-o.stamp) / int32(ticks); gap > 0 {
		o.append(make([]int16, min(gap, maxGap)))
	}
	o.append(samples)
	o.stamp = s.stamp + uint32(len(samples))*ticks
	*s = slot{payload: s.payload}
}

func (o *order) append(x []int16) {
	if len(o.out)+len(x) > maxWaiting {
		o.out = append(o.out[:0], o.out[min(len(o.out), len(x)):]...) // the newest
	}
	if len(x) > maxWaiting {
		x = x[len(x)-maxWaiting:]
	}
	o.out = append(o.out, x...)
}

// due returns when what waits has waited long enough; zero if nothing does.
func (o *order) due() time.Time {
	var first time.Time
	for i := range o.slots {
		if s := &o.slots[i]; s.used && (first.IsZero() || s.at.Before(first)) {
			first = s.at
		}
	}
	if first.IsZero() {
		return first
	}
	return first.Add(patience)
}

// take returns samples that are ready.
func (o *order) take(p []int16, now time.Time) int {
	if due := o.due(); !due.IsZero() && !now.Before(due) {
		for !o.slots[o.next%depth].used {
			o.next++
		}
		o.play()
	}
	n := copy(p, o.out)
	o.out = append(o.out[:0], o.out[n:]...)
	return n
}

// understood says whether samples can be made of a payload: of PCMU, PCMA, and L16 of a dynamic type.
func understood(kind uint8, payload []byte) bool {
	return len(payload) > 0 && (kind == 0 || kind == 8 || kind >= 96 && kind < 128 && len(payload)%2 == 0)
}

// decode makes samples at Rate of a payload (RFC 3551); ticks are those of the RTP clock a sample.
func (o *order) decode(kind uint8, payload []byte) (samples []int16, ticks uint32) {
	switch kind {
	case 0:
		for _, b := range payload {
			samples = append(samples, FromMuLaw(b))
		}
	case 8:
		for _, b := range payload {
			samples = append(samples, FromALaw(b))
		}
	default:
		for i := 0; i+1 < len(payload); i += 2 {
			if v, ok := o.down.next(int16(uint16(payload[i])<<8 | uint16(payload[i+1]))); ok {
				samples = append(samples, v)
			}
		}
		return samples, uint32(o.rate / Rate)
	}
	return samples, 1
}
