package web

import (
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/health"
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

// TestEachStateSaysWhatToDo: whatever is not well is said with what a person can do, in both languages.
func TestEachStateSaysWhatToDo(t *testing.T) {
	at := time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC)
	st := State{
		At: at, Disk: "disk_full", Vitals: health.Vitals{Temperature: 84, Cores: 1, Load: 4.43, MemoryTotal: 100, MemoryFree: 2, DiskTotal: 100, DiskFree: 1},
		Delay50: time.Second, Delay95: time.Minute, Lanes: []Lane{{Name: "alert", Depth: 1, Oldest: at.Add(-time.Hour)}},
	}
	for _, phase := range []string{"connecting", "unreachable", "refused", "no_video", "codec", "stalled", "blind"} {
		st.Cameras = append(st.Cameras, Camera{ID: phase, Phase: phase})
	}
	st.Cameras = append(st.Cameras, Camera{ID: "model", Phase: "online", Detector: "no such file"})
	for _, phase := range []string{"waiting", "connecting", "low_battery", "silent", "fault", "unplugged", "failed", "skipped", "refused", "unreachable", "unused"} {
		st.Devices = append(st.Devices, Device{ID: phase, Type: "sensor", Phase: phase})
	}
	for _, phase := range []string{"connecting", "offline", "refused", "tls", "twin", "cut"} {
		st.Uplinks = append(st.Uplinks, Uplink{Name: phase, Phase: phase})
	}
	for _, l := range []text.Lang{text.Chinese, text.English} {
		all := lines(&st, nil, l)
		for _, v := range vitals(&st, l) {
			all = append(all, Line{Level: v.Level, Text: v.Label, Hint: v.Hint})
		}
		if len(all) != 8+11+6+4+5 {
			t.Errorf("%d states", len(all))
		}
		for _, x := range all {
			if x.Level == Good || x.Hint == "" || strings.HasPrefix(x.Hint, "web.") || strings.HasPrefix(x.Hint, "system.") {
				t.Errorf("%s: %+v", l, x)
			}
		}
	}
}

// TestAlertsStandTogether: those of an incident, a grid or a device follow one another, and the group with what is gravest
// and newest comes first.
func TestAlertsStandTogether(t *testing.T) {
	minute := func(n int) alert.Time { return alert.Time{Time: time.Date(2026, 3, 1, 14, n, 0, 0, time.UTC)} }
	all := []alert.Alert{
		{ID: "a", Device: "gate", Grid: "3", Severity: 3, State: alert.Raised, DetectedAt: minute(9)},
		{ID: "b", Device: "yard", Severity: 2, State: alert.Raised, DetectedAt: minute(1)},
		{ID: "c", Device: "door", Grid: "3", Severity: 1, State: alert.Acknowledged, DetectedAt: minute(2)},
		{ID: "d", Device: "roof", Grid: "3", Severity: 2, State: alert.Raised, DetectedAt: minute(5)},
		{ID: "e", Device: "hall", Grid: "4", Severity: 4, State: alert.Raised, DetectedAt: minute(6), Incident: "d"},
	}
	r := newRig(t)
	o := r.server.words(&State{At: minute(10).Time, Alerts: all}, text.English)
	var got []string
	for _, a := range o.Alerts {
		got = append(got, a.ID+" "+a.GroupText)
	}
	if s := strings.Join(got, ", "); s != "d One incident · Grid 3, e One incident · Grid 4, b yard, a Grid 3, c Grid 3" {
		t.Error(s)
	}
	if o.Alerts[0].Group != o.Alerts[1].Group || o.Alerts[1].Group == o.Alerts[3].Group {
		t.Errorf("%+v", o.Alerts)
	}
}
