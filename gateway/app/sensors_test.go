package app

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sentrybox/drivers/driver"
	"sentrybox/gateway/config"
	"sentrybox/gateway/device"
)

func devicesOf(t *testing.T, doc string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: `+dir+`
uplink: {mqtt: [{url: "mqtt://127.0.0.1:1"}]}
`+doc), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestSensorOfProfile: values, what is impossible, and alerts are as the profile has them, or
// as the configuration does instead.
func TestSensorOfProfile(t *testing.T) {
	cfg := devicesOf(t, `
buses: [{id: line, modbus: /dev/ttyS9}]
sensors:
  - {id: smoke, profile: renke-rs-yg-n01, grid: "3"}
  - {id: pit, profile: qdy30a, unit: 2, parameters: {offset: 0.1}, alerts: [{field: water_level, above: 1.5, clear: 1.2, kind: flood, severity: 1}]}
  - {id: quiet, profile: renke-rs-yg-n01, unit: 3, alerts: [{field: smoke, off: true}]}
`)
	var kinds [][]string
	var made []device.Sensor
	for i := range cfg.Sensors {
		s, rules, err := newSensor(&cfg.Sensors[i])
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, s)
		var all []string
		for _, r := range rules {
			all = append(all, fmt.Sprint(r.Kind, r.Severity))
		}
		kinds = append(kinds, all)
	}
	if want := [][]string{{"smoke1"}, {"flood1"}, nil}; !slices.EqualFunc(kinds, want, slices.Equal) {
		t.Errorf("alerts %v, want %v", kinds, want)
	}
	if s := made[0]; s.Bus != "line" || s.Device != "1" || !s.Asked || s.SilentSeverity != 2 || s.Silent == 0 {
		t.Errorf("%+v", s)
	}
	for _, c := range []struct {
		sensor int
		data   []byte
		want   string
	}{
		{0, []byte{0, 1}, "[{smoke 1  false}]"},
		{0, []byte{0, 7}, "[{smoke 7  true}]"},
		{1, []byte{0, 0, 0, 1, 1, 0xF4}, "[{water_level 0.6  false}]"},
	} {
		got, err := made[c.sensor].Decode(driver.Message{Data: c.data})
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%x is %v, %v; want %s", c.data, got, err, c.want)
		}
	}
	if _, err := made[0].Decode(driver.Message{Data: []byte{0}}); err == nil {
		t.Error("half a register is a value")
	}
}

// TestBrokenBus: a bus whose driver cannot be made says so, and the others are made.
func TestBrokenBus(t *testing.T) {
	cfg := devicesOf(t, `
buses: [{id: line, modbus: /dev/ttyS9}, {id: wan, lorawan: "127.0.0.1:0"}]
sensors:
  - {id: smoke, profile: renke-rs-yg-n01}
  - {id: door, profile: dragino-lds02, dev_addr: 26011bda, nwk_skey: 00000000000000000000000000000000, app_skey: 00000000000000000000000000000000}
`)
	buses := (&App{Config: cfg, Log: slog.New(slog.DiscardHandler)}).newBuses(cfg)
	if len(buses) != 2 {
		t.Fatal(buses)
	}
	line, wan := buses[0].Make(), buses[1].Make()
	if err := wan.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "zeros") || wan.State().Phase != driver.Failed {
		t.Errorf("%v, %+v", err, wan.State())
	}
	if line.State().Phase != driver.Loaded {
		t.Errorf("%+v", line.State())
	}
}
