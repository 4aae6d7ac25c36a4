package homebrew

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/dmr"
	"sentrybox/drivers/driver"
)

const (
	maxRepeaters = 64
	saltLife     = 20 * time.Second
	// frameRate and frameBurst are what a session may send: two slots make 34 a second.
	frameRate, frameBurst = 100, 200
	// strangerRate and strangerBurst are the answers that all strangers get together.
	strangerRate, strangerBurst = 50, 100
	// warnRate and warnBurst are the lines that wrong passwords get in the log.
	warnRate, warnBurst = 0.1, 20
)

// master is a Source while it runs. It has one goroutine.
type master struct {
	*Source
	conn     *net.UDPConn
	emit     func(call.Event)
	sessions map[uint32]*session
	answers  bucket
	warnings bucket
	wrong    failures
	begun    time.Time
}

// session is a repeater that knew the password.
type session struct {
	id     uint32
	addr   netip.AddrPort
	ready  bool // it has said what it is
	heard  time.Time
	frames bucket
	slots  [2]dmr.Receiver
	last   [2]mark
}

// mark is the last frame of a slot.
type mark struct {
	stream uint32
	seq    byte
	any    bool
}

func newMaster(s *Source, conn *net.UDPConn, emit func(call.Event), now time.Time) *master {
	return &master{
		Source: s, conn: conn, emit: emit, sessions: map[uint32]*session{}, begun: now,
		answers:  bucket{rate: strangerRate, burst: strangerBurst},
		warnings: bucket{rate: warnRate, burst: warnBurst}, wrong: failures{},
	}
}

func (m *master) reject() { m.Count(func(c *driver.Counts) { c.Rejected++ }) }

// take takes a packet.
func (m *master) take(p []byte, from netip.AddrPort, now time.Time) {
	word, id, err := request(p)
	if err != nil {
		m.Count(func(c *driver.Counts) { c.Noise += uint64(len(p)) })
		return
	}
	switch word {
	case "RPTL":
		m.login(id, from, now)
		return
	case "RPTK":
		m.password(p, id, from, now)
		return
	case "DMRA", "DMRG": // what is in them is embedded in the speech as well
		return
	}
	s := m.sessions[id]
	if s == nil || s.addr != from {
		m.reject()
		if word == "RPTPING" || word == "DMRD" { // so that it logs in again, the sooner if somebody calls
			m.refuse(id, from, now)
		}
		return
	}
	s.heard = now
	switch word {
	case "RPTPING":
		m.send("MSTPONG", id, from)
	case "RPTO":
		m.send("RPTACK", id, from)
	case "RPTC":
		m.describe(p, s)
	case "RPTCL":
		m.drop(s, "it has logged out")
	case "DMRD":
		m.frame(p, s, now)
	}
}

func (m *master) send(word string, id uint32, to netip.AddrPort) {
	_, _ = m.conn.WriteToUDPAddrPort(binary.BigEndian.AppendUint32([]byte(word), id), to) // it may get lost on the way, too
}

// refuse tells a stranger no, unless strangers have heard enough.
func (m *master) refuse(id uint32, to netip.AddrPort, now time.Time) {
	if m.answers.take(now) {
		m.send("MSTNAK", id, to)
	}
}

// salt is that of a sender at a time.
func (m *master) salt(id uint32, from netip.AddrPort, at time.Time) []byte {
	h := hmac.New(sha256.New, m.secret[:])
	b, _ := from.MarshalBinary() // never fails
	b = binary.BigEndian.AppendUint32(b, id)
	h.Write(binary.BigEndian.AppendUint64(b, uint64(at.UnixNano())/uint64(saltLife))) // after 1970
	return h.Sum(nil)[:4]
}

func (m *master) login(id uint32, from netip.AddrPort, now time.Time) {
	switch {
	case m.wrong.blocked(sender{from.Addr(), id}, now):
		m.reject()
	case m.cfg.Repeaters[id] == "":
		m.reject()
		m.refuse(id, from, now)
	case m.answers.take(now) || m.known(id, from):
		b := append([]byte("RPTACK"), m.salt(id, from, now)...)
		_, _ = m.conn.WriteToUDPAddrPort(b, from)
	default:
		m.reject()
	}
}

// known says whether the sender is where the repeater was last.
func (m *master) known(id uint32, from netip.AddrPort) bool {
	s := m.sessions[id]
	return s != nil && s.addr.Addr() == from.Addr()
}

