package device

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/gateway/command"
)

// TestOutput: however often it is told, a siren is on for its longest time at most; one that
// does not obey is told, and asked until it does.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		req := command.Request{ID: "c1", Type: "output", Body: []byte(`{"output":"siren","on":true,"for":"1h"}`)}
		if got, err := s.HandleOutput(t.Context(), nil, req); err != nil || fmt.Sprint(got) != "map[for:1m0s on:true output:siren]" {
			t.Errorf("%v, %v", got, err)
		}
		var obeyed []error
		done := func(err error) { obeyed = append(obeyed, err) }
		for range 9 {
			s.Carry(req, done)
			time.Sleep(6 * time.Second)
			if !s.drv.is("1") {
				t.Fatal("off")
			}
		}
		synctest.Wait()
		if len(obeyed) != 9 {
			t.Errorf("%d were told", len(obeyed))
		}
		time.Sleep(7 * time.Second)
		if s.drv.is("1") {
			t.Error("on for more than a minute")
		}
		s.Carry(req, done)
		synctest.Wait()
		s.drv.mu.Lock()
		s.drv.deaf = true
		s.drv.mu.Unlock()
		off := command.Request{ID: "c2", Type: "output", Body: []byte(`{"output":"siren","on":false}`)}
		obeyed = nil
		s.Carry(off, done)
		time.Sleep(12 * time.Second)
		s.alerts.since(t, "siren fault 2")
		if len(obeyed) != 1 || obeyed[0] == nil {
			t.Errorf("told %v", obeyed)
		}
		s.drv.mu.Lock()
		s.drv.deaf = false
		s.drv.mu.Unlock()
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "end alert-1")
		if s.drv.is("1") || s.at(t, "siren").Phase != Off {
			t.Error("still on")
		}
		for _, bad := range []string{`{}`, `{"output":"x","on":true}`, `{"output":"siren","on":true,"for":"-3s"}`, `[]`} {
			_, err := s.HandleOutput(t.Context(), nil, command.Request{Body: []byte(bad)})
			var refusal *command.Refusal
			if !errors.As(err, &refusal) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		s.end()
	})
}

// TestOutputOnASlowBus: a siren whose turn on its bus comes after another device's answer of 4 s goes on all the
// same, and nobody is told that it does not obey.
func TestOutputOnASlowBus(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.mu.Lock()
		s.drv.slow = 4 * time.Second
		s.drv.mu.Unlock()
		var obeyed []error
		s.Carry(command.Request{ID: "c1", Type: "output", Body: []byte(`{"output":"siren","on":true}`)}, func(err error) { obeyed = append(obeyed, err) })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !s.drv.is("1") || len(obeyed) != 1 || obeyed[0] != nil {
			t.Errorf("on %v, told %v", s.drv.is("1"), obeyed)
		}
		s.alerts.since(t)
		s.drv.mu.Lock()
		s.drv.slow = 0
		s.drv.mu.Unlock()
		s.end()
	})
}
