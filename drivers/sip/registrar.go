package sip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

// How long a registration may be, and how long an address stays known after its last good request.
const (
	minExpires  = 30 * time.Second
	mostExpires = time.Hour
	friendFor   = time.Hour
	maxFriends  = 1024
	maxAnswers  = 256 // that are kept for repeated requests
)

// binding is where a party is.
type binding struct {
	peer    peer
	contact sip.Uri
	until   time.Time
}

// known says whether the address is that of a station or a phone.
func (d *Driver) known(a netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.knownLocked(a, time.Now())
}

// knownLocked is known. d.mu is held.
func (d *Driver) knownLocked(a netip.Addr, now time.Time) bool {
	for i := range d.cfg.Stations {
		if s := &d.cfg.Stations[i]; s.Address.IsValid() && s.Address.Contains(a) {
			return true
		}
	}
	until, there := d.friends[a]
	return there && now.Before(until)
}

// befriend remembers that the address is known.
func (d *Driver) befriend(a netip.Addr, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.friends[a]; !there && len(d.friends) >= maxFriends {
		for k, until := range d.friends {
			if !now.Before(until) {
				delete(d.friends, k)
			}
		}
		if len(d.friends) >= maxFriends {
			return
		}
	}
	d.friends[a] = now.Add(friendFor)
}

// register carries out a REGISTER of a party (RFC 3261 section 10.3). Each has one binding, its latest.
func (d *Driver) register(r *sip.Request, from peer, who party, now time.Time) *sip.Response {
	if r.To().Address.User != who.user() {
		return d.reply(r, from, 403, "Forbidden")
	}
	all, err := contacts(r)
	if err != nil {
		return d.reply(r, from, 400, "Bad Contact")
	}
	var fresh *sip.ContactHeader
	for i := range all {
		switch {
		case expires(r, &all[i]) == 0:
			d.unbind(who.id(), &all[i].Address)
		case all[i].Address.Wildcard || all[i].Address.Scheme != "sip" && all[i].Address.Scheme != "sips":
			return d.reply(r, from, 400, "Bad Contact")
		case fresh == nil:
			fresh = &all[i]
		}
	}
	if fresh != nil {
		asked := expires(r, fresh)
		if asked < minExpires {
			res := d.reply(r, from, 423, "Interval Too Brief")
			res.AppendHeader(sip.NewHeader("Min-Expires", fmt.Sprint(int(minExpires.Seconds()))))
			return res
		}
		d.mu.Lock()
		d.bindings[who.id()] = binding{peer: from, contact: *fresh.Address.Clone(), until: now.Add(min(asked, mostExpires))}
		d.mu.Unlock()
		d.Heard(who.id())
		d.back(who.id())
	}
	res := d.reply(r, from, 200, "OK")
	b, there := d.binding(who.id())
	switch {
	case there:
		c := &sip.ContactHeader{Address: b.contact}
		c.Params.Add("expires", strconv.Itoa(int(b.until.Sub(now).Seconds())))
		res.AppendHeader(c)
	case len(all) > 0:
		d.gone(who.id(), "it has signed off")
	}
	res.AppendHeader(sip.NewHeader("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
	return res
}

// unbind forgets where a party is, if it is there: one that has moved takes back where it was before.
func (d *Driver) unbind(id string, contact *sip.Uri) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.bindings[id].contact
	if contact.Wildcard || b.User == contact.User && strings.EqualFold(b.Host, contact.Host) && b.Port == contact.Port {
		delete(d.bindings, id)
	}
}

// expires is how long a REGISTER wants to be known.
func expires(r *sip.Request, contact *sip.ContactHeader) time.Duration {
	said := ""
	if contact != nil {
		said, _ = contact.Params.Get("expires")
	}
	if h := r.GetHeader("Expires"); said == "" && h != nil {
		said = h.Value()
	}
	n, err := strconv.ParseUint(strings.TrimSpace(said), 10, 32)
	if err != nil {
		return mostExpires
	}
	return time.Duration(n) * time.Second
}

// binding returns where a party is now.
func (d *Driver) binding(id string) (binding, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.bindings[id]
	return b, ok
}

// expired removes registrations that have run out, and returns whose they were.
func (d *Driver) expired(now time.Time) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for id, b := range d.bindings {
		if now.After(b.until) {
			delete(d.bindings, id)
			all = append(all, id)
		}
	}
	return all
}

// Lost is the Input of a station, or of a phone, that had registered and is away, and of a station that is not
// heard of after the start.
const Lost = "lost"

// missing is a party that is away.
type missing struct {
	since time.Time
	told  bool
}

// back says that a party is there. The first time it is told in any case, since nobody knows here what was told
// before.
func (d *Driver) back(id string) {
	d.mu.Lock()
	m := d.missing[id]
	news := !d.seen[id] || m != nil && m.told
	d.seen[id] = true
	delete(d.missing, id)
	d.mu.Unlock()
	if news {
		d.tell(call.Event{Kind: call.Input, Input: Lost, Station: id})
	}
}

// alive says that a party was heard of. One that does not register is not missed any more.
func (d *Driver) alive(id string) {
	d.Heard(id)
	d.mu.Lock()
	m := d.missing[id]
	first := m != nil && !d.seen[id]
	if first {
		delete(d.missing, id)
	}
	d.mu.Unlock()
	if first && m.told {
		d.tell(call.Event{Kind: call.Input, Input: Lost, Station: id})
	}
}

// report tells who is away for too long.
func (d *Driver) report(now time.Time) {
	d.mu.Lock()
	var all []string
	for id, m := range d.missing {
		if !m.told && now.Sub(m.since) >= d.cfg.Lost {
			m.told = true
			all = append(all, id)
		}
	}
	d.mu.Unlock()
	for _, id := range all {
		d.tell(call.Event{Kind: call.Input, Input: Lost, Station: id, Active: true})
	}
}

// gone says that a party is not there any more.
func (d *Driver) gone(id, why string) {
	d.mu.Lock()
	if d.missing[id] == nil && d.seen[id] {
		d.missing[id] = &missing{since: time.Now()}
	}
	d.mu.Unlock()
	d.cfg.Log.Warn("an intercom or a phone is gone", "id", id, "reason", why)
	d.Device(id, driver.Silent, why)
}

// again returns the answer to a request that was answered before.
func (d *Driver) again(r *sip.Request, from peer) *sip.Response {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lately[from.addr.String()+" "+transaction(r)]
}

// keep remembers an answer, for a request that is sent again.
func (d *Driver) keep(r *sip.Request, from peer, res *sip.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := from.addr.String() + " " + transaction(r)
	if _, there := d.lately[key]; !there {
		if len(d.order) >= maxAnswers {
			delete(d.lately, d.order[0])
			d.order = d.order[1:]
		}
		d.order = append(d.order, key)
	}
	d.lately[key] = res
}
