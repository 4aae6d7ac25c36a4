package sip

import (
	"bytes"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/call"
	"sentrybox/drivers/digest"
	"sentrybox/drivers/driver"
)

const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, REGISTER, UPDATE"

// take takes what came in. It says whether the connection, if it is one, may go on.
func (d *Driver) take(b []byte, from peer) bool {
	now := time.Now()
	known := d.known(from.addr.Addr())
	if !d.limits.admit(from.addr.Addr(), known, now) {
		d.discarded()
		return from.conn == nil
	}
	if len(bytes.Trim(b, "\r\n\x00")) == 0 {
		return true
	}
	m, err := parse(d.parser, b)
	if err != nil {
		d.rejected()
		return from.conn == nil
	}
	switch m := m.(type) {
	case *sip.Response:
		if c := d.conversation(m.CallID().Value(), from); c != nil {
			c.deliver(m, from)
		} else {
			d.discarded()
		}
	case *sip.Request:
		d.request(m, from, known, now)
	}
	return true
}

// conversation returns the call that a message belongs to.
func (d *Driver) conversation(id string, from peer) *conversation {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.calls[id]
	if c == nil || c.parties[id] != from.addr.Addr() {
		return nil
	}
	return c
}

// request takes a request.
func (d *Driver) request(r *sip.Request, from peer, known bool, now time.Time) {
	if c := d.conversation(r.CallID().Value(), from); c != nil {
		c.deliver(r, from)
		return
	}
	if r.IsAck() {
		return
	}
	if res := d.again(r, from); res != nil {
		d.answer(r, from, res)
		return
	}
	switch {
	case tag(r.To().Params) != "" || r.IsCancel():
		if known {
			d.answer(r, from, d.reply(r, from, 481, "Call/Transaction Does Not Exist"))
		}
	case r.Method == sip.OPTIONS:
		if known {
			d.answer(r, from, d.reply(r, from, 200, "OK"))
		}
	case r.Method == sip.REGISTER || r.IsInvite() || r.Method == sip.MESSAGE || r.Method == sip.INFO:
		if who, ok := d.authenticate(r, from, known, now); ok {
			d.befriend(from.addr.Addr(), now)
			d.serve(r, from, who, now)
		}
	case known:
		d.answer(r, from, d.reply(r, from, 405, "Method Not Allowed"))
	default:
		d.discarded()
	}
}

// serve carries out a request of somebody known, outside of any call.
func (d *Driver) serve(r *sip.Request, from peer, who party, now time.Time) {
	var res *sip.Response
	switch {
	case r.Method == sip.REGISTER:
		res = d.register(r, from, who, now)
	case who.station == nil:
		res = d.reply(r, from, 403, "Forbidden") // phones are called
	case r.IsInvite():
		d.alive(who.id())
		d.invited(r, from, who.station)
		return
	case r.Method == sip.MESSAGE:
		res = d.message(r, from, who.station, number(r))
	default:
		d.alive(who.id())
		res = d.reply(r, from, 200, "OK")
		if digit := parseInfo(contentType(r), r.Body()); digit != "" {
			d.tell(call.Event{Kind: call.Digits, From: who.user(), To: number(r), Station: who.id(), Digits: digit})
		}
	}
	d.keep(r, from, res)
	d.answer(r, from, res)
}

// message takes a text.
func (d *Driver) message(r *sip.Request, from peer, s *Station, to string) *sip.Response {
	if kind := contentType(r); kind != "text/plain" && kind != "" {
		res := d.reply(r, from, 415, "Unsupported Media Type")
		res.AppendHeader(sip.NewHeader("Accept", "text/plain"))
		return res
	}
	d.alive(s.ID)
	if text := clean(string(r.Body()), call.MaxText); text != "" {
		d.tell(call.Event{Kind: call.Text, From: s.User, To: to, Station: s.ID, Text: text})
	}
	return d.reply(r, from, 200, "OK")
}

