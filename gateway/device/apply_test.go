package device

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/rule"
)

// changing is a bus of a test that is made of a plan.
type changing struct {
	made []*fakeDriver
}

func (c *changing) bus(id string, plan any) Bus {
	return Bus{ID: id, Plan: plan, Make: func() driver.Driver {
		d := &fakeDriver{on: map[string]bool{}}
		c.made = append(c.made, d)
		return d
	}}
}

func level(t *testing.T, sensor string, above float64) Rule {
	t.Helper()
	return Rule{ID: sensor + "/level", Sensor: sensor, Kind: "level", Severity: 2,
		When: rule.Threshold(rule.Ref{Sensor: sensor, Quantity: "level"}, ">", above).For(30 * time.Second)}
}

func measures(id, bus string) Sensor {
	return Sensor{ID: id, Bus: bus, Device: "1", Decode: decodeText, Quantities: []Quantity{{Name: "level"}}}
}

// TestApply: a bus that is the same is not touched while others come, change and go, nor what
// its sensors have measured, nor how long a condition has held.
func TestApply(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		one, two, three := &changing{}, &changing{}, &changing{}
		siren := Output{ID: "siren", Bus: "one", Device: "9", Output: "1", MaxOn: time.Hour}
		c := Config{
			Location: time.UTC, Sensors: []Sensor{measures("a", "one"), measures("b", "two")},
			Rules: []Rule{level(t, "a", 1), level(t, "b", 1)}, Buses: []Bus{one.bus("one", 1), two.bus("two", 1)}, Outputs: []Output{siren},
		}
		s.Apply(t.Context(), c)
		time.Sleep(2 * time.Second)
		if s.drv.State().Phase != driver.Stopped {
			t.Errorf("the bus that is gone is %s", s.drv.State().Phase)
		}
		one.made[0].say("1", "level=2")
		two.made[0].say("1", "level=2")
		s.outputs.on("siren", 0, "test")
		time.Sleep(20 * time.Second)

		// Another bus is changed, one is added, and a sensor has another name and grid.
		c.Buses = []Bus{one.bus("one", 1), two.bus("two", 2), three.bus("three", 1)}
		c.Sensors = []Sensor{measures("a", "one"), measures("b", "two"), measures("c", "three")}
		c.Sensors[0].Name, c.Sensors[0].Grid = "泵房", "4"
		s.Apply(t.Context(), c)
		time.Sleep(9 * time.Second)
		s.alerts.since(t)
		time.Sleep(2 * time.Second) // 30 s of what began before the change
		s.alerts.since(t, "a level 2 2", "b level 2 2")
		if n := one.made[0].State().Counts.Opened; len(one.made) != 1 || n != 1 || !one.made[0].is("1") {
			t.Errorf("the bus that did not change was made %d times and opened %d times, its siren is on: %v", len(one.made), n, one.made[0].is("1"))
		}
		if len(two.made) != 2 || two.made[0].State().Phase != driver.Stopped || two.made[1].State().Counts.Opened != 1 || three.made[0].State().Counts.Opened != 1 {
			t.Errorf("buses that changed: %d, %v, %v, %v", len(two.made), two.made[0].State(), two.made[1].State(), three.made[0].State())
		}
		if st := s.at(t, "a"); st.Name != "泵房" || st.Grid != "4" || st.Values["level"] != 2.0 || st.Phase != Online {
			t.Errorf("%+v", st)
		}

		// A threshold is another: what is measured now decides. What is gone is over.
		c.Rules = []Rule{level(t, "a", 5)}
		c.Buses, c.Sensors = []Bus{one.bus("one", 1)}, c.Sensors[:1]
		s.Apply(t.Context(), c)
		time.Sleep(2 * time.Second)
		s.alerts.since(t, "end alert-2", "end alert-1")
		if n := one.made[0].State().Counts.Opened; len(one.made) != 1 || n != 1 || two.made[1].State().Phase != driver.Stopped {
			t.Errorf("opened %d times, the other is %s", n, two.made[1].State().Phase)
		}

		// The siren's bus is another: it goes on, by the new one.
		c.Buses = []Bus{one.bus("one", 2)}
		s.Apply(t.Context(), c)
		time.Sleep(3 * time.Second)
		if len(one.made) != 2 || !one.made[1].is("1") {
			t.Errorf("%d drivers, the siren is on: %v", len(one.made), one.made[len(one.made)-1].is("1"))
		}
		c.Outputs = nil
		s.Apply(t.Context(), c)
		if synctest.Wait(); one.made[1].is("1") || one.made[1].State().Counts.Opened != 1 {
			t.Error("an output that is gone is left on, or its bus was touched")
		}
		s.end()
	})
}

// TestApplyBefore: what is changed while nothing runs is run later.
func TestApplyBefore(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		st := s.alerts.store
		bus := &changing{}
		h, err := New(t.Context(), Config{Alerts: s.alerts, Store: st, Location: time.UTC, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		h.Apply(t.Context(), Config{Location: time.UTC, Buses: []Bus{bus.bus("one", 1)}})
		if bus.made[0].State().Counts.Opened != 0 {
			t.Error("it runs already")
		}
		s.end()
	})
}