func (m *master) password(p []byte, id uint32, from netip.AddrPort, now time.Time) {
	password := m.cfg.Repeaters[id]
	if password == "" || m.wrong.blocked(sender{from.Addr(), id}, now) {
		m.reject()
		return
	}
	right := false
	for _, at := range []time.Time{now, now.Add(-saltLife)} {
		want := sha256.Sum256(append(m.salt(id, from, at), password...))
		right = right || subtle.ConstantTimeCompare(want[:], p[8:40]) == 1
	}
	if !right {
		m.reject()
		m.wrong.add(sender{from.Addr(), id}, now)
		if m.warnings.take(now) { // addresses can be made up
			m.cfg.Log.Warn("a repeater is refused: wrong password", "repeater", id, "address", from.Addr())
		}
		if m.sessions[id] == nil {
			m.Device(name(id), driver.Refused, "wrong password")
		}
		m.refuse(id, from, now)
		return
	}
	m.wrong.clear(sender{from.Addr(), id})
	if old := m.sessions[id]; old != nil {
		old.close(m.emit)
	}
	s := &session{id: id, addr: from, heard: now, frames: bucket{rate: frameRate, burst: frameBurst}}
	for i := range s.slots {
		s.slots[i] = dmr.Receiver{Station: name(id), Channel: fmt.Sprint(i + 1), Name: m.nameCall}
	}
	m.sessions[id] = s
	m.send("RPTACK", id, from)
}

// nameCall names a call as no other of the Source.
func (m *master) nameCall() string {
	m.calls++
	return fmt.Sprint(m.calls)
}

func (m *master) describe(p []byte, s *session) {
	info, err := parseInfo(p)
	if err != nil {
		m.reject()
		return
	}
	m.send("RPTACK", s.id, s.addr)
	if s.ready {
		return
	}
	s.ready = true
	m.Device(name(s.id), driver.Online, "")
	m.Enter(driver.Online, "")
	m.cfg.Log.Info("a repeater has logged in", "repeater", s.id, "address", s.addr, "callsign", info.Callsign, "location", info.Location,
		"software", info.Software, "rx", info.RX, "tx", info.TX, "color", info.Color)
}

// frame takes what a repeater has heard.
func (m *master) frame(p []byte, s *session, now time.Time) {
	f, err := ParseFrame(p)
	if err != nil || !s.ready {
		m.reject()
		return
	}
	if !s.frames.take(now) {
		m.Count(func(c *driver.Counts) { c.Discarded++ })
		return
	}
	this := mark{f.Stream, f.Seq, true}
	if s.last[f.Slot-1] == this {
		return // the network has doubled it
	}
	s.last[f.Slot-1] = this
	var rssi *float64
	if f.RSSI != 0 {
		v := float64(f.RSSI)
		rssi = &v
	}
	if s.slots[f.Slot-1].Take(&f.Burst, f.Stream, now, rssi, m.emit) {
		m.Heard(name(s.id))
	} else {
		m.reject()
	}
}

// tick looks at what time has brought.
func (m *master) tick(now time.Time) {
	for _, s := range m.sessions {
		if now.Sub(s.heard) >= m.cfg.Timeout {
			m.drop(s, "nothing was heard of it for "+m.cfg.Timeout.String())
			continue
		}
		for i := range s.slots {
			s.slots[i].Expire(now, m.emit)
		}
	}
	m.wrong.sweep(now)
	if len(m.sessions) == 0 && now.Sub(m.begun) >= m.cfg.Timeout {
		m.alone()
	}
}

// alone says that nobody is logged in.
func (m *master) alone() { m.Enter(driver.Unplugged, "no repeater is logged in") }

// drop ends a session.
func (m *master) drop(s *session, why string) {
	s.close(m.emit)
	delete(m.sessions, s.id)
	m.Device(name(s.id), driver.Unplugged, why)
	m.cfg.Log.Warn("a repeater is gone", "repeater", s.id, "reason", why)
	if len(m.sessions) == 0 {
		m.alone()
	}
}

func (s *session) close(emit func(call.Event)) {
	for i := range s.slots {
		s.slots[i].Close(emit)
	}
}

// close says good-bye.
func (m *master) close() {
	for _, id := range slices.Sorted(maps.Keys(m.sessions)) {
		s := m.sessions[id]
		m.send("MSTCL", id, s.addr)
		s.close(m.emit)
		m.Device(name(id), driver.Unplugged, "the master has stopped")
	}
}
