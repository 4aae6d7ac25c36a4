package sip

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Timers of RFC 3261 section 17.
const (
	timer1   = 500 * time.Millisecond
	timer2   = 4 * time.Second
	giveUp   = 64 * timer1
	maxKnown = 8 // answers that a leg keeps for repeated requests
)

// leg is one side of a call: a dialog (RFC 3261 section 12), and its audio.
type leg struct {
	peer      peer
	id        string // Call-ID
	local     sip.FromHeader
	remote    sip.ToHeader
	target    sip.Uri
	route     []string
	seq       uint32 // of our last request
	remoteSeq uint32 // of theirs
	contact   sip.ContactHeader

	audio       *stream
	far         *session // what they said; nil while they have not
	description description

	// invite is their INVITE that is under way, and final our answer until it is acknowledged.
	invite *sip.Request
	last   *sip.Response // of the INVITE, provisional or final
	final  *sip.Response
	next   time.Time
	wait   time.Duration
	until  time.Time

	confirmed bool
	known     map[string]*sip.Response // answers by transaction
	order     []string
}

// address says who we are on this side.
func (g *leg) address(d *Driver, user string) {
	host := d.localAddr(g.peer)
	g.contact = sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: host.String(), Port: int(d.bound.Port())}}
	if g.peer.conn != nil {
		g.contact.Address.UriParams = sip.HeaderParams{{K: "transport", V: "tcp"}}
	}
	g.description.addr = host
	g.description.id = uint64(rand.Uint32()) // a name
}

// host is our address on this side.
func (g *leg) host() netip.Addr { return g.description.addr }

// request makes a request within the dialog. ACK and CANCEL have the INVITE's number.
func (g *leg) request(method sip.RequestMethod) *sip.Request {
	if method != sip.ACK && method != sip.CANCEL {
		g.seq++
	}
	r := sip.NewRequest(method, *g.target.Clone())
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: g.peer.network(), Host: g.host().String(), Port: g.contact.Address.Port}
	via.Params = sip.HeaderParams{{K: "branch", V: sip.GenerateBranchN(16)}, {K: "rport"}}
	r.AppendHeader(via)
	for _, one := range g.route {
		r.AppendHeader(sip.NewHeader("Route", one))
	}
	hops := sip.MaxForwardsHeader(70)
	r.AppendHeader(&hops)
	from := g.local
	from.Params = from.Params.Clone()
	r.AppendHeader(&from)
	to := g.remote
	to.Params = to.Params.Clone()
	r.AppendHeader(&to)
	id := sip.CallIDHeader(g.id)
	r.AppendHeader(&id)
	r.AppendHeader(&sip.CSeqHeader{SeqNo: g.seq, MethodName: method})
	contact := g.contact
	r.AppendHeader(&contact)
	r.AppendHeader(sip.NewHeader("User-Agent", product))
	r.SetBody(nil)
	return r
}

// reply makes a response within the dialog.
func (g *leg) reply(r *sip.Request, status int, reason string) *sip.Response {
	res := respond(r, g.peer.addr, status, reason, tag(g.local.Params))
	if r.IsInvite() || r.Method == sip.UPDATE {
		contact := g.contact
		res.AppendHeader(&contact)
		res.AppendHeader(sip.NewHeader("Allow", allow))
	}
	return res
}

// answer sends a response, and keeps it for a request that comes again.
func (g *leg) answer(d *Driver, r *sip.Request, from peer, res *sip.Response) {
	key := transaction(r)
	if g.known == nil {
		g.known = map[string]*sip.Response{}
	}
	if _, there := g.known[key]; !there {
		if len(g.order) >= maxKnown {
			delete(g.known, g.order[0])
			g.order = g.order[1:]
		}
		g.order = append(g.order, key)
	}
	g.known[key] = res
	d.answer(r, from, res)
}

// conclude sends the final response to the INVITE that is under way, and goes on sending it
// until it is acknowledged.
func (g *leg) conclude(d *Driver, res *sip.Response, now time.Time) {
	g.last, g.final = res, res
	g.wait = timer1
	g.next, g.until = now.Add(g.wait), now.Add(giveUp)
	d.answer(g.invite, g.peer, res)
}

// provisional sends one that is not final.
func (g *leg) provisional(d *Driver, status int, reason string) {
	g.last = g.reply(g.invite, status, reason)
	d.answer(g.invite, g.peer, g.last)
}

// repeat sends the final response again when it is time. It says whether to give up.
func (g *leg) repeat(d *Driver, now time.Time) (lost bool) {
	if g.final == nil || now.Before(g.next) {
		return false
	}
	if now.After(g.until) {
		g.final = nil
		return true
	}
	if g.peer.conn == nil || g.final.IsSuccess() {
		d.answer(g.invite, g.peer, g.final)
	}
	g.wait = min(2*g.wait, timer2)
	g.next = now.Add(g.wait)
	return false
}

// acknowledged takes an ACK. It says whether it was awaited, for a success.
func (g *leg) acknowledged(r *sip.Request) bool {
	if g.final == nil || g.invite == nil || r.CSeq().SeqNo != g.invite.CSeq().SeqNo {
		return false
	}
	success := g.final.IsSuccess()
	g.final = nil
	g.confirmed = g.confirmed || success
	return success
}

// describe returns our description. What it answers is theirs, or nothing if it is an offer.
func (g *leg) describe(answers *session, first codec) []byte {
	d := &g.description
	d.version++
	d.answers = answers
	d.port = g.audio.port()
	d.sends, d.receives = true, true
	if answers == nil {
		second := pcma + pcmu - first
		d.formats, d.event = []format{{first, int(first)}, {second, int(second)}}, 101
		return d.bytes()
	}
	d.formats, d.event = []format{g.choice()}, answers.event
	d.sends, d.receives = answers.receives, answers.sends
	return d.bytes()
}

// choice is the format in which we speak to the side: its first.
func (g *leg) choice() format { return g.far.codecs[0] }

// direct aims the audio at where the side says. A station's audio may only come from, and
// goes only to, the address that it calls from; a phone's may be elsewhere, at its exchange.
func (g *leg) direct(far *session, elsewhere bool) {
	g.far = far
	from := []netip.Addr{g.peer.addr.Addr()}
	if elsewhere && far.addr.IsValid() && !far.addr.IsUnspecified() && far.addr != from[0] {
		from = append(from, far.addr)
	}
	g.audio.aim(far, g.choice(), from...)
}
