package isapi

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// trickle gives a byte a second.
type trickle struct{ io.Reader }

func (r trickle) Read(b []byte) (int, error) {
	time.Sleep(time.Second)
	return r.Reader.Read(b)
}

// TestSlowPicture: a picture that is on its way for longer than the device may be silent is waited for, and the alarm
// behind it taken, though all comes byte by byte. What never becomes whole is not waited for without end.
func TestSlowPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := "--b\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n123456789\r\n" +
			"--b\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"eventType\":\"IO\"}\r\n"
		flow, parts := &pulse{Reader: trickle{iotest.OneByteReader(strings.NewReader(stream))}}, make(chan part)
		go read(t.Context(), flow, parts)
		begun := time.Now()
		if p := <-parts; p.data != nil || p.err != nil {
			t.Errorf("the picture: %+v", p)
		}
		if now := time.Now(); now.Sub(begun) <= Dead || silent(now, begun, flow.heard()) != nil {
			t.Errorf("given up after %v", now.Sub(begun))
		}
		if p := <-parts; !strings.Contains(string(p.data), "IO") {
			t.Errorf("the alarm: %+v", p)
		}
		if p := <-parts; p.err == nil {
			t.Errorf("the end: %+v", p)
		}
		heard := flow.heard()
		if err := silent(heard.Add(Dead+1), heard, heard); err == nil || err.Error() != "nothing for 30s" {
			t.Errorf("silence: %v", err)
		}
		if err := silent(heard, heard.Add(-Stuck-1), heard); err == nil {
			t.Error("a part without end is waited for")
		}
	})
}
