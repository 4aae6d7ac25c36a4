//go:build e2e

package mqtt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/outbox"
)

// TestMosquittoKilledInMidFlow adds items while a real broker is killed and
// started again, empty. What the broker has is told by its own log: a subscriber
// misses what was acknowledged to us and still under way to it at the kill.
func TestMosquittoKilledInMidFlow(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	g := newGateway(t, m.URL()).start()
	g.waitState(mqtt.Online)
	const kills, each = 4, 40
	for k := range kills {
		for i := range each {
			g.put(alert(fmt.Sprintf("%d-%d", k, i), fmt.Sprintf("%d-%d", k, i)))
			if i == each/2 {
				m.Kill()
				time.Sleep(50 * time.Millisecond)
				m.Start()
			}
		}
	}
	g.waitDepth(0)
	said := m.Log()
	for k := range kills {
		for i := range each {
			if topic := fmt.Sprintf("'%s/alert/community/%d-%d'", prefix, k, i); !strings.Contains(said, topic) {
				t.Errorf("the broker never had %s, and the outbox has let go of it", topic)
			}
		}
	}
	t.Logf("%d items through %d kills in %d publications", kills*each, kills, g.client.Stats().Sent)
}

func TestMosquittoPaused(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, m.URL(), prefix+"/alert/#")
	g := newGateway(t, m.URL()).start()
	g.waitState(mqtt.Online)
	m.Pause() // its kernel still takes connections and bytes
	g.put(alert("A", "a"))
	g.waitState(mqtt.Offline)
	if g.depth() != 1 {
		t.Fatal("the alert is gone")
	}
	m.Resume()
	g.waitDepth(0)
	sub.WaitTopic(patience, prefix+"/alert/community/A")
}

func TestMosquittoPassword(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{Users: map[string]string{"gw": "s3cret-77"}})
	sub := mqtttest.Subscribe(t, m.URL(), prefix+"/#", mqtttest.SubscriberOptions{Username: "gw", Password: "s3cret-77"})
	g := newGateway(t)
	g.cfg.Brokers = []mqtt.Broker{{URL: m.URL(), Username: "gw", Password: "wrong-77"}}
	g.put(alert("A", "a"))
	g.start()
	g.waitState(mqtt.Refused)
	g.stop()
	g.cfg.Brokers = []mqtt.Broker{{URL: strings.Replace(m.URL(), "mqtt://", "mqtt://gw:s3cret-77@", 1)}}
	g.start()
	g.waitDepth(0)
	sub.WaitTopic(patience, prefix+"/alert/community/A")
	if strings.Contains(g.log.String(), "-77") {
		t.Error("a password is in the log")
	}
}

func TestMosquittoTLS(t *testing.T) {
	certs, others := mqtttest.NewCerts(t), mqtttest.NewCerts(t)
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{CA: certs.CA, Cert: certs.Cert, Key: certs.Key, ClientCert: true})
	sub := mqtttest.Subscribe(t, m.URL(), prefix+"/#", mqtttest.SubscriberOptions{Certs: certs})
	for _, c := range []struct {
		name               string
		ca, cert, key, pin string
		want               mqtt.Phase
	}{
		{"no certificate of ours", certs.CA, "", "", "", mqtt.BadTLS},
		{"a certificate of another authority", certs.CA, others.ClientCert, others.ClientKey, "", mqtt.BadTLS},
		{"a broker of an authority that we do not know", others.CA, certs.ClientCert, certs.ClientKey, "", mqtt.BadTLS},
		{"both known", certs.CA, certs.ClientCert, certs.ClientKey, "", mqtt.Online},
		{"the key alone", "", certs.ClientCert, certs.ClientKey, certs.Pin(t), mqtt.Online},
		{"the key and its authority", certs.CA, certs.ClientCert, certs.ClientKey, certs.Pin(t), mqtt.Online},
		{"another key", "", certs.ClientCert, certs.ClientKey, others.Pin(t), mqtt.BadTLS},
		{"the key and another authority", others.CA, certs.ClientCert, certs.ClientKey, certs.Pin(t), mqtt.BadTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := mqtt.LoadTLS(c.ca, c.cert, c.key, c.pin)
			if err != nil {
				t.Fatal(err)
			}
			g := newGateway(t)
			g.cfg.Brokers = []mqtt.Broker{{URL: m.URL(), TLS: cfg}}
			g.put(alert("A", "a"))
			g.start()
			g.waitState(c.want)
			if c.want == mqtt.Online {
				g.waitDepth(0)
				sub.WaitTopic(patience, prefix+"/alert/community/A")
			} else if g.depth() != 1 {
				t.Error("the alert is gone")
			}
		})
	}
}

// TestMosquittoRetained holds that a closed alert is gone for whoever comes
// later, and the will is there after a kill of the line.
func TestMosquittoRetained(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	line := mqtttest.NewLine(t, m.Addr())
	g := newGateway(t, "mqtt://"+line.Addr())
	g.put(alert("open", "raised"), alert("closed", "raised"),
		outbox.Item{Lane: outbox.Alert, Topic: "alert/community/closed", Retain: true})
	g.start()
	g.waitDepth(0)
	watcher := mqtttest.Subscribe(t, m.URL(), prefix+"/status")
	watcher.WaitTopic(patience, prefix+"/status")
	line.Down(true)
	g.waitState(mqtt.Offline)
	watcher.Wait(patience, "the will", func(all []mqtttest.Message) bool { return string(all[len(all)-1].Payload) == `{"state":"offline"}` })
	late := mqtttest.Subscribe(t, m.URL(), prefix+"/#")
	got := late.Wait(patience, "what is retained", func(all []mqtttest.Message) bool { return len(all) >= 2 })
	if payloads(got, "alert/community/open") == nil || payloads(got, "alert/community/closed") != nil {
		t.Errorf("retained are %v", got)
	}
	if s := payloads(got, "status"); len(s) != 1 || s[0] != `{"state":"offline"}` {
		t.Errorf("status is %q", s)
	}
}

func TestMosquittoTwins(t *testing.T) {
	twins(t, mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{}).URL())
}
