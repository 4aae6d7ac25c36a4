package broker

import (
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// TestPacketIDs: messages that a client has not acknowledged yet stand in the way of nothing that it asks under the
// same identifiers, and are sent again after that.
func TestPacketIDs(t *testing.T) {
	b := start(t, Config{Users: people()})
	dialSlow := func(took chan string) *client {
		c, err := dial(t, b, "duty", "right", func(o *paho.ClientOptions) {
			o.SetCleanSession(false).SetAutoAckDisabled(true).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { took <- m.Topic() })
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const ids = "ABCDEFGH" // with the identifiers 1 to 8
	for _, id := range ids {
		if err := b.Publish("alert/grid/"+string(id), true, []byte("open")); err != nil {
			t.Fatal(err)
		}
	}
	took := make(chan string, 64)
	c := dialSlow(took)
	if err := settled(c.Subscribe(prefix+"/alert/+/+", 1, nil)); err != nil { // identifier 1
		t.Fatal(err)
	}
	expect := func(took chan string, count int) {
		t.Helper()
		seen := map[string]bool{}
		for len(seen) < count {
			select {
			case topic := <-took:
				if !strings.HasPrefix(topic, prefix+"/alert/") {
					t.Errorf("a message on %s", topic)
				}
				seen[topic] = true
			case <-time.After(patience):
				t.Fatalf("%d of %d messages: %v", len(seen), count, seen)
			}
		}
	}
	expect(took, len(ids))
	if !c.subscribe(prefix + "/device/+") { // identifier 2
		t.Error("a subscription is refused while messages are under way")
	}
	for range 3 {
		if err := settled(c.Publish(prefix+"/ack/A", 1, false, "x")); err != nil {
			t.Error(err)
		}
	}
	if err := settled(c.Unsubscribe(prefix + "/device/+")); err != nil {
		t.Error(err)
	}
	for _, topic := range []string{"device/x", "alert/grid/I"} { // the first is for nobody
		if err := b.Publish(topic, true, []byte("on")); err != nil {
			t.Fatal(err)
		}
	}
	expect(took, 1)
	c.Disconnect(0)

	again := make(chan string, 64)
	c = dialSlow(again)
	expect(again, len(ids)+1) // of the session: nothing has been subscribed to since
	if !c.subscribe(prefix + "/device/+") {
		t.Error("a subscription is refused while messages are sent again")
	}
}
