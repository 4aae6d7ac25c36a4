package rtsp

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtp"

	"sentrybox/drivers/annexb"
	"sentrybox/drivers/media"
)

const (
	maxPackets = 1 << 15 // of one picture
	maxNALs    = 512     // of one picture
	// maxLate is how far back a sequence number may lie to be a straggler, not a
	// new beginning.
	maxLate = 64
)

// receiver makes access units of the RTP packets of one session. Its take is
// called by one goroutine at a time; snapshot by any.
type receiver struct {
	codec   media.Codec
	line    *timeline
	count   *counters
	now     func() time.Time
	ntp     func(ts uint32) (time.Time, bool) // by RTCP, false if there was none
	maxSkew time.Duration
	limit   int // bytes of a picture
	again   bool
	news    chan struct{} // gets a token when pictures begin, and when Info changes

	decode depacketizer
	asm    annexb.Assembler
	out    []media.AccessUnit
	room   []byte   // for the data of out, when they are transient
	spare  *buffers // where room is from; nil for the heap

	// The sequence of packets.
	heard     bool // any packet
	sequenced bool
	seq       uint16
	late      int

	// The picture that is being received.
	open    bool
	ts      uint32
	at      time.Time
	units   [][]byte
	size    int
	packets int
	damaged bool
	partial bool // a fragmented unit is open

	// Between pictures.
	gap      bool
	begun    bool // a whole picture came
	synced   bool // a keyframe came
	lastTS   uint32
	noMarker bool // markers do not end pictures here

	mu   sync.Mutex
	seen progress
}

// progress is what a session has received.
type progress struct {
	packet    bool // any RTP packet
	info      media.Info
	pictures  uint64    // whole, whether handed on or not
	last      time.Time // of these
	delivered uint64    // handed on
	skew      time.Duration
	skewKnown bool
}

// newReceiver returns one for a session. again says that pictures were handed
// on in an earlier session.
func newReceiver(codec media.Codec, rate int, info media.Info, sets [][]byte, line *timeline, count *counters, cfg *Config, again bool) *receiver {
	line.begin(rate)
	var spare *buffers
	if cfg.Poller != nil {
		spare = &cfg.Poller.buffers
	}
	r := &receiver{
		codec: codec, line: line, count: count, now: cfg.Now, maxSkew: cfg.MaxSkew, limit: cfg.MaxAccessUnit,
		ntp:    func(uint32) (time.Time, bool) { return time.Time{}, false },
		decode: newDepacketizer(codec, spare),
		spare:  spare,
		asm:    annexb.Assembler{Codec: codec},
		again:  again,
		news:   make(chan struct{}, 1),
	}
	if cfg.Transient {
		r.asm.Room = r.transient
	}
	r.asm.Learn(sets)
	r.seen.info = info
	r.describe()
	return r
}

func (r *receiver) snapshot() progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// transient returns memory that is good until done.
func (r *receiver) transient(size int) []byte {
	if r.room == nil {
		r.room = r.spare.get()
	}
	from := len(r.room)
	if cap(r.room)-from < size {
		r.room, from = make([]byte, 0, 2*size), 0 // what was given out stays as it is
	}
	r.room = r.room[:from+size]
	return r.room[from:from:len(r.room)]
}

// done says that the data of what take returned are not needed any more, if they are transient.
func (r *receiver) done() {
	r.spare.put(r.room)
	r.room = nil
}

// take takes the next packet and returns the access units that it completes, in
// a slice that is good until the next call. An error means that our own code
// failed on this camera's bytes, and that the session must end.
func (r *receiver) take(p *rtp.Packet) (out []media.AccessUnit, err error) {
	// The library calls us on its own goroutine, where a panic would end the
	// process and with it every other camera.
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("reading %s failed: %v", r.codec, v)
		}
	}()
	r.out = r.out[:0]
	if !r.sequence(p.SequenceNumber) {
		return nil, nil
	}
	if !r.heard {
		r.heard = true
		r.note(func(s *progress) { s.packet = true })
	}
	if r.open && p.Timestamp != r.ts {
		r.finish()
	}
	if !r.open {
		r.open, r.ts, r.at = true, p.Timestamp, r.now()
		r.units, r.size, r.packets, r.damaged, r.partial = nil, 0, 0, false, false
	}
	r.packets++
	r.size += len(p.Payload)
	if !r.damaged && (r.size > r.limit || r.packets > maxPackets || len(r.units) > maxNALs) {
		r.count.decodeErrors.Add(1)
		r.spoil()
	}
	if !r.damaged {
		r.unpack(p)
	}
	if p.Marker && !r.noMarker {
		r.finish()
	}
	return r.out, nil
}

