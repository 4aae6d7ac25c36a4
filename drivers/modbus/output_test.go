package modbus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
)

// Adapters that repeat what is sent must not confirm what nobody has done.
func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{
			Address: 1, Sections: section(time.Second),
			Outputs: []modbus.Output{{Name: "siren", Table: modbus.Coils, Address: 0}},
		})
		b.bus.Echo(true)
		time.Sleep(3 * time.Second)
		if n := len(b.take()); n < 2 {
			t.Errorf("%d readings on a line that echoes", n)
		}
		if err := b.Switch(t.Context(), "1", "siren", true); err != nil || !b.unit[1].Coil(0) {
			t.Errorf("on a line that echoes: %v", err)
		}
		b.bus.Misbehave(1, modbustest.Dead())
		if err := b.Switch(t.Context(), "1", "siren", true); err == nil {
			t.Error("an echo confirmed what a dead unit did not do")
		}
		b.end()
	})
}

func TestSwitch(t *testing.T) {
	for _, many := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, modbus.Unit{Address: 5, Outputs: []modbus.Output{
				{Name: "siren", Table: modbus.Coils, Address: 2, Multiple: many, Verify: true},
				{Name: "lamp", Table: modbus.Holding, Address: 7, On: 0x100, Off: 0x200, Multiple: many},
			}})
			u := b.unit[5]
			time.Sleep(time.Second)
			if u.Register(7) != 0x200 {
				t.Errorf("at the beginning the lamp is %x, want off", u.Register(7))
			}
			check := func(output string, on bool) {
				t.Helper()
				if err := b.Switch(t.Context(), "5", output, on); err != nil {
					t.Error(err)
				}
				if is := u.Coil(2); output == "siren" && is != on {
					t.Errorf("siren is %v, want %v", is, on)
				}
				if is := u.Register(7) == 0x100; output == "lamp" && is != on {
					t.Errorf("lamp is %v, want %v", is, on)
				}
			}
			check("siren", true)
			check("lamp", true)
			check("siren", false)
			check("siren", true)
			for _, c := range [][2]string{{"5", "bell"}, {"6", "siren"}} {
				if err := b.Switch(t.Context(), c[0], c[1], true); !errors.Is(err, driver.ErrNoDevice) {
					t.Errorf("%v: %v", c, err)
				}
			}
			if s := b.State(); s.Devices["5"].Phase != driver.Online {
				t.Errorf("a unit with outputs alone: %+v", s.Devices["5"])
			}
			b.end()
			if u.Coil(2) || u.Register(7) != 0x200 {
				t.Error("outputs are on after Run")
			}
		})
	}
}

// What is wanted of an output holds when the unit, or the line, comes back.
func TestOutputsAfterAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{Address: 5, Sections: section(time.Second), Outputs: []modbus.Output{{Name: "siren", Table: modbus.Coils}}})
		u := b.unit[5]
		time.Sleep(time.Second)
		if err := b.Switch(t.Context(), "5", "siren", true); err != nil {
			t.Fatal(err)
		}
		// The unit loses its power and comes back with its coils off.
		b.bus.Misbehave(5, modbustest.Dead())
		time.Sleep(time.Minute)
		u.SetBits(0, false)
		b.bus.Misbehave(5, nil)
		time.Sleep(poll30)
		if !u.Coil(0) {
			t.Error("the siren is off after its power was away")
		}
		b.line.Unplug()
		time.Sleep(time.Second)
		if err := b.Switch(t.Context(), "5", "siren", false); !errors.Is(err, driver.ErrNotRunning) {
			t.Errorf("unplugged: %v", err)
		}
		b.line.Replug()
		time.Sleep(poll30)
		if u.Coil(0) {
			t.Error("the siren is on, though it was switched off while the line was away")
		}
		// What could not be switched on is not when nobody expects it any more.
		b.bus.Misbehave(5, modbustest.Dead())
		if err := b.Switch(t.Context(), "5", "siren", true); err == nil {
			t.Error("a dead unit was switched")
		}
		b.bus.Misbehave(5, nil)
		time.Sleep(poll30)
		if u.Coil(0) {
			t.Error("the siren went on long after it should have")
		}
		b.end()
	})
}

// Outputs rest at once when Run ends, however long an answer is awaited.
func TestRestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t,
			modbus.Unit{Address: 1, Sections: section(10 * time.Second), Quirks: modbus.Quirks{Timeout: 50 * time.Second}},
			modbus.Unit{Address: 2, Outputs: []modbus.Output{{Name: "siren", Table: modbus.Coils}}})
		if err := b.Switch(t.Context(), "2", "siren", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		b.bus.Misbehave(1, modbustest.Dead())
		time.Sleep(20 * time.Second) // in the middle of an answer that does not come
		begin := time.Now()
		b.end()
		if took := time.Since(begin); b.unit[2].Coil(0) || took > time.Second {
			t.Errorf("the siren is on: %v, %v after the end", b.unit[2].Coil(0), took)
		}
	})
}

// A switch does not wait for the poll that is due next, and breaks no answer that is awaited.
func TestSwitchIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{Address: 1, Sections: section(10 * time.Second), Outputs: []modbus.Output{{Name: "siren", Table: modbus.Coils}}})
		b.bus.Misbehave(1, modbustest.Late(300*time.Millisecond))
		time.Sleep(20100 * time.Millisecond) // in the middle of the third poll
		begin := time.Now()
		if err := b.Switch(t.Context(), "1", "siren", true); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("switched after %v", took)
		}
		if s := b.State(); s.Counts.Timeouts != 0 {
			t.Errorf("%d answers were missed", s.Counts.Timeouts)
		}
		b.end()
	})
}

func TestSwitchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, modbus.Unit{Address: 1, Outputs: []modbus.Output{{Name: "siren", Table: modbus.Coils}}})
		time.Sleep(time.Second)
		b.bus.Misbehave(1, modbustest.Late(400*time.Millisecond))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := b.Switch(ctx, "1", "siren", true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Switch = %v", err)
		}
		time.Sleep(5 * time.Second)
		if b.unit[1].Coil(0) {
			t.Error("the siren is on, of which the caller was told that it failed")
		}
		b.end()
	})
}
