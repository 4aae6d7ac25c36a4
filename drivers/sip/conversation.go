package sip

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/call"
)

const (
	beat       = 100 * time.Millisecond // of a call's clocks
	digitsGap  = 1500 * time.Millisecond
	notedFor   = 10 * time.Second // how long a caller whom nobody answers is kept on the line
	maxEach    = 2                // calls of one station at a time
	maxWaiting = 32               // messages of a call that wait
)

// incoming is a message of a call.
type incoming struct {
	m    sip.Message
	from peer
}

// conversation is a call of a station, and what it rings on to. It belongs to its goroutine, but
// for what is marked.
type conversation struct {
	d       *Driver
	station *Station
	name    string // in events
	number  string // that was called
	in      chan incoming
	keys    chan byte
	over    chan struct{}         // closed when it has let go of everything
	parties map[string]netip.Addr // whose messages are its, by Call-ID; guarded by d.mu

	a        *leg
	b        *leg    // that is rung, or speaks
	phones   []Phone // that are still to be rung
	ringing  *sent   // the INVITE to b
	found    chan located
	locating bool // the next to be rung is looked up
	rung     time.Time
	tried    bool // b has been asked with a password
	phone    Phone

	sent map[string]*sent
	acks map[string]*acked
	tone context.CancelFunc // ends what is played to the caller
	work sync.WaitGroup

	begun  time.Time
	hangUp time.Time // when it ends by itself; zero if not yet
	digits string
	still  time.Duration   // since the last key
	ended  time.Time       // zero while it goes on
	ctx    context.Context // of the call
}

// deliver hands a message on. What is too much is lost, and sent again by who sent it.
func (c *conversation) deliver(m sip.Message, from peer) {
	select {
	case c.in <- incoming{m, from}:
	default:
		c.d.discarded()
	}
}

// invited begins a call. The station is who it says.
func (d *Driver) invited(r *sip.Request, from peer, s *Station) {
	c := &conversation{
		d: d, station: s, number: number(r), in: make(chan incoming, maxWaiting), keys: make(chan byte, maxWaiting), over: make(chan struct{}), found: make(chan located, 1),
		parties: map[string]netip.Addr{}, sent: map[string]*sent{}, acks: map[string]*acked{}, begun: time.Now(), tone: func() {}, ctx: d.ctx,
	}
	c.a = &leg{
		peer: from, id: r.CallID().Value(), invite: r, remoteSeq: r.CSeq().SeqNo,
		local:  sip.FromHeader{Address: *r.To().Address.Clone(), Params: sip.HeaderParams{{K: "tag", V: sip.GenerateTagN(16)}}},
		remote: sip.ToHeader{DisplayName: r.From().DisplayName, Address: *r.From().Address.Clone(), Params: r.From().Params.Clone()},
		target: *r.From().Address.Clone(),
	}
	if contact := r.Contact(); contact != nil {
		c.a.target = *contact.Address.Clone()
	}
	for i, h := range r.GetHeaders("Record-Route") {
		if i < maxVias {
			c.a.route = append(c.a.route, h.Value())
		}
	}
	c.a.address(d, "sentrybox")
	room := d.admit(c)
	d.cfg.Log.Info("an intercom calls", "station", s.ID, "number", c.number, "address", from.addr.Addr(), "call", c.name)
	// It is told before anything else is done for the call.
	e := call.Event{Kind: call.Begin, Call: c.name, From: s.User, To: c.number, Station: s.ID, Text: clean(r.From().DisplayName, call.MaxIdentity)}
	e.Urgent = c.help()
	d.tell(e)
	if e.Urgent {
		d.tell(call.Event{Kind: call.Emergency, Active: true, Call: c.name, From: s.User, To: c.number, Station: s.ID})
	}
	if !room {
		d.tell(call.Event{Kind: call.End, Call: c.name, From: s.User, To: c.number, Station: s.ID})
		res := c.a.reply(r, 486, "Busy Here")
		d.keep(r, from, res)
		d.answer(r, from, res)
		return
	}
	d.work.Go(c.run)
}

// help says whether the call is one for help.
func (c *conversation) help() bool {
	return len(c.d.cfg.Help) == 0 || c.number == "" || slices.Contains(c.d.cfg.Help, c.number)
}

// admit names a call, and says whether there is room for it.
func (d *Driver) admit(c *conversation) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.named++
	c.name = fmt.Sprintf("%s-%d-%d", c.station.ID[:min(len(c.station.ID), 32)], c.begun.Unix(), d.named)
	if d.busy >= d.cfg.Calls || d.each[c.station.ID] >= maxEach || d.calls[c.a.id] != nil || len(d.calls) >= 8*maxCalls {
		return false
	}
	d.busy++
	d.each[c.station.ID]++
	d.calls[c.a.id] = c
	c.parties[c.a.id] = c.a.peer.addr.Addr()
	return true
}

