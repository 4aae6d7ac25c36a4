// Package mdns gives the box a name on its network: sentrybox-1a2b.local, by multicast
// DNS (RFC 6762), and tells where its page is by DNS-SD (RFC 6763), as the services
// _https._tcp (or _http._tcp) and _sentrybox._tcp.
//
// A name is asked for before it is used, and again when somebody else is heard to have
// it: who was there first keeps it, the other takes one with -2, -3 and so on. Names
// are given out on the interface that was asked on, with the addresses that it has.
package mdns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"
)

// Responder answers for one box. Set the fields, then Run.
type Responder struct {
	Name   string // that is wished for, without .local
	Port   int    // of the page
	Secure bool   // it is HTTPS
	Text   []string
	Log    *slog.Logger

	host atomic.Pointer[string]
}

const (
	port        = 5353
	probes      = 3
	probeEvery  = 250 * time.Millisecond // RFC 6762, 8.1
	lookEvery   = 10 * time.Second       // at the interfaces
	lostAgain   = time.Second            // after a probe at the same time as another's (8.2)
	maxNames    = 50
	answersMost = 20 // a second, on one interface: nobody has us flood a network
)

// Host returns the name that the box has, with .local; empty until it has one.
func (r *Responder) Host() string {
	if h := r.host.Load(); h != nil {
		return *h
	}
	return ""
}

// Run answers until ctx ends.
func (r *Responder) Run(ctx context.Context) error {
	l, err := listen()
	if err != nil {
		return fmt.Errorf("listen for questions about the box's name: %w", err)
	}
	packets := make(chan packet, 64)
	read, stop := context.WithCancel(ctx)
	done := l.read(read, packets)
	defer func() {
		stop()
		l.close()
		<-done
	}()
	if err := l.look(); err != nil {
		return err
	}
	for n := 1; ctx.Err() == nil; {
		z := r.zone(n, l)
		switch err := r.claim(ctx, l, z, packets); {
		case errors.Is(err, errTaken):
			r.Log.Warn("the name on the network is taken, trying the next", "name", z.host)
			n = n%maxNames + 1
			continue
		case err != nil:
			return err
		}
		host := z.host
		r.host.Store(&host)
		r.Log.Info("the box has a name on the network", "name", host)
		err := r.serve(ctx, l, z, packets)
		if !errors.Is(err, errTaken) {
			return err
		}
		r.Log.Warn("somebody else has the box's name on the network", "name", host)
	}
	return ctx.Err()
}

// errTaken means that somebody else has the name.
var errTaken = errors.New("the name is taken")

// zone is what there is to know of the box under its nth name.
func (r *Responder) zone(n int, l *listener) *zone {
	name := r.Name
	if n > 1 {
		name = fmt.Sprintf("%s-%d", r.Name, n)
	}
	web := "_http._tcp.local."
	if r.Secure {
		web = "_https._tcp.local."
	}
	return &zone{name: name, host: name + ".local", port: uint16(r.Port), services: []string{web, "_sentrybox._tcp.local."}, text: r.Text, addresses: l.addresses}
}

// claim asks whether somebody has the name. It returns errTaken if so.
func (r *Responder) claim(ctx context.Context, l *listener, z *zone, packets <-chan packet) error {
	for n := 0; n < probes; {
		for _, i := range l.interfaces() {
			if m, err := z.probe(i); err == nil {
				l.send(i, m)
			}
		}
		n++
		timer := time.NewTimer(probeEvery)
	wait:
		for {
			select {
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			case <-timer.C:
				break wait
			case p := <-packets:
				switch z.hear(p) {
				case taken:
					timer.Stop()
					return errTaken
				case lost: // the other goes on, and has the name when we ask again
					timer.Reset(lostAgain)
					n = 0
				}
			}
		}
	}
	return nil
}

// serve answers, until somebody else is heard to have the name, or ctx ends.
func (r *Responder) serve(ctx context.Context, l *listener, z *zone, packets <-chan packet) error {
	announce := func(life bool) {
		for _, i := range l.interfaces() {
			if m, err := z.announcement(i, life); err == nil {
				l.send(i, m)
			}
		}
	}
	defer announce(false) // goodbye (10.1)
	announce(true)
	again := time.NewTimer(time.Second) // each twice (8.3)
	defer again.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	budget := bucket{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
			announce(true)
		case <-tick.C:
			was := l.known()
			if err := l.look(); err != nil {
				r.Log.Debug("the interfaces cannot be read", "error", err)
			}
			if l.known() != was {
				announce(true)
				again.Reset(time.Second)
			}
		case p := <-packets:
			if z.hear(p) == taken {
				return errTaken
			}
			answer, to, ok := z.answer(p)
			if ok && budget.take(p.iface, time.Now()) {
				l.sendTo(p, answer, to)
			}
		}
	}
}

// bucket counts answers by interface, in each second.
type bucket struct {
	second time.Time
	count  map[int]int
}

func (b *bucket) take(iface int, now time.Time) bool {
	if since := now.Sub(b.second); b.count == nil || since < 0 || since >= time.Second {
		b.second, b.count = now, map[int]int{}
	}
	b.count[iface]++
	return b.count[iface] <= answersMost
}

// packet is what has come, and from where.
type packet struct {
	data  []byte
	from  netip.AddrPort
	iface int // index
}
