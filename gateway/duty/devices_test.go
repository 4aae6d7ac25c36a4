package duty

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/text"
)

// failing returns what the page says of devices that have failed.
func (c *client) failing() (all []string) {
	c.r.t.Helper()
	var o struct{ Broken []broken }
	got, body := c.do("GET", "/api/state", nil)
	if err := json.Unmarshal([]byte(body), &o); err != nil || got != http.StatusOK {
		c.r.t.Fatalf("%d %s: %v", got, body, err)
	}
	for _, b := range o.Broken {
		all = append(all, b.What)
	}
	return all
}

// TestBrokenDevices: what a gateway says of a device that has failed is on the page until it is well or gone; not
// while the gateway itself is not to be reached.
func TestBrokenDevices(t *testing.T) {
	r := newRoom(t)
	c := r.client()
	c.signIn("li", secret)
	say := func(id, kind, state string, minute int) bool {
		return r.devices[0].take(gate, id, fmt.Appendf(nil, `{"id":%q,"type":%q,"name":"","state":%q,"since":"2026-03-02T08:%02d:00.000Z"}`, id, kind, state, minute))
	}
	status := func(g ledger.Gateway, state string) {
		t.Helper()
		if _, err := r.ledger.Hear(t.Context(), []ledger.Message{{Gateway: g, Topic: "status", Payload: []byte(`{"state":"` + state + `"}`), At: r.now}}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := c.failing(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}
	status(gate, "online")
	if say("东门", "camera", "online", 1) {
		t.Error("a page is told of a camera that is well")
	}
	say("pump", "sensor", "silent", 2)
	if !say("东门", "camera", "unreachable", 11) || say("东门", "camera", "unreachable", 11) {
		t.Error("a page is told once of a camera that fails")
	}
	say("talk", "radio", "unplugged", 3)
	const camera, sensor, radio = "摄像机 东门 看不到（连不上）", "传感器 pump 读不到（没有数据）", "对讲 talk 听不到（已拔下）"
	expect("three have failed", camera, sensor, radio)
	for _, junk := range []string{"{", "[]", `{"state":7}`, `{"state":""}`} {
		if r.devices[0].take(gate, "东门", []byte(junk)) {
			t.Errorf("%s is taken", junk)
		}
	}
	status(gate, "offline")
	expect("their gateway is not to be reached")
	status(gate, "online")
	say("东门", "camera", "online", 12)
	r.devices[0].take(gate, "pump", nil)
	expect("one is well again, one is no more", radio)
	status(gate+"2", "online")
	expect("among several gateways", "meiyuan "+radio)
	r.devices = append(r.devices, &devices{})
	r.devices[1].take(gate, "talk", []byte(`{"type":"radio","state":"online","since":"2026-03-02T08:30:00Z"}`))
	expect("it is well, says another broker, and later")
	r.devices[1].reset()
	for n := range mostDevices + 10 {
		say(fmt.Sprint(n), "camera", "stalled", 1)
	}
	if n := len(c.failing()); n > mostDevices {
		t.Errorf("%d devices of one gateway", n)
	}
}

// TestPlaceInWords: a place is said with the name that people have given to a device, once its gateway has
// said it, and says what its number is of.
func TestPlaceInWords(t *testing.T) {
	r := newRoom(t)
	card := &ledger.Card{Alert: alert.Alert{Community: "梅园", Grid: "3", Device: "smoke-3-2", Zone: config.AllZones}, Where: gate}
	say := func(want string) {
		t.Helper()
		if got := r.words(card, text.Chinese, nil).Where; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	say("梅园 · 网格 3 · smoke-3-2")
	r.devices[0].take(gate, "smoke-3-2", []byte(`{"type":"sensor","name":"3号楼2层烟感","state":"online","since":"2026-03-02T08:00:00Z"}`))
	say("梅园 · 网格 3 · 3号楼2层烟感")
	r.devices[0].take(gate+"2", "smoke-3-2", []byte(`{"type":"sensor","name":"other","state":"online","since":"2026-03-02T09:00:00Z"}`))
	say("梅园 · 网格 3 · 3号楼2层烟感")
}
