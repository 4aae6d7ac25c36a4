package modbus_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port"
)

func TestConformRTU(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		line := drivertest.NewLine()
		u := modbustest.NewUnit(4)
		u.SetRegisters(0, 0x1234, 0x5678)
		bus := modbustest.NewBus(line)
		bus.Attach(3, u)
		served := make(chan error)
		go func() { served <- bus.Serve() }()
		t.Cleanup(func() { line.Close(); <-served })
		return drivertest.Rig{
			Driver: mustNew(t, modbus.Config{Open: line.Open, Units: []modbus.Unit{{Address: 3, Sections: section(100 * time.Millisecond)}}}),
			Valid:  valid,
			Noise:  func(b []byte) { line.Write(b) },
			Unplug: line.Unplug, Replug: line.Replug,
		}
	})
}

func TestConformTCP(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		u := modbustest.NewUnit(4)
		u.SetRegisters(0, 0x1234, 0x5678)
		bus := modbustest.NewBus(nil)
		bus.Attach(3, u)
		server, err := modbustest.Listen(bus)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		open, err := port.New(port.Config{Address: "tcp://" + server.Address()})
		if err != nil {
			t.Fatal(err)
		}
		return drivertest.Rig{
			Driver: mustNew(t, modbus.Config{Open: open, Framing: modbus.TCP, Units: []modbus.Unit{{Address: 3, Sections: section(100 * time.Millisecond)}}}),
			Valid:  valid,
			Noise:  server.Inject,
			Unplug: func() { server.Refuse(true) }, Replug: func() { server.Refuse(false) },
		}
	})
}

// However late an answer is, it is never taken for the answer to a later request. Register 0 counts the requests of
// the unit, so that an answer tells whose it is.
func TestLateAnswer(t *testing.T) {
	for _, count := range []uint16{1, 2} {
		for late := 550 * time.Millisecond; late < 6*time.Second; late += 170 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, modbus.Unit{Address: 1, Sections: []modbus.Section{{Name: "a", Table: modbus.Holding, Count: count, Every: time.Second}}})
				slow := true
				b.bus.Misbehave(1, func(answer []byte) []modbustest.Piece {
					if slow {
						slow = false
						return []modbustest.Piece{{After: late, Data: answer}}
					}
					return []modbustest.Piece{{Data: answer}}
				})
				for n := range uint16(300) { // the register tells the time, in tenths of a second
					b.unit[1].SetRegisters(0, n, 0)
					time.Sleep(100 * time.Millisecond)
				}
				got := b.take()
				b.end()
				if len(got) < 20 {
					t.Errorf("late by %v: %d readings in 30 s", late, len(got))
				}
				begin := got[0].At
				first := values(got)[0]
				for i, v := range values(got) {
					if age := got[i].At.Sub(begin) - time.Duration(v-first)*100*time.Millisecond; age > 300*time.Millisecond {
						t.Errorf("%d registers, late by %v: reading %d is %v old", count, late, i, age)
					}
				}
			})
		}
	}
}

func TestSectionsOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{Address: 9, Sections: []modbus.Section{
			{Name: "level", Table: modbus.Input, Start: 4, Count: 2, Every: time.Second},
			{Name: "state", Table: modbus.Input, Start: 1, Count: 1, Every: time.Second},
			{Name: "bits", Table: modbus.Discrete, Start: 3, Count: 10, Every: time.Second},
		}})
		b.unit[9].SetRegisters(0, 10, 11, 12, 13, 14, 15)
		b.unit[9].SetBits(3, true, false, true, true, false, false, false, false, false, true)
		time.Sleep(1500 * time.Millisecond)
		b.take()
		before := b.bus.Asked(9)
		time.Sleep(time.Second)
		got := map[string]string{}
		for _, m := range b.take() {
			got[m.Section] = fmt.Sprintf("%s % x", m.Device, m.Data)
		}
		for name, want := range map[string]string{"level": "9 00 0e 00 0f", "state": "9 00 0b", "bits": "9 0d 02"} {
			if got[name] != want {
				t.Errorf("%s: %s, want %s", name, got[name], want)
			}
		}
		if n := b.bus.Asked(9) - before; n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		b.end()
	})
}

