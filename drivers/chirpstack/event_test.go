package chirpstack

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
)

// documented is the uplink of ChirpStack's documentation of its events, shortened
// by what is not read.
const documented = `{
  "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": "2022-07-18T09:34:15.775023242+00:00",
  "deviceInfo": {"tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242", "tenantName": "ChirpStack", "applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97",
    "applicationName": "Test application", "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad", "deviceProfileName": "Test device-profile",
    "deviceName": "Test device", "devEui": "0101010101010101", "tags": {"key": "value"}},
  "devAddr": "00189440", "dr": 1, "fPort": 1, "data": "qg==",
  "rxInfo": [{"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5, "context": "E3OWOQ==", "metadata": {"region_name": "eu868"}},
    {"gatewayId": "0016c001f153a14d", "rssi": -28, "snr": 3}, {"gatewayId": "0016c001f153a14e"}],
  "txInfo": {"frequency": 867100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 11, "codeRate": "CR_4_5"}}},
  "object": {"temperature": 21.5, "door": {"open": true, "count": [1, 2]}, "name": "x", "nothing": null}
}`

const topic = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/"

type harness struct {
	*Driver
	got []driver.Message
}

func hear(t testing.TB) *harness {
	t.Helper()
	d, err := New(Config{Broker: subscribe.Broker{URL: "mqtt://broker"}})
	if err != nil {
		t.Fatal(err)
	}
	return &harness{Driver: d}
}

func (h *harness) say(topic, payload string, retained bool) {
	h.take(subscribe.Message{Topic: topic, Payload: []byte(payload), Retained: retained}, time.Date(2022, 7, 18, 9, 34, 20, 0, time.UTC),
		func(m driver.Message) { h.got = append(h.got, m) })
}

func TestUplink(t *testing.T) {
	h := hear(t)
	h.say(topic+"up", documented, false)
	h.say(topic+"up", documented, false) // once
	if len(h.got) != 1 {
		t.Fatalf("%d messages", len(h.got))
	}
	m := h.got[0]
	want := map[string]any{"temperature": 21.5, "door.open": true, "door.count.0": 1.0, "door.count.1": 2.0, "name": "x"}
	if m.Device != "0101010101010101" || m.Port != 1 || !bytes.Equal(m.Data, []byte{0xaa}) || *m.RSSI != -28 || *m.SNR != 3 || *m.Counter != 0 ||
		m.At.UnixNano() != 1658136855775023242 || !reflect.DeepEqual(m.Values, want) {
		t.Errorf("%+v", m)
	}
}

