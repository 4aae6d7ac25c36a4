package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/homebrew/homebrewtest"
	"sentrybox/gateway/alert"
	"sentrybox/uplink/mqtt/mqtttest"
)

const radiosDoc = estateHead + `
broker: {listen: "127.0.0.1:0"}
radios:
  - id: walkie
    grid: "9"
    homebrew: {listen: "HERE", repeaters: {460010199: {name: 热点, password: secret}}}
    units: {4600101: {name: 老王, grid: "3", place: 东门岗亭}, 4600102: {name: 小李}}
  - {id: hotspot, mmdvm: {}, units: {4600103: {name: 大刘}}}
`

// alertOf waits for an open alert of a caller.
func alertOf(t *testing.T, a *App, caller string, again func()) (got alert.Alert, payload []byte) {
	t.Helper()
	for range 6000 {
		again()
		items, err := a.alerts.Open(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			if json.Unmarshal(it.Payload, &got) == nil && got.Caller == caller {
				return got, it.Payload
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no alert of %s", caller)
	return got, nil
}

// An emergency key is an alert with a name and a place; the repeater stays logged in while the gateway begins
// anew for something else.
func TestRadios(t *testing.T) {
	addr := fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t)) // of TCP; nobody has the same of UDP
	r := &estateRig{t: t, data: t.TempDir(), estate: newEstate(t.Context(), slog.New(slog.DiscardHandler))}
	doc := strings.Replace(radiosDoc, "HERE", addr, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- (&App{Config: r.parse(doc), Log: slog.New(slog.DiscardHandler), estate: r.estate}).Run(ctx)
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	a := r.app(nil)
	hotspot, err := homebrewtest.Login(ctx, addr, 460010199, "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hotspot.Close() }()
	press := func(src uint32) func() { return func() { _ = hotspot.Press(ctx, 1, src, 9) } }

	got, payload := alertOf(t, a, "老王", press(4600101))
	if got.Kind != "emergency_call" || got.Device != "walkie" || got.Grid != "3" || got.Place != "东门岗亭" || got.Severity != 1 || len(payload) >= alert.MaxPayload {
		t.Errorf("%s", payload)
	}
	// Somebody has handled it; who presses once more is heard.
	if err := a.alerts.Answer(ctx, got.ID, alert.Answer{Action: "handled", By: "t"}); err != nil {
		t.Fatal(err)
	}
	times := 0
	seldom := func() { // what is repeated at once is the same press
		if times++; times%25 == 0 {
			_ = hotspot.Press(ctx, 2, 4600101, 9)
		}
	}
	if again, _ := alertOf(t, a, "老王", seldom); again.ID == got.ID || again.Place != got.Place {
		t.Errorf("%+v after %+v", again, got)
	}
	emergency := `{"DMR":{"timestamp":"x","slot":1,"action":"csbk","csbk_desc":"Call Emergency","source":"rf","source_id":4600103,"destination_id":9,"destination_type":"group"}}`
	got, _ = alertOf(t, a, "大刘", func() { _ = a.take(ctx, "sensors/hotspot/json", []byte(emergency), true) })
	if got.Device != "hotspot" {
		t.Errorf("%+v", got)
	}

	before := a
	doc = strings.Replace(doc, "127.0.0.1:1\"", "127.0.0.1:2\"", 1)
	a.Apply(ctx, r.parse(doc))
	a = r.app(before)
	alertOf(t, a, "小李", press(4600102))
	if hotspot.Closed() {
		t.Errorf("the repeater was told %q", hotspot.Heard())
	}
	if n := len(a.radios.Recent()); n < 2 {
		t.Errorf("%d events are remembered", n)
	}

	a.Apply(ctx, r.parse(strings.Replace(doc, "4600102: {name: 小李}", "4600102: {name: 小李}, 4600104: {name: 新人}", 1)))
	alertOf(t, a, "新人", press(4600104))
	if hotspot.Closed() {
		t.Errorf("for a name the repeater was told %q", hotspot.Heard())
	}

	before = a
	a.Apply(ctx, r.parse(strings.Replace(doc, "password: secret", "password: another", 1)))
	a = r.app(before)
	for range 6000 {
		if hotspot.Closed() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the repeater was never told that the master begins anew")
}
