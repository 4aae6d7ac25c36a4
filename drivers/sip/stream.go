package sip

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// packetsPerSecond is what a side may send: audio of 10 ms and events besides.
const packetsPerSecond, packetBurst = 150, 300

// listenAudio opens an even port of the range.
func listenAudio(ip netip.Addr, ports [2]int) (*net.UDPConn, error) {
	first := ports[0] + ports[0]%2
	count := (ports[1] - first + 2) / 2
	if count < 1 {
		return nil, errors.New("no port for audio")
	}
	start := rand.IntN(count) // not a secret: who may send is looked at
	var last error
	for i := range count {
		port := first + (start+i)%count*2
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port)))) // config has looked at it
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no port for audio from %d to %d: %w", ports[0], ports[1], last)
}

// stream is the audio of one side of a call, in both directions.
type stream struct {
	conn  *net.UDPConn
	heard func(digit byte) // must not wait; nil if nobody wants to know
	ear   *inband          // of the reader

	mu       sync.Mutex // guards what follows
	from     []netip.Addr
	latched  netip.AddrPort // from where it came, and from nowhere else then
	to       netip.AddrPort // not valid while it is unknown
	sends    bool           // the other side wants to hear us
	formats  []format       // that may come
	out      format
	eventIn  int
	eventOut int
	last     time.Time // when audio was last heard
	budget   bucket

	source    uint32 // SSRC of what is relayed at present; 0 for what is made here
	offset    uint32 // from its timestamps to ours
	seq       uint16
	timestamp uint32 // of the last packet out
	ssrc      uint32
	eventAt   uint32 // timestamp of the last event
	event     event
	eventSeen bool
	playing   bool
	relay     *stream
}

func newStream(conn *net.UDPConn, heard func(byte)) *stream {
	return &stream{
		conn: conn, heard: heard, eventIn: -1, eventOut: -1, last: time.Now(),
		ssrc: rand.Uint32() | 1, seq: uint16(rand.Uint32()), timestamp: rand.Uint32(), // need not be a secret
	}
}

func (s *stream) port() int {
	a, _ := s.conn.LocalAddr().(*net.UDPAddr)
	return a.Port
}

// aim says what the other side has described. from are the addresses that its audio may come from.
func (s *stream) aim(d *session, out format, from ...netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := netip.AddrPortFrom(from[0], uint16(d.port)) // parsed as one
	if len(from) > 1 {
		to = netip.AddrPortFrom(from[1], to.Port())
	}
	if s.to != to {
		s.latched = netip.AddrPort{}
	}
	s.to, s.from, s.formats, s.out, s.sends = to, from, d.codecs, out, d.receives
	s.eventIn, s.eventOut = d.event, d.event
}

// join relays between two sides, or parts them if other is nil.
func (s *stream) join(other *stream) {
	s.mu.Lock()
	s.relay = other
	s.mu.Unlock()
}

// silence is how long nothing was heard.
func (s *stream) silence() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last)
}