func TestEvents(t *testing.T) {
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(documented) }
	for name, c := range map[string]struct {
		topic, payload string
		retained       bool
		messages       int
		rejected       uint64
		check          func(driver.Message) bool
	}{
		"upper case": {topic: strings.Replace(topic, "0101010101010101", "0101010101010101", 1) + "up", payload: documented, messages: 1},
		"a clock ahead": {topic: topic + "up", payload: edit("2022-07", "2032-07"), messages: 1,
			check: func(m driver.Message) bool { return m.At.Year() == 2022 && m.At.Second() == 20 }},
		"a clock of 1970": {topic: topic + "up", payload: edit("2022-07", "1970-07"), messages: 1,
			check: func(m driver.Message) bool { return m.At.Year() == 2022 && m.At.Second() == 20 }},
		"no time":            {topic: topic + "up", payload: edit(`"time"`, `"x"`), messages: 1, check: func(m driver.Message) bool { return m.At.Second() == 20 }},
		"no codec":           {topic: topic + "up", payload: edit(`"object"`, `"x"`), messages: 1, check: func(m driver.Message) bool { return m.Values == nil && m.Data != nil }},
		"no payload":         {topic: topic + "up", payload: edit(`"data"`, `"x"`), messages: 1, check: func(m driver.Message) bool { return m.Values != nil && m.Data == nil }},
		"neither":            {topic: topic + "up", payload: edit(`"data"`, `"x"`, `"object"`, `"y"`)},
		"retained":           {topic: topic + "up", payload: documented, retained: true, rejected: 1},
		"another's":          {topic: topic + "up", payload: edit("0101010101010101", "0202020202020202"), rejected: 1},
		"not base64":         {topic: topic + "up", payload: edit("qg==", "q"), rejected: 1},
		"not JSON":           {topic: topic + "up", payload: "{", rejected: 1},
		"a port":             {topic: topic + "up", payload: edit(`"fPort": 1`, `"fPort": 224`), rejected: 1},
		"another topic":      {topic: "application/1/device/01/event/up", payload: documented, rejected: 1},
		"another topic too":  {topic: topic + "up/x", payload: documented, rejected: 1},
		"of version 3":       {topic: "application/1/device/0101010101010101/rx", payload: documented, rejected: 1},
		"join":               {topic: topic + "join", payload: `{"deduplicationId":"1","deviceInfo":{"devEui":"0101010101010101"},"devAddr":"00189440"}`},
		"ack":                {topic: topic + "ack", payload: `{"deduplicationId":"1","queueItemId":"x","acknowledged":true,"fCntDown":4}`},
		"log":                {topic: topic + "log", payload: `{"level":"ERROR","code":"UPLINK_MIC","description":"MIC"}`, rejected: 1},
		"log of information": {topic: topic + "log", payload: `{"level":"INFO","code":"UPLINK_F_CNT_RETRANSMISSION"}`},
		"status": {topic: topic + "status", payload: `{"deduplicationId":"1","margin":10,"batteryLevel":95.28}`, messages: 1, check: func(m driver.Message) bool {
			return m.Section == SectionStatus && reflect.DeepEqual(m.Values, map[string]any{BatteryLevel: 95.28, ExternalPower: false, Margin: 10.0})
		}},
		"status of an empty battery": {topic: topic + "status", payload: `{"margin":-3}`, messages: 1, check: func(m driver.Message) bool {
			return reflect.DeepEqual(m.Values, map[string]any{BatteryLevel: 0.0, ExternalPower: false, Margin: -3.0})
		}},
		"status with a supply": {topic: topic + "status", payload: `{"externalPowerSource":true}`, messages: 1, check: func(m driver.Message) bool {
			return reflect.DeepEqual(m.Values, map[string]any{ExternalPower: true})
		}},
		"status that knows nothing": {topic: topic + "status", payload: `{"batteryLevelUnavailable":true}`, messages: 1, check: func(m driver.Message) bool {
			return reflect.DeepEqual(m.Values, map[string]any{ExternalPower: false})
		}},
	} {
		h := hear(t)
		h.say(c.topic, c.payload, c.retained)
		if n := h.State().Counts; len(h.got) != c.messages || n.Rejected != c.rejected || n.Messages != uint64(c.messages) {
			t.Errorf("%s: %d messages, %+v", name, len(h.got), n)
		} else if c.check != nil && !c.check(h.got[0]) {
			t.Errorf("%s: %+v", name, h.got[0])
		}
	}
}

func TestRecent(t *testing.T) {
	var r recent
	for i := range 3 * remembered {
		if !r.add(fmt.Sprint(i)) {
			t.Fatalf("%d was never there", i)
		}
		if r.add(fmt.Sprint(i)) || i > 100 && r.add(fmt.Sprint(i-100)) {
			t.Fatalf("%d was there", i)
		}
	}
	if len(r.set) > remembered+1 {
		t.Errorf("%d are remembered", len(r.set))
	}
}

func TestFlattenIsBounded(t *testing.T) {
	deep := map[string]any{"v": 1.0}
	for range 100 {
		deep = map[string]any{"d": deep, "t": strings.Repeat("x", 1000)}
	}
	wide := []any{}
	for range 10000 {
		wide = append(wide, true)
	}
	if got := flatten(map[string]any{"deep": deep, "wide": wide}); len(got) > maxValues {
		t.Errorf("%d values", len(got))
	}
	if got := flatten(map[string]any{"deep": deep}); got != nil {
		t.Errorf("%v", got)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Prefix: "x"}, {Prefix: "+/"}, {Applications: []string{"a/b"}}, {Applications: []string{""}}} {
		c.Broker.URL = "mqtt://broker"
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no broker is taken")
	}
}

func FuzzEvent(f *testing.F) {
	f.Add(topic+"up", []byte(documented))
	f.Add(topic+"status", []byte(`{"margin":10,"batteryLevel":95.28}`))
	f.Add(topic+"log", []byte(`{"level":"ERROR"}`))
	f.Add("application/1/device/0101010101010101/event/up", []byte(`{"data":"","object":{"a":[[1]]}}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		h := hear(t)
		h.say(topic, string(payload), false)
		for _, m := range h.got {
			if len(m.Device) != 16 || m.At.IsZero() || m.Data == nil && m.Values == nil || len(m.Values) > maxValues {
				t.Errorf("%+v", m)
			}
			for k, v := range m.Values {
				switch v.(type) {
				case bool, string, float64:
				default:
					t.Errorf("%s: %T", k, v)
				}
			}
		}
	})
}

func BenchmarkUp(b *testing.B) {
	h := hear(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.got = h.got[:0]
		h.say(topic+"up", strings.Replace(documented, "3ac7e3c4", fmt.Sprintf("%08x", i), 1), false)
		if len(h.got) != 1 {
			b.Fatal("no message")
		}
	}
}
