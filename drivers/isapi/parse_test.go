package isapi

import (
	"bufio"
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/call"
)

func FuzzParts(f *testing.F) {
	f.Add([]byte("\r\n--b\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\nContent-Length: 3\r\n\r\n<a>\r\n--b\r\n\r\n{\"a\":{}\n}\n--b--\r\n"))
	f.Add([]byte("--b\nContent-Type: image/jpeg\nContent-Length: 2\n\n\xff\xd8--b\nContent-Type: text/xml\n\n<EventNotificationAlert></EventNotificationAlert>\n"))
	f.Add([]byte("--\r\nContent-Length: -1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(b), 64)
		for {
			_, data, err := nextPart(r)
			if err != nil {
				return
			}
			if len(data) > maxPart {
				t.Fatalf("a part of %d bytes", len(data))
			}
		}
	})
}

func FuzzAlert(f *testing.F) {
	f.Add([]byte(`<EventNotificationAlert><eventType>IO</eventType><eventState>active</eventState><inputIOPortID>3</inputIOPortID><dateTime>2026-11-27T19:00:00+08:00</dateTime></EventNotificationAlert>`))
	f.Add([]byte(`{"eventType":"AccessControllerEvent","dateTime":"x","AccessControllerEvent":{"majorEventType":5,"subEventType":27,"doorNo":"1","serialNo":99999999999999999999}}`))
	f.Add([]byte(`<!DOCTYPE a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAlert(b)
		if err != nil {
			return
		}
		d := &Driver{cfg: Config{Motion: true}}
		d.say = say{inputs: map[input]*state{}, helps: map[string]time.Time{}, seen: map[string]bool{}, emit: func(e call.Event) {
			if err := e.Check(); err != nil {
				t.Fatalf("%v in %+v", err, e)
			}
		}}
		now := time.Now()
		d.take(a, now)
		d.expire(now.Add(time.Hour))
	})
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"CallStatus":{"status":"ring"}}`))
	f.Add([]byte(`<CallStatus version="2.0"><status>idle</status></CallStatus>`))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseStatus(b) })
}

// TestExpire: what is not repeated is over, and the next time is told again.
func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []bool
		d := &Driver{}
		d.say = say{inputs: map[input]*state{}, helps: map[string]time.Time{}, seen: map[string]bool{}, emit: func(e call.Event) { told = append(told, e.Active) }}
		a := &alert{Type: "io", State: "active", Port: 1}
		for range 30 { // repeated for as many seconds
			d.take(a, time.Now())
			d.expire(time.Now())
			time.Sleep(time.Second)
		}
		time.Sleep(Quiet)
		d.expire(time.Now())
		d.take(a, time.Now())
		if len(told) != 3 || !told[0] || told[1] || !told[2] {
			t.Errorf("told %v", told)
		}
	})
}

// TestHelp: a call for help that a device repeats while the key is held is one, and the next press another. One of
// access control without a number and a time is none that was sent before.
func TestHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		d := &Driver{}
		d.say = say{inputs: map[input]*state{}, helps: map[string]time.Time{}, seen: map[string]bool{}, emit: func(call.Event) { told++ }}
		help := &alert{Type: "callhelp", State: "active", Channel: 1}
		for range 30 {
			d.take(help, time.Now())
			time.Sleep(time.Second)
		}
		time.Sleep(Quiet)
		d.take(help, time.Now())
		if told != 2 {
			t.Errorf("two presses are told %d times", told)
		}
		duress := &alert{Type: "accesscontrollerevent", Access: &access{Major: 1, Minor: 0x40a}}
		d.take(duress, time.Now())
		d.take(duress, time.Now())
		if told != 4 {
			t.Errorf("two alarms without a number are told %d times", told-2)
		}
	})
}
