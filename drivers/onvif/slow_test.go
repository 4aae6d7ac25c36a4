package onvif_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/onvif/onviftest"
)

// pipes are connections within the program, in synctest's time.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once
	pieces  bool // what the device says comes in pieces
}

func newPipes() *pipes { return &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 64), Port: 80} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.waiting <- &slowly{far, p.pieces}:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// slowly is a connection on which what is written comes byte by byte.
type slowly struct {
	net.Conn
	pieces bool
}

func (s *slowly) Write(b []byte) (int, error) {
	if !s.pieces {
		return s.Conn.Write(b)
	}
	for i := range b {
		time.Sleep(time.Millisecond)
		if _, err := s.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// TestSlowEvents has devices that answer late, what they are asked for or everything: no event is lost, and no
// connection made anew.
func TestSlowEvents(t *testing.T) {
	for name, late := range map[string]map[string]time.Duration{
		"pull":       {"PullMessages": 14 * time.Second},
		"renew":      {"Renew": 20 * time.Second},
		"clock":      {"GetSystemDateAndTime": 14 * time.Second},
		"everything": {"": 4 * time.Second},
		"in pieces":  {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				p.pieces = name == "in pieces"
				clocks := 0
				s := eventDevice(t, func(s *onviftest.Server) {
					s.Listener, s.NoDigest = p, true // tokens depend on the clock
					s.Mangle = func(action string, body []byte) []byte {
						if action == "GetSystemDateAndTime" {
							if clocks++; clocks > 1 { // after the first it knows its time at once
								return body
							}
						}
						time.Sleep(late[action] + late[""])
						return body
					}
				})
				l, err := onvif.NewListener(onvif.EventsConfig{Config: onvif.Config{Address: s.Addr(), User: "admin", Password: "secret", Dial: p.dial}})
				if err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				told := 0
				ctx, cancel := context.WithCancel(t.Context())
				var work sync.WaitGroup
				work.Go(func() {
					if err := l.Run(ctx, func(call.Event) { mu.Lock(); told++; mu.Unlock() }); err != nil {
						t.Errorf("Run = %v", err)
					}
				})
				time.Sleep(2 * time.Minute)
				for i := range 10 {
					s.Events.Notify("tns1:Device/Trigger/DigitalInput", "InputToken", "in1", "LogicalState", []string{"true", "false"}[i%2], time.Now())
					time.Sleep(7 * time.Second)
				}
				time.Sleep(time.Minute)
				mu.Lock()
				if told != 10 {
					t.Errorf("%d of 10 events; %+v", told, l.State().Status)
				}
				mu.Unlock()
				asked := strings.Join(s.Asked(), " ")
				if n := strings.Count(asked, "CreatePullPointSubscription"); n != 1 {
					t.Errorf("%d subscriptions", n)
				}
				cancel()
				work.Wait()
				s.Close()
				time.Sleep(time.Minute) // what it is asked last, it answers to nobody
			})
		})
	}
}

// TestClosesWhatItKept has a device that closes the connection that it has kept open just when it is asked again.
func TestClosesWhatItKept(t *testing.T) {
	var mu sync.Mutex
	var used []string
	s := &onviftest.Server{User: "admin", Password: "secret", Manufacturer: "Acme"}
	s.Handler = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(used, r.RemoteAddr) {
			used = append(used, r.RemoteAddr)
			return false
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
		return true
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := onvif.Inspect(t.Context(), onvif.Config{Address: s.Addr(), User: "admin", Password: "secret", Timeout: time.Minute})
	if d.Information.Manufacturer != "Acme" {
		t.Errorf("%+v, %v", d, err)
	}
}
