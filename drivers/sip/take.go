package sip

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// take takes a message of the call.
func (c *conversation) take(in incoming, now time.Time) {
	switch m := in.m.(type) {
	case *sip.Response:
		c.responded(m, now)
	case *sip.Request:
		g, other := c.a, c.b
		if m.CallID().Value() != c.a.id {
			if c.b == nil || m.CallID().Value() != c.b.id {
				if !m.IsAck() {
					c.d.answer(m, in.from, respond(m, in.from.addr, 481, "Call/Transaction Does Not Exist", sip.GenerateTagN(12)))
				}
				return
			}
			g, other = c.b, c.a
		}
		c.request(g, other, m, in.from, now)
	}
}

// request takes a request of a side. other is the other side; nil if there is none.
func (c *conversation) request(g, other *leg, r *sip.Request, from peer, now time.Time) {
	if res := g.known[transaction(r)]; res != nil {
		c.d.answer(r, from, res)
		return
	}
	switch {
	case r.IsAck():
		c.acknowledged(g, r, now)
		return
	case r.IsCancel():
		c.cancelled(g, r, from, now)
		return
	case g.invite != nil && r.IsInvite() && branch(r) == branch(g.invite):
		if g.last != nil { // it has not heard us
			c.d.answer(r, from, g.last)
		}
		return
	case g == c.a && r.IsInvite() && tag(r.To().Params) == "" && !c.ended.IsZero():
		c.anew(r, from, now)
		return
	case tag(r.To().Params) != tag(g.local.Params) || tag(r.From().Params) != tag(g.remote.Params):
		g.answer(c.d, r, from, g.reply(r, 481, "Call/Transaction Does Not Exist"))
		return
	case r.CSeq().SeqNo <= g.remoteSeq:
		g.answer(c.d, r, from, g.reply(r, 500, "Out of Order"))
		return
	}
	g.remoteSeq = r.CSeq().SeqNo
	g.peer.conn = from.conn // a connection may have been opened anew
	if g.peer.conn == nil {
		g.peer.addr = from.addr
	}
	switch r.Method {
	case sip.BYE:
		g.answer(c.d, r, from, g.reply(r, 200, "OK"))
		c.hungUp(g, now)
	case sip.INVITE, sip.UPDATE:
		c.renew(g, r, from, now)
	case sip.INFO:
		g.answer(c.d, r, from, g.reply(r, 200, "OK"))
		c.info(g, other, r, now)
	case sip.MESSAGE:
		if g != c.a {
			g.answer(c.d, r, from, g.reply(r, 405, "Method Not Allowed"))
			return
		}
		g.answer(c.d, r, from, c.d.message(r, from, c.station, c.number))
	case sip.OPTIONS:
		g.answer(c.d, r, from, g.reply(r, 200, "OK"))
	default:
		res := g.reply(r, 405, "Method Not Allowed")
		res.AppendHeader(sip.NewHeader("Allow", allow))
		g.answer(c.d, r, from, res)
	}
}

// anew has a caller call again by the same Call-ID, as one does who was refused and asks for less (RFC 3261 section
// 8.1.3.5): it is a call of its own.
func (c *conversation) anew(r *sip.Request, from peer, now time.Time) {
	c.a.final = nil // it has heard
	c.d.mu.Lock()
	delete(c.d.calls, c.a.id)
	delete(c.parties, c.a.id)
	c.d.mu.Unlock()
	c.d.request(r, from, c.d.known(from.addr.Addr()), now)
}

// acknowledged takes an ACK. With it comes what the side wants, if we have made the offer.
func (c *conversation) acknowledged(g *leg, r *sip.Request, now time.Time) {
	if !g.acknowledged(r) || g.far != nil {
		return
	}
	far, err := parseSDP(r.Body())
	if err != nil {
		c.end(err.Error(), false, now)
		return
	}
	g.direct(far, g == c.b)
	if g == c.a && c.ended.IsZero() {
		switch {
		case c.ringing != nil || c.locating:
			c.play(ringing())
		case !c.hangUp.IsZero():
			c.play(noted())
		}
	}
}

// cancelled takes a CANCEL of the INVITE that is under way.
func (c *conversation) cancelled(g *leg, r *sip.Request, from peer, now time.Time) {
	if g.invite == nil || branch(r) != branch(g.invite) {
		g.answer(c.d, r, from, g.reply(r, 481, "Call/Transaction Does Not Exist"))
		return
	}
	g.answer(c.d, r, from, g.reply(r, 200, "OK"))
	if g.last != nil && !g.last.IsProvisional() {
		return // too late
	}
	g.conclude(c.d, g.reply(g.invite, 487, "Request Terminated"), now)
	c.finish("the caller has cancelled", false, now)
}

// hungUp ends the call since a side has.
func (c *conversation) hungUp(g *leg, now time.Time) {
	g.confirmed, g.final = false, nil
	if !c.ended.IsZero() {
		return
	}
	if g == c.a {
		c.finish("the caller hangs up", false, now)
		return
	}
	c.drop(g)
	c.end("the phone hangs up", false, now)
}

// renew answers an INVITE or an UPDATE within the dialog: what the side wants of its media from now on.
func (c *conversation) renew(g *leg, r *sip.Request, from peer, now time.Time) {
	if r.IsInvite() && g.final != nil {
		g.answer(c.d, r, from, g.reply(r, 491, "Request Pending"))
		return
	}
	res := g.reply(r, 200, "OK")
	switch {
	case len(r.Body()) > 0:
		far, err := parseSDP(r.Body())
		if err != nil {
			g.answer(c.d, r, from, g.reply(r, 488, "Not Acceptable Here"))
			return
		}
		g.direct(far, g == c.b)
		withBody(res, "application/sdp", g.describe(far, pcma))
	case r.IsInvite():
		withBody(res, "application/sdp", g.describe(nil, g.choice().codec))
		g.far = nil // comes with the ACK
	}
	if contact := r.Contact(); contact != nil {
		g.target = *contact.Address.Clone()
	}
	if !r.IsInvite() {
		g.answer(c.d, r, from, res)
		return
	}
	g.invite = r
	g.conclude(c.d, res, now)
}

// info takes an INFO: a key of the caller is told, and a key is handed on to the other side.
func (c *conversation) info(g, other *leg, r *sip.Request, now time.Time) {
	kind := contentType(r)
	key := parseInfo(kind, r.Body())
	if key == "" || !c.ended.IsZero() {
		return
	}
	if g == c.a {
		c.key(key)
	}
	if other != nil && other.confirmed {
		out := other.request(sip.INFO)
		withBody(out, "application/dtmf-relay", []byte("Signal="+key+"\r\nDuration=160\r\n"))
		c.ask(out, other.peer, now, func(*sip.Response) {})
	}
}