// A unit that refuses registers between its own is asked apart, and one that refuses a section
// gives the others.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t,
			modbus.Unit{Address: 1, Sections: []modbus.Section{
				{Name: "good", Table: modbus.Holding, Start: 198, Count: 2, Every: time.Second},
				{Name: "beyond", Table: modbus.Holding, Start: 201, Count: 1, Every: time.Second},
			}},
			modbus.Unit{Address: 2, Sections: section(time.Second)})
		time.Sleep(5500 * time.Millisecond)
		good := 0
		for _, m := range b.take() {
			if m.Section == "beyond" {
				t.Errorf("a section that was refused: %+v", m)
			}
			if m.Section == "good" {
				good++
			}
		}
		s := b.State()
		if good < 5 || s.Devices["1"].Phase != driver.Failed || !strings.Contains(s.Devices["1"].Reason, "exception 2 (illegal data address) reading holding 201+1") {
			t.Errorf("%d readings, %+v", good, s.Devices["1"])
		}
		if s.Phase != driver.Online || s.Devices["2"].Phase != driver.Online {
			t.Errorf("one unit's refusal is the bus's: %+v", s)
		}
		if since := s.Devices["1"].Since; time.Since(since) < 4*time.Second {
			t.Errorf("failed since %v ago: the phase flaps", time.Since(since))
		}
		b.end()
	})
}

func TestDeadUnitDoesNotSlowOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var units []modbus.Unit
		for i := range byte(10) {
			units = append(units, modbus.Unit{Address: i + 1, Sections: section(time.Second)})
		}
		b := start(t, units...)
		for i := byte(6); i <= 10; i++ {
			b.bus.Misbehave(i, modbustest.Dead())
		}
		time.Sleep(time.Minute)
		b.take()
		time.Sleep(time.Minute)
		count := map[string]int{}
		for _, m := range b.take() {
			count[m.Device]++
		}
		for i := 1; i <= 5; i++ {
			if n := count[fmt.Sprint(i)]; n < 54 {
				t.Errorf("unit %d: %d readings a minute, want 60", i, n)
			}
		}
		if s := b.State(); s.Devices["7"].Phase != driver.Silent || s.Phase != driver.Online {
			t.Errorf("state %+v", s)
		}
		b.bus.Misbehave(7, nil)
		time.Sleep(poll30)
		if s := b.State(); s.Devices["7"].Phase != driver.Online {
			t.Errorf("back again: %+v", s.Devices["7"])
		}
		b.end()
	})
}

const poll30 = 35 * time.Second // poll.MaxWait and a little

func TestNoneAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{Address: 1, Sections: section(time.Second)})
		time.Sleep(5 * time.Second)
		b.bus.Misbehave(1, modbustest.Dead())
		time.Sleep(2 * time.Minute)
		if s := b.State(); s.Phase != driver.Silent || s.Reason != "no unit answers" || b.line.Opened() < 2 {
			t.Errorf("state %+v, opened %d times", s.Status, b.line.Opened())
		}
		b.bus.Misbehave(1, nil)
		time.Sleep(poll30)
		if s := b.State(); s.Phase != driver.Online {
			t.Errorf("state %+v", s.Status)
		}
		b.end()
	})
}

// TestSlowUnit has units that need longer for every answer than units mostly get: they are read as they were
// configured to be, also when they come later, and the others at their time.
func TestSlowUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := modbus.Unit{Address: 1, Sections: section(10 * time.Second)}
		b := start(t, slow, modbus.Unit{Address: 2, Sections: section(10 * time.Second)}, modbus.Unit{Address: 3, Sections: section(2 * time.Second)})
		b.bus.Misbehave(1, modbustest.Late(1200*time.Millisecond))
		b.bus.Misbehave(2, modbustest.Dead())
		time.Sleep(time.Minute)
		count := func() map[string]int {
			n := map[string]int{}
			for _, m := range b.take() {
				n[m.Device]++
			}
			return n
		}
		if n := count(); n["1"] < 5 || n["3"] < 28 {
			t.Errorf("readings in a minute: %v", n)
		}
		if s := b.State(); !strings.HasPrefix(s.Devices["2"].Reason, "no answer within ") {
			t.Errorf("a dead unit: %+v", s.Devices["2"])
		}
		b.bus.Misbehave(1, modbustest.Dead())
		time.Sleep(time.Minute)
		for address := range byte(2) {
			b.bus.Misbehave(1+address, modbustest.Late(1200*time.Millisecond))
		}
		time.Sleep(10 * time.Minute)
		count()
		time.Sleep(time.Minute)
		if n := count(); n["1"] < 5 || n["2"] < 5 || n["3"] < 28 {
			t.Errorf("readings in a minute, after they were away: %v", n)
		}
		b.end()
	})
}

func TestScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := drivertest.NewLine()
		bus := modbustest.NewBus(line)
		for _, a := range []byte{1, 17, 18, 247} {
			bus.Attach(a, modbustest.NewUnit(1))
		}
		bus.Attach(30, modbustest.NewUnit(0)) // refuses everything, and is there
		rnd := modbustest.NewRand(1)
		bus.Misbehave(18, modbustest.Noisy(rnd, 9))
		bus.Misbehave(17, modbustest.Late(150*time.Millisecond)) // while 18 is asked
		bus.Attach(60, modbustest.NewUnit(1))
		bus.Misbehave(60, modbustest.Late(350*time.Millisecond)) // while it is asked for something else
		served := make(chan error)
		go func() { served <- bus.Serve() }()
		looked := 0
		found, err := modbus.Scan(t.Context(), modbus.ScanConfig{Open: line.Open, CharTime: time.Millisecond, Timeout: 200 * time.Millisecond},
			func(byte) { looked++ })
		if err != nil || looked != 247 {
			t.Errorf("looked at %d addresses, %v", looked, err)
		}
		var got []string
		for _, f := range found {
			got = append(got, fmt.Sprint(f.Address, " ", f.Answer))
		}
		want := "1 holding registers, 17 holding registers, 18 holding registers, 30 exception 2 (illegal data address), 60 holding registers, 247 holding registers"
		if strings.Join(got, ", ") != want {
			t.Errorf("found %s, want %s", strings.Join(got, ", "), want)
		}
		line.Close()
		<-served
	})
}

func TestNewRefuses(t *testing.T) {
	line := drivertest.NewLine()
	unit := func(u modbus.Unit) modbus.Config { return modbus.Config{Open: line.Open, Units: []modbus.Unit{u}} }
	with := func(s modbus.Section) modbus.Config {
		return unit(modbus.Unit{Address: 1, Sections: []modbus.Section{s}})
	}
	ok := section(time.Second)[0]
	for want, c := range map[string]modbus.Config{
		"no port":               {},
		"no units":              {Open: line.Open},
		"framing":               {Open: line.Open, Framing: "ascii"},
		"unit 248":              unit(modbus.Unit{Address: 248, Sections: []modbus.Section{ok}}),
		"an address of its own": {Open: line.Open, Units: []modbus.Unit{{Address: 1, Sections: []modbus.Section{ok}}, {Address: 1, Sections: []modbus.Section{ok}}}},
		"neither":               unit(modbus.Unit{Address: 1}),
		"a name of its own":     unit(modbus.Unit{Address: 1, Sections: []modbus.Section{ok, ok}}),
		"table":                 with(modbus.Section{Table: "x", Count: 1, Every: time.Second}),
		"0 from 0":              with(modbus.Section{Table: modbus.Coils, Every: time.Second}),
		"2 from 65535":          with(modbus.Section{Table: modbus.Coils, Start: 65535, Count: 2, Every: time.Second}),
		"every 1ms":             with(modbus.Section{Table: modbus.Coils, Count: 1, Every: time.Millisecond}),
		"output":                unit(modbus.Unit{Address: 1, Outputs: []modbus.Output{{Name: "x", Table: modbus.Input}}}),
		"the same":              unit(modbus.Unit{Address: 1, Outputs: []modbus.Output{{Name: "x", Table: modbus.Holding, On: 1, Off: 1}}}),
		"quirks":                unit(modbus.Unit{Address: 1, Sections: []modbus.Section{ok}, Quirks: modbus.Quirks{Max: 126}}),
	} {
		if _, err := modbus.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
}
