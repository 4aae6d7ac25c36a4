package isapi_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/isapi"
	"sentrybox/drivers/isapi/isapitest"
)

func server(t *testing.T) *isapitest.Server {
	t.Helper()
	s := &isapitest.Server{User: "admin", Password: "p:ss"}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

type rig struct {
	*testing.T
	*isapi.Driver
	events chan call.Event
}

func run(t *testing.T, cfg isapi.Config) *rig {
	t.Helper()
	d, err := isapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, Driver: d, events: make(chan call.Event, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		err := d.Run(ctx, func(e call.Event) {
			if err := e.Check(); err != nil {
				t.Errorf("%v in %+v", err, e)
			}
			r.events <- e
		})
		if err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		work.Wait()
	})
	return r
}

func (r *rig) next() call.Event {
	r.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(time.Minute):
		r.Fatalf("nothing is told; %+v", r.State())
		return call.Event{}
	}
}

func (r *rig) until(phase driver.Phase) {
	r.Helper()
	for start := time.Now(); r.State().Phase != phase; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			r.Fatalf("never %s: %+v", phase, r.State())
		}
	}
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		s := server(t)
		d, err := isapi.New(isapi.Config{URL: "http://" + s.Addr(), User: "admin", Password: "p:ss"})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		return calltest.Rig{
			Source: d,
			Say: func() {
				n++
				state := []string{"active", "inactive"}[n%2]
				s.Say(isapitest.XML("IO", state, 1, ""))
			},
			Valid:  func(e call.Event) bool { return e.Kind == call.Input && e.Input == call.Alarm && e.Channel == "1" },
			Noise:  func(b []byte) { s.Say(b) },
			Unplug: s.Close,
			Replug: func() {
				if err := s.Start(); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

func TestMeanings(t *testing.T) {
	s := server(t)
	r := run(t, isapi.Config{URL: "http://" + s.Addr(), User: "admin", Password: "p:ss"})
	r.until(driver.Online)
	on := func(e call.Event, input, channel string, active bool) {
		t.Helper()
		if e.Kind != call.Input || e.Input != input || e.Channel != channel || e.Active != active {
			t.Errorf("%+v, want %s %q %v", e, input, channel, active)
		}
	}
	s.Say(isapitest.XML("VMD", "active", 1, "")) // its own idea of motion
	s.Say(isapitest.XML("IO", "active", 1, "<inputIOPortID>3</inputIOPortID>"))
	for range 5 {
		s.Say(isapitest.XML("IO", "active", 1, "<inputIOPortID>3</inputIOPortID>")) // it repeats
	}
	s.Say(isapitest.Part("image/jpeg", strings.Repeat("--boundary\r\n", 20000)))
	s.Say(isapitest.XML("IO", "inactive", 1, "<inputIOPortID>3</inputIOPortID>"))
	on(r.next(), call.Alarm, "3", true)
	on(r.next(), call.Alarm, "3", false)
	s.Say(isapitest.Access(5, 0x1b, 2, 100))
	s.Say(isapitest.Access(5, 0x1b, 2, 100)) // the very same again
	on(r.next(), call.DoorForced, "2", true)
	s.Say(isapitest.Access(5, 75, 2, 101)) // somebody's face
	s.Say(isapitest.Access(5, 0x1a, 2, 102))
	on(r.next(), call.DoorForced, "2", false)
	s.Say(isapitest.Access(1, 0x404, 0, 103))
	on(r.next(), call.Tamper, "", true)
	s.Say(isapitest.Access(1, 0x405, 0, 104))
	on(r.next(), call.Tamper, "", false)
	s.Say(isapitest.Access(1, 0x40a, 1, 105))
	if e := r.next(); e.Kind != call.Emergency || !e.Active {
		t.Errorf("duress: %+v", e)
	}
	s.Say(isapitest.Access(5, 0x25, 1, 106))
	if b, e := r.next(), r.next(); b.Kind != call.Begin || e.Kind != call.End || b.Call != e.Call {
		t.Errorf("the bell: %+v, %+v", b, e)
	}
	s.Say([]byte("--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert>\r\n<eventType>shelteralarm</eventType>\r\n<eventState>active</eventState>\r\n</EventNotificationAlert>\r\n")) // without a length
	on(r.next(), call.Tamper, "", true)
}

func TestCallStatus(t *testing.T) {
	s := server(t)
	s.Call("idle")
	r := run(t, isapi.Config{URL: "http://" + s.Addr(), User: "admin", Password: "p:ss", Calls: 500 * time.Millisecond})
	r.until(driver.Online)
	s.Call("ring")
	b := r.next()
	s.Forget() // the nonce ages meanwhile
	s.Call("onCall")
	s.Call("idle")
	if e := r.next(); b.Kind != call.Begin || e.Kind != call.End || b.Call != e.Call {
		t.Errorf("%+v, %+v", b, e)
	}
	if s.Tries() != 0 {
		t.Errorf("%d wrong passwords", s.Tries())
	}
}

// TestRefused: a wrong password is tried once, since devices lock users out.
func TestRefused(t *testing.T) {
	s := server(t)
	r := run(t, isapi.Config{URL: "http://" + s.Addr(), User: "admin", Password: "wrong-secret"})
	r.until(driver.Refused)
	time.Sleep(50 * time.Millisecond)
	if s.Tries() != 1 {
		t.Errorf("%d wrong passwords", s.Tries())
	}
	if reason := r.State().Reason; strings.Contains(reason, "wrong-secret") {
		t.Errorf("the reason shows the password: %s", reason)
	}
}

// TestHostile sends what is no alert, or too much of one.
func TestHostile(t *testing.T) {
	s := server(t)
	r := run(t, isapi.Config{URL: "http://" + s.Addr(), User: "admin", Password: "p:ss"})
	r.until(driver.Online)
	for name, bad := range map[string][]byte{
		"entities": isapitest.Part("application/xml", `<!DOCTYPE a [<!ENTITY b "c">]><EventNotificationAlert><eventType>IO</eventType></EventNotificationAlert>`),
		"depth":    isapitest.Part("application/xml", strings.Repeat("<a>", 5000)),
		"json":     isapitest.Part("application/json", strings.Repeat(`{"a":`, 20000)),
		"nothing":  isapitest.Part("application/xml", ""),
		"huge":     isapitest.Part("application/xml", strings.Repeat(" ", 300<<10)),
		"odd":      isapitest.Part("application/json", `{"eventType":["IO"]}`),
	} {
		s.Say(bad)
		s.Say(isapitest.XML("IO", "active", 1, ""))
		if e := r.next(); !e.Active {
			t.Errorf("after %s: %+v", name, e)
		}
		s.Say(isapitest.XML("IO", "inactive", 1, ""))
		if e := r.next(); e.Active {
			t.Errorf("after %s: %+v", name, e)
		}
	}
	if n := r.State().Counts.Rejected; n < 4 {
		t.Errorf("%d rejected", n)
	}
	s.Say([]byte("--boundary\r\nContent-Length: 99999999999\r\n\r\n")) // it is not the stream that it was
	r.until(driver.Unplugged)
	r.until(driver.Online)
}
