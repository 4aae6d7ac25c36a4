package app

import (
	"reflect"
	"testing"
	"time"

	"sentrybox/gateway/camera"
	"sentrybox/gateway/control"
	"sentrybox/gateway/web"
	"sentrybox/uplink/mqtt/mqtttest"
)

// TestAway: what is named as away, and what is not.
func TestAway(t *testing.T) {
	since := time.Date(2026, 3, 1, 2, 3, 32, 0, time.UTC)
	got := camerasAway(map[string]camera.State{
		"b": {Phase: "unreachable", Since: since, Reason: "connection refused"}, "a": {Phase: "refused", Since: since},
		"c": {Phase: "online"}, "d": {Phase: camera.Blind, Reason: "exit status 7"}, "e": {Phase: "connecting"}, "f": {},
	})
	if want := []control.Away{{Camera: "a", Phase: "refused", Since: since}, {Camera: "b", Phase: "unreachable", Since: since, Reason: "connection refused"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("cameras: %+v", got)
	}
	got = uplinksAway([]web.Uplink{
		{Name: "far", Phase: "offline", Since: since, Reason: "EOF"}, {Name: "near", Phase: "online"}, {Name: "spare", Phase: "standby"},
		{Name: "new", Phase: "connecting"}, {Name: "shared", Phase: "twin"}, {Name: "old", Phase: "tls", Since: since},
	})
	if want := []control.Away{{Uplink: "far", Phase: "offline", Since: since, Reason: "EOF"}, {Uplink: "old", Phase: "tls", Since: since}}; !reflect.DeepEqual(got, want) {
		t.Errorf("uplinks: %+v", got)
	}
}

// TestBrokerAwayIsTold: the gateway's health names a broker that takes no one, and that is no reason to restart it.
func TestBrokerAwayIsTold(t *testing.T) {
	broker := mqtttest.StartFake(t, func(*mqtttest.FakeConn) {}) // ends every connection
	data := t.TempDir()
	runApp(t, parse(t, data, broker.URL()))
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		s, err := control.Health(t.Context(), data)
		if err == nil && len(s.Away) == 1 && s.Away[0].Uplink == "mqtt-1" && !s.Away[0].Since.IsZero() && len(s.Stuck) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", s, err)
		}
	}
}
