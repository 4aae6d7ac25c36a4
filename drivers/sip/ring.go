package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/digest"
)

// resolveWithin is how long a phone's name may take: a resolver asks again after 5 s.
const resolveWithin = 12 * time.Second

// located is where a phone was found to be; ip is not valid if it was not, for err.
type located struct {
	phone Phone
	ip    netip.Addr
	err   error
}

// ringNext rings the next phone that is there. If there is none, the caller hears that the call is
// noted, and is let go a little later.
func (c *conversation) ringNext(now time.Time) {
	for len(c.phones) > 0 {
		p := c.phones[0]
		c.phones = c.phones[1:]
		if host := p.host(); host != "" {
			if ip, err := netip.ParseAddr(host); err != nil {
				c.locate(p, host)
				return // goes on in found
			} else if c.rings(p, ip, now) {
				return
			}
		} else if c.rings(p, netip.Addr{}, now) {
			return
		}
	}
	c.pickUp(now)
	c.play(noted())
	c.hangUp = now.Add(notedFor)
}

// locate resolves a phone's name. The call goes on meanwhile.
func (c *conversation) locate(p Phone, host string) {
	c.locating = true
	c.work.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, resolveWithin)
		defer cancel()
		l := located{phone: p}
		all, err := c.d.cfg.Resolve(ctx, "ip", host)
		switch {
		case err != nil:
			l.err = fmt.Errorf("resolve %s: %w", host, err)
		case len(all) == 0:
			l.err = fmt.Errorf("resolve %s: no address", host)
		default:
			l.ip = all[0]
		}
		c.found <- l // has room: one is located at a time
	})
}

// foundAt rings a phone that was located, or the next one.
func (c *conversation) foundAt(l located, now time.Time) {
	c.locating = false
	if !c.ended.IsZero() {
		return
	}
	if l.err != nil {
		c.notRung(&l.phone, l.err)
	} else if c.rings(l.phone, l.ip, now) {
		return
	}
	c.ringNext(now)
}

// rings is ring, and tells why not.
func (c *conversation) rings(p Phone, ip netip.Addr, now time.Time) bool {
	err := c.ring(p, ip, now)
	if err != nil {
		c.notRung(&p, err)
	}
	return err == nil
}

func (c *conversation) notRung(p *Phone, err error) {
	c.d.cfg.Log.Warn("a phone is not rung", "phone", p.ID, "reason", err)
}

// ring invites a phone, at ip if it does not register here.
func (c *conversation) ring(p Phone, ip netip.Addr, now time.Time) error {
	to, target, err := c.find(&p, ip)
	if err != nil {
		return err
	}
	g := &leg{peer: to, target: target, id: sip.GenerateTagN(24), seq: 0}
	g.address(c.d, c.station.User)
	g.id += "@" + g.host().String()
	user := c.station.User
	if p.Address != "" && p.User != "" {
		user = p.User // as the exchange knows us
	}
	g.local = sip.FromHeader{
		DisplayName: c.station.shown(), Address: sip.Uri{Scheme: "sip", User: user, Host: g.host().String()},
		Params: sip.HeaderParams{{K: "tag", V: sip.GenerateTagN(16)}},
	}
	g.remote = sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: p.number(), Host: target.Host}}
	if g.audio, err = c.open(g, nil); err != nil {
		return err
	}
	c.b, c.phone, c.tried, c.rung = g, p, false, now
	c.join(g)
	first := pcma
	if c.a.far != nil {
		first = c.a.choice().codec
	}
	r := g.request(sip.INVITE)
	r.AppendHeader(sip.NewHeader("Allow", allow))
	withBody(r, "application/sdp", g.describe(nil, first))
	c.invite(g, r, now)
	c.d.cfg.Log.Info("ringing on", "station", c.station.ID, "phone", p.ID, "call", c.name)
	return nil
}

// find returns where a phone is, and by what address it is called.
func (c *conversation) find(p *Phone, ip netip.Addr) (peer, sip.Uri, error) {
	if p.Address == "" {
		b, there := c.d.binding(p.ID)
		if !there {
			return peer{}, sip.Uri{}, fmt.Errorf("phone %s is not registered", p.ID)
		}
		return b.peer, b.contact, nil
	}
	host, port := p.host(), "5060"
	if _, n, err := net.SplitHostPort(p.Address); err == nil {
		port = n
	}
	to, err := netip.ParseAddrPort(net.JoinHostPort(ip.Unmap().String(), port))
	if err != nil {
		return peer{}, sip.Uri{}, fmt.Errorf("the address of phone %s: %w", p.ID, err)
	}
	return peer{addr: to}, sip.Uri{Scheme: "sip", User: p.number(), Host: host, Port: int(to.Port())}, nil
}

