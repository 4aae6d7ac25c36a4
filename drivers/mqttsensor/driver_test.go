package mqttsensor

import (
	"strings"
	"testing"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/subscribe"
	"sentrybox/drivers/subscribe/brokertest"
)

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		b := &brokertest.Broker{}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(b.Start())
		t.Cleanup(func() { must(b.Stop()) })
		d, err := New(Config{Broker: subscribe.Broker{URL: b.URL()}, Sensors: []Sensor{{Device: "door", Topics: []string{"zigbee2mqtt/door"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return drivertest.Rig{
			Driver: d,
			Say:    func() { must(b.Publish("zigbee2mqtt/door", []byte(`{"contact":false}`), false)) },
			Valid: func(m driver.Message) bool {
				return m.Device == "door" && m.Section == "zigbee2mqtt/door" && string(m.Data) == `{"contact":false}`
			},
			Noise:  func(n []byte) { must(b.Publish("zigbee2mqtt/other", n, false)) },
			Unplug: func() { must(b.Stop()) },
			Replug: func() { must(b.Start()) },
		}
	})
}

func TestTopics(t *testing.T) {
	d, err := New(Config{Broker: subscribe.Broker{URL: "mqtt://broker"}, Sensors: []Sensor{
		{Device: "door", Topics: []string{"zigbee2mqtt/door"}, Availability: "zigbee2mqtt/door/availability"},
		{Device: "boiler", Topics: []string{"tele/boiler/SENSOR", "stat/boiler/+"}, Availability: "tele/boiler/LWT", Retained: true},
		{Device: "lamp", Topics: []string{"lamp/#"}, Availability: "lamp/status", Online: "here", Offline: "away"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	say := func(topic, payload string, retained bool) {
		d.take(subscribe.Message{Topic: topic, Payload: []byte(payload), Retained: retained}, func(m driver.Message) {
			got = append(got, m.Device+" "+m.Section+" "+string(m.Data))
		})
	}
	for _, m := range []string{
		`zigbee2mqtt/door {"contact":true}`, "zigbee2mqtt/door/x no", "zigbee2mqtt/doo no", `tele/boiler/SENSOR {"AM2301":{"Temperature":21}}`,
		"stat/boiler/POWER ON", "stat/boiler/a/b no", "lamp on", "lamp/sensor/lux/state 12.5", "zigbee2mqtt/door ",
	} {
		topic, payload, _ := strings.Cut(m, " ")
		say(topic, payload, false)
	}
	say("zigbee2mqtt/door", "old", true)
	say("stat/boiler/POWER", "old", true)
	want := []string{
		`door zigbee2mqtt/door {"contact":true}`, `boiler tele/boiler/SENSOR {"AM2301":{"Temperature":21}}`, "boiler stat/boiler/POWER ON", "lamp lamp on",
		"lamp lamp/sensor/lux/state 12.5", "boiler stat/boiler/POWER old",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
	if c := d.State().Counts; c.Messages != 6 || c.Discarded != 3 {
		t.Errorf("%+v", c)
	}
	for _, c := range []struct {
		topic, payload, device string
		want                   driver.Phase
	}{
		{"zigbee2mqtt/door/availability", `{"state":"offline"}`, "door", driver.Silent},
		{"zigbee2mqtt/door/availability", "online", "door", driver.Online},
		{"tele/boiler/LWT", "Offline", "boiler", driver.Silent},
		{"tele/boiler/LWT", "nonsense", "boiler", driver.Silent},
		{"tele/boiler/LWT", "Online", "boiler", driver.Online},
		{"lamp/status", "away", "lamp", driver.Silent},
		{"lamp/status", "offline", "lamp", driver.Silent},
	} {
		say(c.topic, c.payload, true)
		if s := d.State().Devices[c.device]; s.Phase != c.want || (s.Phase == driver.Silent) == (s.Reason == "") {
			t.Errorf("%s %s: %+v", c.topic, c.payload, s)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/+", "a/b", true}, {"a/+", "a", false}, {"a/+", "a/", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"#", "a", true},
		{"+", "a/b", false}, {"a/b/c", "a/b", false}, {"#", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true}, {"+/x", "$SYS/x", false}, {"a/b/#", "a", false},
	} {
		if match(c.filter, c.topic) != c.want {
			t.Errorf("%s, %s", c.filter, c.topic)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, s := range map[string][]Sensor{
		"none": nil, "no name": {{Topics: []string{"a"}}}, "no topics": {{Device: "a"}}, "# inside": {{Device: "a", Topics: []string{"a/#/b"}}},
		"+ in a level": {{Device: "a", Topics: []string{"a+"}}}, "empty": {{Device: "a", Topics: []string{""}}},
		"availability of many": {{Device: "a", Topics: []string{"a"}, Availability: "a/+"}},
	} {
		if _, err := New(Config{Broker: subscribe.Broker{URL: "mqtt://broker"}, Sensors: s}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzTake(f *testing.F) {
	f.Add("a/b", []byte(`{"state":"offline"}`))
	f.Add("a", []byte("12"))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		d, err := New(Config{Broker: subscribe.Broker{URL: "mqtt://broker"}, Sensors: []Sensor{{Device: "x", Topics: []string{"a/+", "a"}, Availability: "a/b"}}})
		if err != nil {
			t.Fatal(err)
		}
		d.take(subscribe.Message{Topic: topic, Payload: payload}, func(m driver.Message) {
			if topic == "a/b" || m.Section != topic || string(m.Data) != string(payload) {
				t.Errorf("%+v", m)
			}
		})
		_ = validFilter(topic) && match(topic, "a/b/c")
	})
}
