package sip

import (
	"time"

	"github.com/emiago/sipgo/sip"
)

// sent is a request of ours that awaits its final response (RFC 3261 section 17.1).
type sent struct {
	request *sip.Request
	to      peer
	next    time.Time
	wait    time.Duration
	until   time.Time
	heard   bool // a provisional response has come
	given   bool // an INVITE that is given up
	// done is called once, with nil if none came.
	done func(*sip.Response)
	// rings is called for provisional responses; may be nil.
	rings func(*sip.Response)
}

// ask sends a request.
func (c *conversation) ask(r *sip.Request, to peer, now time.Time, done func(*sip.Response)) *sent {
	s := &sent{request: r, to: to, wait: timer1, next: now.Add(timer1), until: now.Add(giveUp), done: done}
	c.sent[branch(r)+" "+string(r.Method)] = s
	c.d.send(to, r)
	return s
}

// repeat sends again what has no response, and gives up what has none for too long.
func (c *conversation) repeat(now time.Time) {
	for key, s := range c.sent {
		invite := s.request.IsInvite()
		switch {
		case now.After(s.until):
			delete(c.sent, key)
			s.done(nil)
		case now.Before(s.next) || s.to.conn != nil || invite && s.heard:
		default:
			c.d.send(s.to, s.request)
			s.wait *= 2
			if !invite {
				s.wait = min(s.wait, timer2)
			}
			s.next = now.Add(s.wait)
		}
	}
}

// responded takes a response of a side.
func (c *conversation) responded(m *sip.Response, now time.Time) {
	key := branch(m) + " " + string(m.CSeq().MethodName)
	s := c.sent[key]
	if s == nil {
		c.repeated(m, key, now)
		return
	}
	if m.IsProvisional() {
		s.heard = true
		if s.request.IsInvite() && !s.given {
			s.until = now.Add(10 * time.Minute) // the ringing has its own limit
		}
		if s.rings != nil {
			s.rings(m)
		}
		return
	}
	delete(c.sent, key)
	if s.request.IsInvite() {
		c.acks[key] = &acked{s: s, until: now.Add(giveUp)}
		if !m.IsSuccess() {
			c.d.send(s.to, refusal(s.request, m))
		}
	}
	s.done(m)
}

// acked is an INVITE with its final response, of which repeats may come.
type acked struct {
	s     *sent
	ack   *sip.Request // of a success
	until time.Time
}

// repeated takes a response that came before, and acknowledges it again.
func (c *conversation) repeated(m *sip.Response, key string, now time.Time) {
	a := c.acks[key]
	if a == nil || m.IsProvisional() {
		return
	}
	switch {
	case now.After(a.until):
		delete(c.acks, key)
	case !m.IsSuccess():
		c.d.send(a.s.to, refusal(a.s.request, m))
	case a.ack != nil:
		c.d.send(a.s.to, a.ack)
	}
}

// refusal is the ACK of a response that is no success (RFC 3261 section 17.1.1.3).
func refusal(invite *sip.Request, res *sip.Response) *sip.Request {
	r := sip.NewRequest(sip.ACK, *invite.Recipient.Clone())
	r.AppendHeader(invite.Via().Clone())
	sip.CopyHeaders("Route", invite, r)
	hops := sip.MaxForwardsHeader(70)
	r.AppendHeader(&hops)
	r.AppendHeader(sip.HeaderClone(invite.From()))
	r.AppendHeader(sip.HeaderClone(res.To()))
	r.AppendHeader(sip.HeaderClone(invite.CallID()))
	r.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.ACK})
	r.SetBody(nil)
	return r
}

// cancel is the CANCEL of an INVITE (RFC 3261 section 9.1).
func cancel(invite *sip.Request) *sip.Request {
	r := sip.NewRequest(sip.CANCEL, *invite.Recipient.Clone())
	r.AppendHeader(invite.Via().Clone())
	sip.CopyHeaders("Route", invite, r)
	hops := sip.MaxForwardsHeader(70)
	r.AppendHeader(&hops)
	r.AppendHeader(sip.HeaderClone(invite.From()))
	r.AppendHeader(sip.HeaderClone(invite.To()))
	r.AppendHeader(sip.HeaderClone(invite.CallID()))
	r.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	r.SetBody(nil)
	return r
}