// host is the name or the address of a phone that does not register here; empty for another.
func (p *Phone) host() string {
	if host, _, err := net.SplitHostPort(p.Address); err == nil {
		return host
	}
	return p.Address
}

// invite sends the INVITE to a phone.
func (c *conversation) invite(g *leg, r *sip.Request, now time.Time) {
	var s *sent
	s = c.ask(r, g.peer, now, func(res *sip.Response) { c.answered(g, s, res, time.Now()) })
	c.ringing = s
}

// answered takes a phone's answer; nil if there was none.
func (c *conversation) answered(g *leg, s *sent, res *sip.Response, now time.Time) {
	current := c.ringing == s
	switch {
	case res != nil && res.IsSuccess():
		c.accept(g, s, res, current, now)
	case !current: // given up already
	case res != nil && (res.StatusCode == 401 || res.StatusCode == 407) && c.again(g, s.request, res, now):
	default:
		why := "no answer"
		if res != nil {
			why = fmt.Sprintf("%d %s", res.StatusCode, clean(res.Reason, 40))
		}
		c.d.cfg.Log.Info("a phone does not take the call", "phone", c.phone.ID, "reason", why)
		c.drop(g)
		c.ringNext(now)
	}
}

// drop lets go of the side that was rung.
func (c *conversation) drop(g *leg) {
	c.ringing = nil
	if c.b == g {
		c.b = nil
	}
	_ = g.audio.conn.Close() // its reader ends, and the call waits for that
}

// accept takes a phone's yes.
func (c *conversation) accept(g *leg, s *sent, res *sip.Response, current bool, now time.Time) {
	g.remote.Params = res.To().Params.Clone()
	if contact := res.Contact(); contact != nil && !contact.Address.Wildcard {
		g.target = *contact.Address.Clone()
	}
	g.route = nil
	routes := res.GetHeaders("Record-Route")
	for i := len(routes) - 1; i >= 0 && len(g.route) < maxVias; i-- {
		g.route = append(g.route, routes[i].Value())
	}
	ack := g.request(sip.ACK)
	ack.CSeq().SeqNo = s.request.CSeq().SeqNo
	c.d.send(g.peer, ack)
	if a := c.acks[branch(s.request)+" "+string(sip.INVITE)]; a != nil {
		a.ack = ack
	}
	far, err := parseSDP(res.Body())
	switch {
	case !current || !c.ended.IsZero(): // it has come too late
		c.bye(g, now)
	case err != nil:
		c.d.cfg.Log.Warn("a phone answers with no audio of ours", "phone", c.phone.ID, "reason", err)
		c.bye(g, now)
		c.drop(g)
		c.ringNext(now)
	default:
		c.ringing, c.phones = nil, nil
		g.confirmed = true
		g.direct(far, c.phone.Address != "")
		c.pickUp(now)
		c.tone()
		c.tone = func() {}
		c.a.audio.join(g.audio)
		g.audio.join(c.a.audio)
		c.d.cfg.Log.Info("a phone has taken the call", "station", c.station.ID, "phone", c.phone.ID, "call", c.name)
	}
}

// again invites a phone with a password, once, if it asks for one and there is one.
func (c *conversation) again(g *leg, before *sip.Request, res *sip.Response, now time.Time) bool {
	asks, says := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		asks, says = "Proxy-Authenticate", "Proxy-Authorization"
	}
	var offers []string
	for _, h := range res.GetHeaders(asks) {
		offers = append(offers, h.Value())
	}
	challenge := digest.Best(offers)
	if challenge == nil || c.tried || c.phone.Address == "" || c.phone.Password == "" {
		return false
	}
	c.tried = true
	r := g.request(sip.INVITE)
	credentials, err := challenge.Authorize(string(sip.INVITE), r.Recipient.String(), c.phone.User, c.phone.Password)
	if err != nil {
		return false
	}
	r.AppendHeader(sip.NewHeader(says, credentials))
	r.AppendHeader(sip.NewHeader("Allow", allow))
	withBody(r, "application/sdp", before.Body())
	c.invite(g, r, now)
	return true
}

// giveUp stops ringing: by CANCEL once the phone has said that it has heard, and at any rate when it
// says yes after all.
func (c *conversation) giveUp(now time.Time) {
	s, g := c.ringing, c.b
	c.drop(g)
	withdraw := func() { c.ask(cancel(s.request), s.to, time.Now(), func(*sip.Response) {}) }
	if s.heard {
		withdraw()
	} else {
		s.rings = func(*sip.Response) {
			s.rings = nil
			withdraw()
		}
	}
	s.given, s.until = true, now.Add(giveUp)
}
