package onvif

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sentrybox/drivers/call"
)

// TestMissed: of what was lost with a connection the next is told, and what has gone on is not told again.
func TestMissed(t *testing.T) {
	var said []string
	m := &meaning{on: map[input]bool{}, rings: map[string]string{}, emit: func(e call.Event) {
		said = append(said, fmt.Sprint(e.Kind, e.Input, e.Active, e.Lost))
	}}
	take := func(operation, topic, state string) {
		n := notification{Topic: topic}
		n.Message.Message.PropertyOperation = operation
		n.Message.Message.Data.SimpleItem = []item{{Name: "State", Value: state}}
		m.take(&n, time.Now())
	}
	const door, bell = "tns1:Door/State/DoorAlarm", "tns1:RuleEngine/MyRuleDetector/Visitor"
	take("Changed", door, "DoorForcedOpen")
	take("Changed", bell, "true")
	m.missed(time.Now())
	take("Initialized", door, "DoorForcedOpen")
	take("Changed", door, "DoorForcedOpen") // it says so again
	m.missed(time.Now())
	take("Changed", door, "DoorForcedOpen") // anew: that it was shut is lost
	take("Changed", bell, "true")
	want := []string{
		"inputdoor_forcedtrue false", "beginfalse false", "endfalse true", "inputdoor_forcedfalse false", "inputdoor_forcedtrue false", "beginfalse false",
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q\nwant %q", said, want)
	}
}

func FuzzNotifications(f *testing.F) {
	f.Add([]byte(`<e:Envelope xmlns:e="x"><e:Body><r><NotificationMessage><Topic>tns1:Door/State/DoorAlarm</Topic><Message><Message UtcTime="2026-11-27T19:00:00Z" PropertyOperation="Changed"><Source><SimpleItem Name="DoorToken" Value="1"/></Source><Data><SimpleItem Name="State" Value="DoorForcedOpen"/></Data></Message></Message></NotificationMessage></r></e:Body></e:Envelope>`))
	f.Add([]byte(`<e:Envelope xmlns:e="x"><e:Body><r><NotificationMessage><Topic>a:RuleEngine/b:MyRuleDetector/Visitor</Topic><Message><Message><Data><SimpleItem Name="State" Value="true"/></Data></Message></Message></NotificationMessage></r></e:Body></e:Envelope>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		type content struct{ NotificationMessage []notification }
		got, _, err := open[content](answer{status: 200, body: b})
		if err != nil {
			return
		}
		m := &meaning{motion: true, on: map[input]bool{}, rings: map[string]string{}, emit: func(e call.Event) {
			if err := e.Check(); err != nil {
				t.Fatalf("%v in %+v", err, e)
			}
		}}
		for i := range got.NotificationMessage {
			m.take(&got.NotificationMessage[i], time.Now())
		}
	})
}
