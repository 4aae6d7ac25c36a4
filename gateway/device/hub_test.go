package device

import (
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
)

func TestAlarms(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		if s.drv.is("1") {
			t.Error("the siren is on that an earlier run has left")
		}
		s.drv.say("1", "water_level=0.5")
		time.Sleep(29 * time.Second)
		s.alerts.since(t)
		time.Sleep(time.Second)
		s.alerts.since(t, "pit water_level 2 0.5m")
		if !s.drv.is("1") {
			t.Error("no siren")
		}
		s.drv.say("1", "water_level=0.35") // between the thresholds
		s.drv.say("1", "water_level=0.45")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		if s.drv.is("1") {
			t.Error("the siren is on for longer than 20 s")
		}
		s.drv.say("1", "water_level=7") // impossible
		s.alerts.since(t)
		s.drv.say("1", "water_level=0.2")
		s.alerts.since(t, "end alert-1")
		for range 2 { // each press counts, and none ends
			s.drv.say("2", "press=1")
		}
		s.alerts.since(t, "panic panic 1 1, a call", "panic panic 1 1, a call")
		s.drv.say("3", "smoke=1")
		s.alerts.since(t)
		time.Sleep(5 * time.Second)
		s.alerts.since(t, "a smoke 3 1")
		s.drv.say("3", "smoke=0")
		time.Sleep(50 * time.Second)
		s.alerts.since(t, "end alert-4")
		s.drv.say("4", "smoke=1")
		s.alerts.since(t, "b fire 1 1")
		s.drv.say("1", "battery=14")
		s.drv.say("1", "battery=19")
		if st := s.at(t, "pit"); st.Phase != LowBattery || st.Values["battery"] != 19.0 || st.Units["water_level"] != "m" {
			t.Errorf("%+v", st)
		}
		s.drv.say("1", "battery=20")
		s.alerts.since(t, "pit battery 4 14%", "end alert-6")
		time.Sleep(time.Minute)
		s.alerts.since(t, "end alert-5") // what smoked first has been quiet for a minute
		s.end()
	})
}

// TestRestart: what is raised is not raised again, holds on without its time beginning anew,
// and ends when it is over.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("1", "water_level=0.5 battery=3")
		time.Sleep(31 * time.Second)
		s.alerts.since(t, "pit battery 4 3%", "pit water_level 2 0.5m")
		if !s.drv.is("1") {
			t.Error("no siren")
		}
		s.end()
		if s.drv.is("1") {
			t.Error("the siren is on although the gateway has stopped")
		}
		s = open(t, dir)
		s.drv.say("1", "water_level=0.5 battery=3")
		time.Sleep(5 * time.Minute)
		s.alerts.since(t)
		s.drv.say("1", "water_level=0.1")
		s.alerts.since(t, "end alert-2")
		s.end()
	})
}

func TestSilence(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("1", "water_level=0.5")
		time.Sleep(31 * time.Second)
		time.Sleep(10 * time.Minute)
		s.alerts.since(t, "pit water_level 2 0.5m", "pit silence 3") // the water may be high still
		s.drv.say("1", "water_level=0.5")
		s.alerts.since(t, "end alert-2")
		// The bus is told, and not each of its sensors.
		s.drv.Enter(driver.Unplugged, "no adapter")
		time.Sleep(3 * time.Second)
		s.alerts.since(t)
		if st := s.at(t, "pit"); st.Phase != Away || st.Reason != "no adapter" {
			t.Errorf("%+v", st)
		}
		time.Sleep(20 * time.Minute)
		s.alerts.since(t, "bus unplugged 2")
		s.drv.Enter(driver.Silent, "")
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "end alert-3")
		time.Sleep(9 * time.Minute)
		s.alerts.since(t)
		time.Sleep(time.Minute)
		s.alerts.since(t, "pit silence 3")
		s.end()
		// Restarted every few minutes, it is missed all the same.
		s = open(t, dir)
		time.Sleep(9 * time.Minute)
		s.drv.say("1", "water_level=0")
		s.alerts.since(t, "end alert-4", "end alert-1")
		s.end()
	})
}

// TestNothingHeardYet: a bus that listens and has not heard anybody yet waits; that it has fallen silent is
// another thing.
func TestNothingHeardYet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.Enter(driver.Silent, "subscribed, nothing heard yet")
		time.Sleep(2 * time.Second)
		if st := s.at(t, "bus"); st.Phase != Waiting || st.Reason == "" {
			t.Errorf("before the first message: %+v", st)
		}
		s.drv.say("1", "water_level=0.1")
		s.drv.Enter(driver.Silent, "subscribed, nothing heard yet")
		time.Sleep(2 * time.Second)
		if st := s.at(t, "bus"); st.Phase != Silent {
			t.Errorf("after the last message: %+v", st)
		}
		s.end()
	})
}

// TestPoison: what floods is limited, what means nothing is told, and both stop nobody.
func TestPoison(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		for range 3 * Burst {
			s.drv.say("3", "smoke=0")
		}
		for range badLimit {
			s.drv.say("4", "smoke=x")
		}
		s.drv.say("2", "press=1")
		s.alerts.since(t, "a fault 3", "b fault 3", "panic panic 1 1, a call")
		if st := s.at(t, "a"); st.Phase != Faulty || st.Reason != "sends too much" {
			t.Errorf("%+v", st)
		}
		if st := s.at(t, "b"); st.Phase != Faulty || st.Reason != "nonsense" {
			t.Errorf("%+v", st)
		}
		time.Sleep(2 * time.Minute)
		s.drv.say("4", "smoke=1")
		s.drv.say("3", "smoke=0")
		s.alerts.since(t, "end alert-1", "end alert-2")
		if st := s.at(t, "b"); st.Phase != Online {
			t.Errorf("%+v", st)
		}
		s.end()
	})
}

// TestNotDurableYet: an alarm is told as soon as it can be, in order.
func TestNotDurableYet(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.alerts.broken = true
		s.drv.say("1", "battery=3")
		s.drv.say("1", "battery=50")
		time.Sleep(time.Minute)
		s.alerts.since(t)
		s.alerts.mu.Lock()
		s.alerts.broken = false
		s.alerts.mu.Unlock()
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "pit battery 4 3%", "end alert-1")
		s.end()
	})
}

// TestDurableFirst: when a driver's message has been taken, the alarm that it raised is durable.
func TestDurableFirst(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		s.drv.say("2", "press=1")
		s.alerts.mu.Lock() // nobody waits in between
		n := len(s.alerts.lines)
		s.alerts.mu.Unlock()
		if n != 1 {
			t.Errorf("%d alerts when the press was taken", n)
		}
		s.end()
	})
}
