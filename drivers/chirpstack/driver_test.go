package chirpstack_test

import (
	"testing"

	"sentrybox/drivers/chirpstack"
	"sentrybox/drivers/chirpstack/chirpstacktest"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/subscribe"
	"sentrybox/drivers/subscribe/brokertest"
)

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		b := &brokertest.Broker{User: "sentrybox", Password: "secret"}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		must(b.Start())
		t.Cleanup(func() { must(b.Stop()) })
		d, err := chirpstack.New(chirpstack.Config{Broker: subscribe.Broker{URL: b.URL(), Username: "sentrybox", Password: "secret"}})
		if err != nil {
			t.Fatal(err)
		}
		p := &chirpstacktest.Publisher{EUI: "24e124136b502217", Publish: func(topic string, payload []byte) error { return b.Publish(topic, payload, false) }}
		return drivertest.Rig{
			Driver: d,
			Say: func() {
				must(p.Up(85, []byte{1, 2}, nil, chirpstacktest.Reception{RSSI: -100, SNR: -3}, chirpstacktest.Reception{RSSI: -90, SNR: 4}))
			},
			Valid: func(m driver.Message) bool {
				return m.Device == "24e124136b502217" && m.Port == 85 && string(m.Data) == "\x01\x02" && *m.RSSI == -90 && *m.SNR == 4
			},
			Noise: func(n []byte) {
				must(b.Publish("application/"+p.Application+"/device/24e124136b502217/event/up", n, false))
			},
			Unplug: func() { must(b.Stop()) },
			Replug: func() { must(b.Start()) },
		}
	})
}
