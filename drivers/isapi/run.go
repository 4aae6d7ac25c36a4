package isapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
)

// Run hears the device until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	d.say = say{emit: emit, inputs: map[input]*state{}, helps: map[string]time.Time{}, seen: map[string]bool{}}
	c := newClient(&d.cfg, strings.TrimSuffix(d.base.String(), "/"))
	defer c.http.CloseIdleConnections()
	wait := firstWait
	for {
		began := time.Now()
		err := d.hear(ctx, c)
		if ctx.Err() != nil {
			return d.Ended(nil)
		}
		if time.Since(began) > 2*Dead {
			wait = firstWait
		}
		rest := wait/2 + rand.N(wait/2) // so that not all come at once
		phase := driver.Unplugged
		if errors.Is(err, errRefused) {
			phase, rest = driver.Refused, refusedWait
		}
		d.Enter(phase, err.Error())
		d.cfg.Log.Warn("an event stream is away", "device", d.base.Host, "reason", err)
		if !d.idle(ctx, rest) {
			return d.Ended(nil)
		}
		wait = min(2*wait, mostWait)
	}
}

// idle waits, and ends meanwhile what is not repeated. It says whether to go on.
func (d *Driver) idle(ctx context.Context, rest time.Duration) bool {
	again := time.NewTimer(rest)
	defer again.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
			return true
		case now := <-tick.C:
			d.expire(now)
			d.called("", now) // nobody knows whether it still calls
		}
	}
}

// part is what came, or why nothing does any more.
type part struct {
	data []byte
	err  error
}

// hear connects, and hears until that breaks.
func (d *Driver) hear(ctx context.Context, c *client) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	res, err := c.get(ctx, alertStream)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		return fmt.Errorf("%w: it answers %.40q", errStream, kind)
	}
	d.Opened()
	parts, calls := make(chan part), make(chan string)
	flow := &pulse{Reader: res.Body}
	flow.last.Store(time.Now().UnixNano())
	work.Go(func() { read(ctx, flow, parts) })
	if d.cfg.Calls > 0 {
		work.Go(func() { d.ask(ctx, c, calls) })
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-parts:
			if p.err != nil {
				return p.err
			}
			last = time.Now()
			d.part(p.data, last)
		case status := <-calls:
			d.called(status, time.Now())
		case now := <-tick.C:
			d.expire(now)
			if err := silent(now, last, flow.heard()); err != nil {
				return err
			}
		}
	}
}

// pulse is a stream that knows when something of it came last.
type pulse struct {
	io.Reader
	last atomic.Int64 // Unix time in ns
}

func (p *pulse) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if n > 0 {
		p.last.Store(time.Now().UnixNano())
	}
	return n, err
}

func (p *pulse) heard() time.Time { return time.Unix(0, p.last.Load()) }

// silent says what is wrong with a stream whose last part came at whole, and of which something was heard at
// heard: a picture may be on its way for long on a slow line.
func silent(now, whole, heard time.Time) error {
	switch {
	case now.Sub(heard) > Dead:
		return fmt.Errorf("nothing for %v", Dead)
	case now.Sub(whole) > Stuck:
		return fmt.Errorf("nothing whole for %v", Stuck)
	}
	return nil
}

// read hands on parts until the stream breaks.
func read(ctx context.Context, stream io.Reader, parts chan<- part) {
	r := bufio.NewReader(stream)
	for {
		_, data, err := nextPart(r)
		select {
		case <-ctx.Done():
			return
		case parts <- part{data, err}:
		}
		if err != nil {
			return
		}
	}
}

// part takes a part.
func (d *Driver) part(data []byte, now time.Time) {
	if data == nil {
		return // a picture
	}
	a, err := parseAlert(data)
	if err != nil {
		d.Count(func(c *driver.Counts) { c.Rejected++ })
		return
	}
	d.Heard("")
	d.take(a, now)
}

// ask asks for the state of calls until ctx ends.
func (d *Driver) ask(ctx context.Context, c *client, calls chan<- string) {
	tick := time.NewTicker(d.cfg.Calls)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		status, err := c.status(ctx)
		if err != nil {
			if !failed && ctx.Err() == nil {
				d.cfg.Log.Warn("a door station does not tell whether it calls", "device", d.base.Host, "reason", err)
			}
			failed = true
			if errors.Is(err, errRefused) {
				return // wrong tries lock users out
			}
			continue
		}
		failed = false
		select {
		case <-ctx.Done():
			return
		case calls <- status:
		}
	}
}
