package onvif_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/onvif/onviftest"
)

func eventDevice(t *testing.T, change func(*onviftest.Server)) *onviftest.Server {
	t.Helper()
	s := &onviftest.Server{User: "admin", Password: "secret", Events: &onviftest.Events{}}
	if change != nil {
		change(s)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestListenerConforms(t *testing.T) {
	calltest.Conform(t, func(t *testing.T) calltest.Rig {
		s := eventDevice(t, nil)
		l, err := onvif.NewListener(onvif.EventsConfig{Config: onvif.Config{Address: s.Addr(), User: "admin", Password: "secret"}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		return calltest.Rig{
			Source: l,
			Say: func() {
				n++
				s.Events.Notify("tns1:Device/Trigger/DigitalInput", "InputToken", "1", "LogicalState", []string{"true", "false"}[n%2], time.Now())
			},
			Valid: func(e call.Event) bool { return e.Input == call.Alarm && e.Channel == "1" },
			Unplug: func() {
				s.Address = s.Addr()
				s.Close()
			},
			Replug: func() {
				if err := s.Start(); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

// TestEvents hears events of a device whose clock is wrong, that loses its subscriptions, and that
// does not renew them.
func TestEvents(t *testing.T) {
	for name, change := range map[string]func(*onviftest.Server){
		"digest":      nil,
		"token":       func(s *onviftest.Server) { s.NoDigest, s.ClockError = true, -3*time.Hour },
		"no services": func(s *onviftest.Server) { s.NoServices = true },
		"no renewal":  func(s *onviftest.Server) { s.Events.NoRenew, s.Events.Hasty = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := eventDevice(t, change)
			l, err := onvif.NewListener(onvif.EventsConfig{Config: onvif.Config{Address: s.Addr(), User: "admin", Password: "secret"}})
			if err != nil {
				t.Fatal(err)
			}
			events := make(chan call.Event, 100)
			ctx, cancel := context.WithCancel(context.Background())
			var work sync.WaitGroup
			work.Go(func() {
				if err := l.Run(ctx, func(e call.Event) { events <- e }); err != nil {
					t.Errorf("Run = %v", err)
				}
			})
			next := func(input, channel string, active bool) call.Event {
				t.Helper()
				select {
				case e := <-events:
					if e.Kind != call.Input || e.Input != input || e.Channel != channel || e.Active != active {
						t.Errorf("%+v, want %s of %q: %v", e, input, channel, active)
					}
					return e
				case <-time.After(time.Minute):
					t.Fatalf("nothing is told; %+v", l.State())
				}
				return call.Event{}
			}
			at := time.Now().Add(s.ClockError - time.Minute)
			s.Events.Notify("tns1:Device/Trigger/DigitalInput", "InputToken", "in1", "LogicalState", "true", at)
			if e := next(call.Alarm, "in1", true); time.Since(e.At) < 40*time.Second || time.Since(e.At) > 2*time.Minute {
				t.Errorf("it was at %v, which is %v ago", e.At, time.Since(e.At))
			}
			s.Events.Notify("tns1:VideoSource/MotionAlarm", "Source", "1", "State", "true", at)
			s.Events.Notify("tns1:VideoSource/GlobalSceneChange/ImagingService", "Source", "1", "State", "1", at)
			next(call.Tamper, "1", true)
			s.Events.Drop() // it restarts
			s.Events.Notify("tns1:Door/State/DoorAlarm", "DoorToken", "d1", "State", "DoorForcedOpen", at)
			next(call.DoorForced, "d1", true) // from its initial state; what is known already is not told again
			s.Events.Notify("tns1:Door/State/DoorAlarm", "DoorToken", "d1", "State", "Normal", at)
			next(call.DoorForced, "d1", false)
			cancel()
			work.Wait()
			if now, ended := s.Events.Points(); now != 0 || ended == 0 {
				t.Errorf("%d pull points are left", now)
			}
		})
	}
}

// TestEventsRefused: a wrong password is not tried again and again.
func TestEventsRefused(t *testing.T) {
	s := eventDevice(t, nil)
	l, err := onvif.NewListener(onvif.EventsConfig{Config: onvif.Config{Address: s.Addr(), User: "admin", Password: "wrong"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = l.Run(ctx, func(call.Event) {}) })
	defer work.Wait()
	defer cancel()
	for start := time.Now(); l.State().Phase != driver.Refused; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%+v", l.State())
		}
	}
	if s.Tries() > 2 { // by Digest, and by a token
		t.Errorf("%d tries", s.Tries())
	}
}
