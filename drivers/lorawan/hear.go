package lorawan

import (
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"sentrybox/drivers/driver"
)

func (d *Driver) reject() { d.Count(func(c *driver.Counts) { c.Rejected++ }) }

// datagram takes one datagram.
func (d *Driver) datagram(b []byte, from netip.AddrPort) {
	dg, err := parseDatagram(b)
	if err != nil {
		d.reject()
		return
	}
	if d.allowed != nil && !d.allowed[dg.eui] {
		d.Count(func(c *driver.Counts) { c.Discarded++ })
		return
	}
	if dg.kind == txAck {
		if reason := txError(dg.body); reason != "" {
			d.cfg.Log.Warn("a gateway did not send an answer", "gateway", dg.eui.String(), "reason", reason)
		}
		return
	}
	// Confirmed whatever is in it: the same again would be no better.
	_ = d.send(dg.confirm(), from)
	if !d.called(&dg, from) || dg.kind != pushData {
		return
	}
	var p push
	if err := json.Unmarshal(dg.body, &p); err != nil {
		d.reject()
		return
	}
	if p.Stat != nil {
		d.mu.Lock()
		d.gateways[dg.eui].Status = *p.Stat
		d.mu.Unlock()
	}
	for _, raw := range p.RXPK {
		var rx rxpk
		if json.Unmarshal(raw, &rx) != nil {
			d.reject()
			continue
		}
		d.heard(dg.eui, &rx)
	}
}

// called notes that a gateway is there. It returns false if there are too many.
func (d *Driver) called(dg *datagram, from netip.AddrPort) bool {
	d.mu.Lock()
	g := d.gateways[dg.eui]
	if g == nil {
		if len(d.gateways) >= maxGateways {
			d.mu.Unlock()
			return false
		}
		g = &Gateway{EUI: dg.eui}
		d.gateways[dg.eui] = g
		d.cfg.Log.Info("a packet forwarder calls", "gateway", dg.eui.String(), "from", from.String())
	}
	g.Called = time.Now()
	if dg.kind == pullData {
		g.Pull = from
	}
	d.mu.Unlock()
	if d.calling.Swap(present) != present {
		d.Enter(driver.Silent, "a packet forwarder calls, no device heard yet")
	}
	return true
}

// heard takes one packet.
func (d *Driver) heard(eui EUI, rx *rxpk) {
	if rx.Stat != 1 { // devices send with a CRC
		d.reject()
		return
	}
	packet, err := rx.packet()
	if err != nil {
		d.reject()
		return
	}
	u, err := parseUplink(packet)
	if err != nil {
		if errors.Is(err, errOther) {
			d.Count(func(c *driver.Counts) { c.Discarded++ })
		} else {
			d.reject()
		}
		return
	}
	now := time.Now()
	s, counter, err := d.sessions.take(&u, now)
	switch {
	case errors.Is(err, errDuplicate):
		d.answer(eui, rx, s, &u, now)
		return
	case errors.Is(err, errUnknown):
		counter := uint32(u.counter)
		m := driver.Message{Device: u.addr.String(), Port: max(u.port, 0), At: now, Counter: &counter, SNR: rx.LSNR} // the payload is encrypted
		if rx.RSSI != 0 {
			m.RSSI = &rx.RSSI
		}
		d.Stranger(m)
		return
	case err != nil:
		d.reject()
		if !errors.Is(err, errReplay) {
			d.cfg.Log.Error("a packet was dropped", "error", err)
		}
		return
	}
	d.answer(eui, rx, s, &u, now)
	if u.port >= 1 && u.port <= maxAppPort {
		d.emit(d.message(s, counter, &u, rx, now))
		d.Heard(s.ID)
	} else { // MAC commands, or a sign of life
		d.Device(s.ID, driver.Online, "")
	}
	if u.confirmed { // the device holds it for important
		if err := d.guard.Flush(); err != nil {
			d.cfg.Log.Error("what sensors were heard last was not kept", "error", err)
		}
	}
}

// maxAppPort is the last FPort of applications (1.0.4, 4.3.2).
const maxAppPort = 223

func (d *Driver) message(s *session, counter uint32, u *uplink, rx *rxpk, now time.Time) driver.Message {
	m := driver.Message{
		Device: s.ID, Port: u.port, Data: s.crypt(up, s.Addr, counter, u.port, u.payload), At: now, Counter: &counter, SNR: rx.LSNR,
	}
	if rx.RSSI != 0 {
		m.RSSI = &rx.RSSI
	}
	return m
}