// join adds a side to those whose messages are the call's.
func (c *conversation) join(g *leg) {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	c.d.calls[g.id] = c
	c.parties[g.id] = g.peer.addr.Addr()
}

// run is the call from its begin to its end.
func (c *conversation) run() {
	defer c.leave()
	defer func() {
		if r := recover(); r != nil { // one call, and not the others
			c.d.cfg.Log.Error("a call has failed", "station", c.station.ID, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.ctx = ctx
	c.start(time.Now())
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.end("the gateway stops", false, time.Now())
			return
		case m := <-c.in:
			c.take(m, time.Now())
		case key := <-c.keys:
			c.key(string(key))
		case l := <-c.found:
			c.foundAt(l, time.Now())
		case now := <-tick.C:
			if c.clocks(now) {
				return
			}
		}
	}
}

// start answers the caller, and rings.
func (c *conversation) start(now time.Time) {
	d, a := c.d, c.a
	d.answer(a.invite, a.peer, respond(a.invite, a.peer.addr, 100, "Trying", ""))
	if required := a.invite.GetHeader("Require"); required != nil {
		res := a.reply(a.invite, 420, "Bad Extension")
		res.AppendHeader(sip.NewHeader("Unsupported", clean(required.Value(), 100)))
		c.refuse(res, "it requires "+clean(required.Value(), 100), now)
		return
	}
	if len(a.invite.Body()) > 0 {
		far, err := parseSDP(a.invite.Body())
		if err != nil {
			c.refuse(a.reply(a.invite, 488, "Not Acceptable Here"), err.Error(), now)
			return
		}
		a.far = far
	}
	var err error
	if a.audio, err = c.open(a, c.pressed); err != nil {
		c.refuse(a.reply(a.invite, 503, "Service Unavailable"), err.Error(), now)
		return
	}
	if a.far != nil {
		a.direct(a.far, false)
	}
	c.phones = c.wanted()
	if len(c.phones) > 0 {
		a.provisional(d, 180, "Ringing")
	}
	if len(c.phones) == 0 || !d.cfg.Wait {
		c.pickUp(now)
	}
	c.ringNext(now)
}

// wanted are the phones to ring: that which was dialled, or all.
func (c *conversation) wanted() []Phone {
	for _, p := range c.d.cfg.Phones {
		if c.number != "" && (p.number() == c.number || p.ID == c.number) {
			return []Phone{p}
		}
	}
	return slices.Clone(c.d.cfg.Phones)
}

// open opens the audio of a side.
func (c *conversation) open(g *leg, heard func(byte)) (*stream, error) {
	conn, err := listenAudio(g.host(), c.d.cfg.Ports)
	if err != nil {
		return nil, err
	}
	s := newStream(conn, heard)
	c.work.Go(s.read)
	return s, nil
}

// pickUp answers the caller.
func (c *conversation) pickUp(now time.Time) {
	if c.a.last != nil && !c.a.last.IsProvisional() {
		return
	}
	res := c.a.reply(c.a.invite, 200, "OK")
	withBody(res, "application/sdp", c.a.describe(c.a.far, pcma))
	c.a.conclude(c.d, res, now)
	if len(c.phones) > 0 || c.b != nil {
		c.play(ringing())
	}
}

// play plays notes to the caller, in place of what was played.
func (c *conversation) play(notes []note) {
	c.tone()
	if c.a.far == nil {
		c.tone = func() {}
		return
	}
	ctx, stop := context.WithCancel(c.ctx)
	done := make(chan struct{})
	c.tone = func() {
		stop()
		<-done
	}
	c.work.Go(func() {
		defer close(done)
		c.a.audio.play(ctx, notes)
	})
}

// pressed takes a DTMF key from the audio.
func (c *conversation) pressed(key byte) {
	select {
	case c.keys <- key:
	default:
	}
}

// key gathers DTMF keys until a pause, or #.
func (c *conversation) key(key string) {
	c.digits += key
	c.still = 0
	if key == "#" || len(c.digits) >= call.MaxDigits {
		c.tellDigits()
	}
}

func (c *conversation) tellDigits() {
	if c.digits == "" {
		return
	}
	c.d.tell(call.Event{Kind: call.Digits, Call: c.name, From: c.station.User, To: c.number, Station: c.station.ID, Digits: c.digits})
	c.digits = ""
}

// shown is how a phone shows the station.
func (s *Station) shown() string {
	name := s.Name
	if name == "" {
		name = s.ID
	}
	return strings.NewReplacer(`"`, "'", `\`, "/").Replace(clean(name, call.MaxIdentity))
}
