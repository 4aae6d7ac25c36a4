package web

import (
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

// TestContestIsTold: that another gateway has this one's id is bad, whatever else carries alerts, and is
// said with what to do, in both languages.
func TestContestIsTold(t *testing.T) {
	for phase, words := range map[string]map[text.Lang]string{
		"twin": {text.Chinese: "另一台网关", text.English: "the same id"},
		"cut":  {text.Chinese: "一连上就被断开", text.English: "cut off again and again"},
	} {
		for l, want := range words {
			st := State{Uplinks: []Uplink{{Name: "4g", Phase: phase}, {Name: "dsl", Phase: "online"}}}
			line := uplinkLines(&st, l)[0]
			if line.Level != Bad || !strings.Contains(line.Text, want) || !strings.Contains(line.Hint, map[text.Lang]string{text.Chinese: "编号", text.English: "id"}[l]) {
				t.Errorf("%+v", line)
			}
		}
	}
}

// TestNamesForPeople: what is shown first has the names that people have given, and what was measured in
// their language.
func TestNamesForPeople(t *testing.T) {
	r := newRig(t)
	r.use(file + `buses: [{id: rs485, modbus: /dev/ttyS5}]
sensors: [{id: smoke-1, name: 配电房烟感, profile: renke-rs-yg-n01, bus: rs485}, {id: smoke-2, profile: renke-rs-yg-n01, bus: rs485, unit: 2}]
`)
	names := namesOf(r.running)
	if names["smoke-1"] != "配电房烟感" || names["smoke-2"] != "" || names["东门"] != "" {
		t.Errorf("%v", names)
	}
	d := Device{ID: "smoke-1", Readings: map[string]any{"smoke": 0.0}}
	if zh, en := measured(&d, r.running.Sensors[0].Model(), text.Chinese), measured(&d, r.running.Sensors[0].Model(), text.English); zh != "烟雾 正常" || en != "smoke normal" {
		t.Errorf("%q, %q", zh, en)
	}
	st, _ := r.gateway.State(t.Context())
	st.Alerts[0].Device = "smoke-1"
	if o := r.server.words(&st, text.English); o.Alerts[0].DeviceText != "配电房烟感" {
		t.Errorf("%+v", o.Alerts[0])
	}
}
