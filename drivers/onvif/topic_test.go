package onvif

import (
	"testing"
	"time"

	"sentrybox/drivers/call"
)

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
