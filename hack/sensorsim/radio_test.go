package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/chirpstack"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/lora/rak"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/subscribe"
	"sentrybox/drivers/subscribe/brokertest"
	"sentrybox/hack/spawn"
)

// presses has a device say things, with faults between, of which nothing may come.
func presses(t *testing.T, say func(line, want string), next func() driver.Message, device string) {
	t.Helper()
	for i, payload := range []string{"0101", "02", "03ff"} {
		say("press "+payload, "ok")
		if m := next(); m.Device != device || hex.EncodeToString(m.Data) != payload {
			t.Errorf("%d: %+v", i, m)
		}
		for _, fault := range []string{"replay", "forged"} {
			say("fault "+fault, "ok")
		}
	}
	say("fault sad", "error:")
	say("press x", "error:")
	say("dance", "error:")
}

func TestModules(t *testing.T) {
	key := bytes.Repeat([]byte{5}, 16)
	who := lora.Devices{Keys: map[uint32][]byte{7: key}}
	for _, kind := range []string{"e22", "e32", "rak3172"} {
		t.Run(kind, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), kind)
			cmd := moduleCmd{Port: name, Device: 7, Key: hex.EncodeToString(key), says: says{Payload: "00"}}
			say := sim(t, kind, flags{E22: cmd, E32: cmd, RAK3172: cmd})
			var d driver.Driver
			var err error
			switch kind {
			case "e22":
				d, err = ebyte.New(ebyte.Config{Open: opener(t, name), Devices: who, Module: ebyte.E22{Channel: 30, RSSI: true}, ModeCommand: 1, RSSI: ebyte.Negative})
			case "e32":
				d, err = ebyte.New(ebyte.Config{Open: opener(t, name), Devices: who})
			default:
				d, err = rak.New(rak.Config{Open: opener(t, name), Devices: who, Radio: rak.Radio{Frequency: 470_300_000}})
			}
			if err != nil {
				t.Fatal(err)
			}
			next := listen(t, d)
			ready := map[string]string{"e22": "configured, nothing", "e32": "nothing", "rak3172": "listens, nothing"}[kind]
			for !strings.Contains(d.State().Reason, ready) {
				time.Sleep(time.Millisecond)
			}
			presses(t, say, next, "00000007")
			say("fault dead", "ok")
			say("press", "error:")
			say("fault alive", "ok")
			say("noise 300", "ok")
			say("fault damaged", "ok")
			say("press 77", "ok")
			if m := next(); hex.EncodeToString(m.Data) != "77" {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestForwarder(t *testing.T) {
	port, err := spawn.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	nwk, app := lorawan.Key{1}, lorawan.Key{2}
	d, err := lorawan.New(lorawan.Config{Listen: address, Devices: []lorawan.Device{{Addr: 0x26011f42, NwkSKey: nwk, AppSKey: app}}})
	if err != nil {
		t.Fatal(err)
	}
	next := listen(t, d)
	say := sim(t, "forwarder", flags{Forwarder: forwarderCmd{
		Server: address, EUI: "aa555a0000000101", Addr: "26011f42", NwkKey: hex.EncodeToString(nwk[:]), AppKey: hex.EncodeToString(app[:]), FPort: 2, says: says{Payload: "00"},
	}})
	presses(t, say, next, "26011f42")
	say("unplug", "error:")
}

func TestChirpStack(t *testing.T) {
	b := &brokertest.Broker{}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	d, err := chirpstack.New(chirpstack.Config{Broker: subscribe.Broker{URL: b.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	next := listen(t, d)
	for d.State().Phase != driver.Silent {
		time.Sleep(time.Millisecond)
	}
	say := sim(t, "chirpstack", flags{ChirpStack: chirpstackCmd{Broker: "tcp://" + b.Address, EUI: "24e124136b502217", FPort: 85, says: says{Payload: "00"}}})
	presses(t, say, next, "24e124136b502217")
}

func TestRadioRefuses(t *testing.T) {
	for _, c := range []struct {
		command string
		f       flags
	}{
		{"e22", flags{E22: moduleCmd{Port: filepath.Join(t.TempDir(), "a"), Key: "00"}}},
		{"forwarder", flags{Forwarder: forwarderCmd{Server: "127.0.0.1:1", EUI: "00"}}},
	} {
		if err := run(t.Context(), c.command, c.f, strings.NewReader(""), bytes.NewBuffer(nil)); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
