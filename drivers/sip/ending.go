package sip

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/call"
)

const (
	silentFor = 2 * time.Minute // without audio a caller is not there any more
	lingerFor = 8 * time.Second // for what is still to be acknowledged
)

// clocks does what is due. It says whether the call is over and done with.
func (c *conversation) clocks(now time.Time) (done bool) {
	c.repeat(now)
	lost := c.a.repeat(c.d, now)
	if c.b != nil {
		lost = c.b.repeat(c.d, now) || lost
	}
	if !c.ended.IsZero() {
		quiet := len(c.sent) == 0 && c.a.final == nil
		return quiet && now.Sub(c.ended) > time.Second || now.Sub(c.ended) > lingerFor
	}
	// Counted in beats: a machine that stood still has keys to read that were pressed without a pause.
	if c.still += beat; c.digits != "" && c.still > digitsGap {
		c.tellDigits()
	}
	switch {
	case lost:
		c.end("the caller does not acknowledge", true, now)
	case now.Sub(c.begun) > c.d.cfg.Longest:
		c.end("it lasts too long", false, now)
	case c.a.confirmed && c.a.far != nil && c.a.far.sends && c.a.audio.silence() > silentFor:
		c.end("the caller is silent", true, now)
	case !c.hangUp.IsZero() && now.After(c.hangUp):
		c.end("nobody answers", false, now)
	case c.ringing != nil && now.Sub(c.rung) > c.d.cfg.Ring:
		c.giveUp(now)
		c.ringNext(now)
	}
	return false
}

// refuse ends a call that cannot be: what it was told for stands.
func (c *conversation) refuse(res *sip.Response, why string, now time.Time) {
	c.a.conclude(c.d, res, now)
	c.finish(why, false, now)
}

// end ends the call, on both sides.
func (c *conversation) end(why string, lost bool, now time.Time) {
	if !c.ended.IsZero() {
		return
	}
	switch {
	case c.a.last == nil || c.a.last.IsProvisional():
		c.a.conclude(c.d, c.a.reply(c.a.invite, 480, "Temporarily Unavailable"), now)
	case c.a.last.IsSuccess():
		c.bye(c.a, now)
	}
	c.finish(why, lost, now)
}

// finish ends the phone's side, and tells.
func (c *conversation) finish(why string, lost bool, now time.Time) {
	if !c.ended.IsZero() {
		return
	}
	c.tone()
	c.tone = func() {}
	if c.ringing != nil {
		c.giveUp(now)
	} else if c.b != nil && c.b.confirmed {
		c.bye(c.b, now)
	}
	c.tellEnd(lost)
	c.d.cfg.Log.Info("an intercom's call is over", "station", c.station.ID, "call", c.name, "reason", why)
}

func (c *conversation) tellEnd(lost bool) {
	if !c.ended.IsZero() {
		return
	}
	c.ended = time.Now()
	c.d.mu.Lock()
	c.d.busy--
	c.d.each[c.station.ID]--
	c.d.mu.Unlock()
	c.tellDigits()
	c.d.tell(call.Event{Kind: call.End, Call: c.name, From: c.station.User, To: c.number, Station: c.station.ID, Lost: lost})
}

// bye ends a side's dialog.
func (c *conversation) bye(g *leg, now time.Time) {
	g.confirmed = false
	c.ask(g.request(sip.BYE), g.peer, now, func(*sip.Response) {})
}

// leave lets go of all that a call has.
func (c *conversation) leave() {
	c.tone()
	for _, g := range []*leg{c.a, c.b} {
		if g != nil && g.audio != nil {
			_ = g.audio.conn.Close()
		}
	}
	c.tellEnd(true) // if it has not ended
	c.work.Wait()
	c.d.mu.Lock()
	for id := range c.parties {
		delete(c.d.calls, id)
	}
	c.d.mu.Unlock()
	close(c.over)
}