// sequence follows the sequence numbers (RFC 3550 appendix A.1). It returns
// false for duplicates and stragglers.
func (r *receiver) sequence(seq uint16) bool {
	ahead := seq - r.seq - 1
	if !r.sequenced || ahead == 0 {
		r.sequenced, r.seq, r.late = true, seq, 0
		return true
	}
	if back := -int(int16(ahead)); back > 0 && back <= maxLate && r.late < maxLate {
		r.late++
		return false
	}
	if ahead < 0x8000 {
		r.count.packetsLost.Add(uint64(ahead))
	}
	r.seq, r.late, r.gap = seq, 0, true
	if r.open {
		r.spoil()
	}
	r.decode = newDepacketizer(r.codec, r.spare)
	return true
}

// spoil gives up the open picture, but not the parameter sets in it.
func (r *receiver) spoil() {
	if r.codec != media.MJPEG {
		r.asm.Learn(r.units)
	}
	r.units, r.damaged = nil, true
	r.decode = newDepacketizer(r.codec, r.spare)
}

func (r *receiver) unpack(p *rtp.Packet) {
	if len(p.Payload) == 0 {
		return // padding, to keep a way through a firewall open
	}
	if r.partial && !continuesFragment(r.codec, p.Payload) {
		r.spoil() // the unit before never ended
		return
	}
	units, err := r.decode.decode(p)
	switch {
	case err == nil:
		r.units = append(r.units, units...)
		r.partial = false
		if r.codec == media.MJPEG {
			r.resize(int(p.Payload[6])*8, int(p.Payload[7])*8) // RFC 2435 3.1.5, 3.1.6
		}
	case errors.Is(err, errMore):
		r.partial = true
	case errors.Is(err, errStray):
		r.spoil()
	default:
		r.count.decodeErrors.Add(1)
		r.spoil()
	}
}

// continuesFragment says whether an RTP payload is a fragment of a unit, but not
// its first (RFC 6184 5.8, RFC 7798 4.4.3, RFC 2435 3.1.2).
func continuesFragment(codec media.Codec, payload []byte) bool {
	switch codec {
	case media.H264:
		return len(payload) > 1 && payload[0]&0x1f == 28 && payload[1]&0x80 == 0
	case media.H265:
		return len(payload) > 2 && payload[0]>>1&0x3f == 49 && payload[2]&0x80 == 0
	default:
		return len(payload) > 3 && payload[1]|payload[2]|payload[3] != 0
	}
}

// finish closes the open picture and queues it, if it is whole.
func (r *receiver) finish() {
	r.open = false
	defer func() { r.decode.end() }()
	units := r.units
	r.units = nil
	if !r.damaged && r.partial {
		r.damaged = true
		r.decode = newDepacketizer(r.codec, r.spare)
	}
	if r.damaged {
		r.drop()
		return
	}
	if len(units) == 0 {
		return
	}
	data, key := units[0], true
	if r.codec != media.MJPEG {
		var v annexb.Verdict
		data, key, v = r.asm.Add(units)
		switch v {
		case annexb.Held:
			return
		case annexb.Headless:
			// The same timestamp, going on after a marker: this camera sets it on
			// every slice. From now on a picture ends where the timestamp changes.
			if r.begun && r.ts == r.lastTS {
				r.noMarker = true
			}
			r.drop()
			return
		}
		r.describe()
	}
	r.begun, r.lastTS = true, r.ts
	pts, jump := r.line.at(r.ts, r.at, key)
	wall := r.wall()
	r.gap = r.gap || jump
	r.note(func(s *progress) { s.pictures++; s.last = time.Now() })
	if !r.synced && !key {
		r.count.undecodable.Add(1)
		return
	}
	if !r.synced {
		r.synced, r.gap = true, r.again
	}
	r.out = append(r.out, media.AccessUnit{Codec: r.codec, PTS: pts, Wall: wall, Keyframe: key, Gap: r.gap, Data: data})
	r.gap = false
	r.note(func(s *progress) { s.delivered++ })
}

// drop counts a picture that is lost. What is left of the picture that was
// going on when the session began is none.
func (r *receiver) drop() {
	if r.begun {
		r.count.damaged.Add(1)
		r.gap = true
	}
}

// wall returns the time of the picture by the camera's clock if that agrees
// with ours, otherwise its time of arrival.
func (r *receiver) wall() time.Time {
	t, ok := r.ntp(r.ts)
	if !ok {
		return r.at
	}
	skew := t.Sub(r.at)
	r.note(func(s *progress) { s.skew, s.skewKnown = skew, true })
	if skew.Abs() > r.maxSkew {
		return r.at
	}
	return t
}

// note changes what others see, and tells them if it matters.
func (r *receiver) note(f func(*progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.seen
	f(&r.seen)
	if r.seen.info != before.info || (before.delivered == 0 && r.seen.delivered > 0) {
		select {
		case r.news <- struct{}{}:
		default:
		}
	}
}

func (r *receiver) describe() {
	if s := r.asm.Sequence(); s.Width > 0 {
		r.note(func(p *progress) { p.info.Width, p.info.Height, p.info.FPS = s.Width, s.Height, s.FPS })
	}
}

func (r *receiver) resize(width, height int) {
	r.note(func(p *progress) { p.info.Width, p.info.Height = width, height })
}