// read takes audio until the connection is closed.
func (s *stream) read() {
	var buffer [maxRTP + 1]byte
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buffer[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n > maxRTP {
			continue // an ICMP message, or too much
		}
		if p, ok := parseRTP(buffer[:n]); ok {
			s.take(&p, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}

// take takes a packet of the other side.
func (s *stream) take(p *packet, from netip.AddrPort) {
	s.mu.Lock()
	if !s.admit(from) {
		s.mu.Unlock()
		return
	}
	s.last = time.Now()
	relay := s.relay
	if p.payload == s.eventIn {
		e, ok := parseEvent(p.data)
		// Of a key, all packets have one timestamp (RFC 4733 section 2.5.1.2); of some telephones, all keys have.
		fresh := ok && (!s.eventSeen || s.eventAt != p.timestamp || s.event.digit != e.digit || s.event.end && p.marker)
		if ok {
			s.eventSeen, s.eventAt, s.event = true, p.timestamp, e
		}
		s.mu.Unlock()
		if fresh && s.heard != nil {
			s.heard(e.digit)
		}
		if ok && relay != nil {
			relay.forward(p, -1)
		}
		return
	}
	c, known := s.codecOf(p.payload)
	events := s.eventIn >= 0
	s.mu.Unlock()
	if known && !events && s.heard != nil && len(p.data) <= 4*interval {
		if s.ear == nil {
			s.ear = newInband()
		}
		s.ear.hear(c, p.data, s.heard)
	}
	if known && relay != nil && len(p.data) <= 4*interval {
		relay.forward(p, c)
	}
}

// admit says whether a packet may come from there. s.mu is held.
func (s *stream) admit(from netip.AddrPort) bool {
	switch {
	case s.latched.IsValid():
		if from != s.latched {
			return false
		}
	default:
		allowed := false
		for _, a := range s.from {
			allowed = allowed || a == from.Addr()
		}
		if !allowed {
			return false
		}
		s.latched, s.to = from, from // behind a NAT it is not where it was said to be
	}
	return s.budget.take(time.Now(), packetsPerSecond, packetBurst, 1)
}

func (s *stream) codecOf(payload int) (codec, bool) {
	for _, f := range s.formats {
		if f.payload == payload {
			return f.codec, true
		}
	}
	return 0, false
}

// forward sends what another side has said; -1 is an event.
func (s *stream) forward(p *packet, c codec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := packet{marker: p.marker, data: p.data}
	switch {
	case s.playing:
		return
	case c < 0 && s.eventOut < 0:
		return
	case c < 0:
		out.payload = s.eventOut
	default:
		out.payload = s.out.payload
		if c != s.out.codec {
			out.data = make([]byte, len(p.data))
			for i, b := range p.data {
				out.data[i] = s.out.codec.encode(c.decode(b))
			}
		}
	}
	if s.source != p.ssrc || s.source == 0 {
		s.source, s.offset = p.ssrc, s.timestamp+interval-p.timestamp
		out.marker = true
	}
	out.timestamp = p.timestamp + s.offset
	s.write(&out)
}

// write sends a packet. s.mu is held.
func (s *stream) write(p *packet) {
	if !s.to.IsValid() || !s.sends {
		return
	}
	s.seq++
	p.seq, p.ssrc, s.timestamp = s.seq, s.ssrc, p.timestamp
	var buffer [maxRTP]byte
	_, _ = s.conn.WriteToUDPAddrPort(p.append(buffer[:0]), s.to) // what is lost is lost
}

// note is a piece of a tone: a frequency in Hz, 0 for silence, and how long it lasts.
type note struct {
	hertz float64
	last  time.Duration
}

// ringing is the ringing tone as in China (GB/T 3380), and noted says that the call has been noted.
func ringing() []note { return []note{{450, time.Second}, {0, 4 * time.Second}} }

func noted() []note {
	var n []note
	for range 3 {
		n = append(n, note{880, 200 * time.Millisecond}, note{0, 100 * time.Millisecond})
	}
	return append(n, note{0, 3 * time.Second})
}

// play plays notes over and over until ctx ends. Nothing is relayed to this side meanwhile.
func (s *stream) play(ctx context.Context, notes []note) {
	s.mu.Lock()
	s.playing, s.source = true, 0
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.playing = false
		s.mu.Unlock()
	}()
	tick := time.NewTicker(interval * time.Second / rate)
	defer tick.Stop()
	var data [interval]byte
	for at := 0; ; at += interval {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for i := range data {
			data[i] = s.out.codec.encode(sample(notes, at+i))
		}
		s.write(&packet{payload: s.out.payload, marker: at == 0, timestamp: s.timestamp + interval, data: data[:]})
		s.mu.Unlock()
	}
}

// sample is that of notes, played over and over, at a sample's time.
func sample(notes []note, at int) int16 {
	whole := 0
	for _, n := range notes {
		whole += int(n.last * rate / time.Second)
	}
	at %= whole
	for _, n := range notes {
		length := int(n.last * rate / time.Second)
		if at < length {
			// Ramps of 5 ms, so that it does not click.
			level := min(1, float64(at)/40, float64(length-at)/40)
			return int16(8000 * level * math.Sin(2*math.Pi*n.hertz*float64(at)/rate))
		}
		at -= length
	}
	return 0
}