// reply makes a response outside of a call.
func (d *Driver) reply(r *sip.Request, from peer, status int, reason string) *sip.Response {
	res := respond(r, from.addr, status, reason, sip.GenerateTagN(12))
	if status == 200 && r.Method == sip.OPTIONS || status == 405 {
		res.AppendHeader(sip.NewHeader("Allow", allow))
		res.AppendHeader(sip.NewHeader("Accept", "application/sdp, text/plain"))
	}
	return res
}

// authenticate says who sends a request. If it does not know, it has answered what is to be answered.
func (d *Driver) authenticate(r *sip.Request, from peer, known bool, now time.Time) (party, bool) {
	ip := from.addr.Addr()
	c, there := d.credentials(r)
	if !there {
		if s := d.byAddress(r.From().Address.User, ip); s != nil {
			return party{station: s}, true
		}
		d.challenge(r, from, false, now)
		return party{}, false
	}
	if !d.limits.mayTry(ip, known, now) {
		d.discarded() // it has guessed enough
		return party{}, false
	}
	if !d.nonces.fresh(c.Nonce, ip, now) {
		// Of before a restart, perhaps. Many take a challenge that does not say stale for a wrong password, and
		// give the call up.
		d.challenge(r, from, true, now)
		return party{}, false
	}
	who, exists := d.users[c.User]
	right := exists && strings.TrimSuffix(c.Algorithm, "-SESS") == who.algorithm() && c.Right(string(r.Method), who.password())
	if right && who.station != nil && who.station.Address.IsValid() && !who.station.Address.Contains(ip) {
		d.cfg.Log.Warn("an intercom signs in from an address that is not its own", "station", who.id(), "address", ip)
		right = false
	}
	if !right {
		d.limits.wrong(ip, known, now)
		d.rejected()
		d.suspect(who, exists, ip)
		d.answer(r, from, d.reply(r, from, 403, "Forbidden"))
		return party{}, false
	}
	if !d.nonces.spend(&c, now) {
		d.challenge(r, from, true, now)
		return party{}, false
	}
	return who, true
}

// suspect tells technicians of a wrong password of a party that is not there otherwise.
func (d *Driver) suspect(who party, exists bool, ip netip.Addr) {
	if !exists {
		return
	}
	if s := d.State().Devices[who.id()]; s.Phase != driver.Online {
		d.Device(who.id(), driver.Refused, "wrong password or address, from "+ip.String())
	}
}

// credentials returns those for our realm.
func (d *Driver) credentials(r *sip.Request) (digest.Credentials, bool) {
	for i, h := range r.GetHeaders("Authorization") {
		if i == 4 {
			break
		}
		if c, ok := digest.ParseCredentials(h.Value()); ok && c.Realm == d.cfg.Realm {
			return c, true
		}
	}
	return digest.Credentials{}, false
}

// byAddress returns the station without a password that is at the address: that of the user, or the only one.
func (d *Driver) byAddress(user string, ip netip.Addr) *Station {
	var there []*Station
	for i := range d.cfg.Stations {
		s := &d.cfg.Stations[i]
		if s.Password != "" || !s.Address.Contains(ip) {
			continue
		}
		if s.User == user {
			return s
		}
		there = append(there, s)
	}
	if len(there) == 1 {
		return there[0]
	}
	return nil
}

func (d *Driver) challenge(r *sip.Request, from peer, stale bool, now time.Time) {
	res := d.reply(r, from, 401, "Unauthorized")
	algorithm := d.users[r.From().Address.User].algorithm() // of nobody, the usual one
	res.AppendHeader(sip.NewHeader("WWW-Authenticate", d.nonces.challenge(d.cfg.Realm, from.addr.Addr(), algorithm, stale, now)))
	d.answer(r, from, res)
}

// number is what a request calls.
func number(r *sip.Request) string { return clean(r.Recipient.User, call.MaxIdentity) }

// clean makes a text of outside one that may be shown.
func clean(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
	return call.Clip(strings.TrimSpace(s), most)
}
