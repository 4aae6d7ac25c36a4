//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/dmr"
	"sentrybox/drivers/homebrew/homebrewtest"
	"sentrybox/uplink/mqtt/mqtttest"
)

const radioSite = head + `
radios:
  - id: walkie-talkies
    homebrew: {listen: %q, repeaters: {460010199: {name: 热点, password: secret}}}
    units:
%s`

const presses = 20

// keyAlert is what a receiver reads of an emergency.
type keyAlert struct {
	contract
	Caller string `json:"caller"`
	Place  string `json:"place"`
}

// From the emergency key to Mosquitto's subscriber: a frame of a hotspot in, an alert out.
func TestEmergencyKey(t *testing.T) {
	addr := freePort(t)
	var units strings.Builder
	for i := range presses {
		fmt.Fprintf(&units, "      %d: {name: 队员%d, place: %d号楼, grid: \"%d\"}\n", 4600101+i, i, i, i)
	}
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"alert/#")
	g := start(t, broker.URL(), fmt.Sprintf(radioSite, addr, units.String()))
	defer g.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var r *homebrewtest.Repeater
	eventually(t, "the repeater to log in", func() (ok bool) {
		var err error
		r, err = homebrewtest.Login(ctx, addr, 460010199, "secret")
		return err == nil
	})
	defer func() { _ = r.Close() }()
	// press presses a key and waits for the alert of its set.
	press := func(i int) (all []mqtttest.Message, took time.Duration) {
		src := uint32(4600101 + i)
		caller := fmt.Sprint("队员", i)
		pressed := time.Now()
		if err := r.Press(ctx, 1, src, 9); err != nil {
			t.Fatal(err)
		}
		var got keyAlert
		all = sub.Wait(patience, "the alert of "+caller, func(all []mqtttest.Message) bool { return find(all, caller, &got) })
		took = time.Since(pressed)
		if got.Kind != "emergency_call" || got.Place != fmt.Sprintf("%d号楼", i) || got.Severity != 1 {
			t.Errorf("%+v", got)
		}
		for range 3 { // the set goes on: it is still the one alert
			_ = r.Press(ctx, 2, src, 9)
		}
		return all, took
	}
	var took []time.Duration
	for i := range presses - 1 {
		_, d := press(i)
		took = append(took, d)
	}
	s := dmr.Speech{LC: dmr.LC{Src: 4600101, Dst: 9, Options: 0x80}, Superframes: 2}
	_ = r.Send(ctx, homebrewtest.Transmission{Src: 4600101, Dst: 9, Bursts: s.Bursts()}) // of the same emergency
	all, _ := press(presses - 1)
	if got := alerts(t, all); len(got) != presses {
		t.Errorf("%d alerts of %d emergencies", len(got), presses)
	}
	slices.Sort(took)
	t.Logf("emergency key to subscriber: median %v, longest %v of %d", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), len(took))
}

// find looks for the alert of a caller.
func find(messages []mqtttest.Message, caller string, into *keyAlert) bool {
	for _, m := range messages {
		var a keyAlert
		if json.Unmarshal(m.Payload, &a) == nil && a.Caller == caller {
			*into = a
			return true
		}
	}
	return false
}
