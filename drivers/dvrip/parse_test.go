package dvrip

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"sentrybox/drivers/media"
)

func TestHash(t *testing.T) {
	// Known from the protocol's other clients: the empty password's.
	if got := Hash(""); got != "tlJwpbo6" {
		t.Errorf("hash of nothing: %q, want tlJwpbo6", got)
	}
	if got := Hash("admin"); got != "6QNMIQGe" {
		t.Errorf("hash of admin: %q, want 6QNMIQGe", got)
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		url  string
		want address
	}{
		{"dvrip://10.0.0.9", address{host: "10.0.0.9:34567", user: "admin"}},
		{"dvrip://10.0.0.9/", address{host: "10.0.0.9:34567", user: "admin"}},
		{"DVRIP://u:p%40s@nvr:34600/3?stream=1", address{host: "nvr:34600", user: "u", password: "p@s", channel: 3, stream: 1}},
		{"dvrip://u:@[fe80::1]/0?stream=0", address{host: "[fe80::1]:34567", user: "u"}},
	} {
		if got, err := parseAddress(c.url); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.url, got, err)
		}
	}
	for _, bad := range []string{"", "rtsp://x/", "dvrip://", "dvrip:///1", "dvrip://u:a/b@x/1", "dvrip://x/gate", "dvrip://x/256", "dvrip://x/-1",
		"dvrip://x/1?stream=2", "dvrip://x/1?channel=1", "dvrip://x:0/", "dvrip://x/0?stream=0&stream=1", "dvrip://x/#a"} {
		if a, err := parseAddress(bad); err == nil {
			t.Errorf("%q was taken: %+v", bad, a)
		}
	}
}

func key(data string) []byte {
	b := append([]byte{0, 0, 1, kindKey, 2, 25, 80, 60}, make([]byte, 8)...)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(data)))
	return append(b, data...)
}

func inter(data string) []byte {
	b := append([]byte{0, 0, 1, kindInter}, make([]byte, 4)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(data)))
	return append(b, data...)
}

func audio(data string) []byte {
	return append([]byte{0, 0, 1, kindAudio, 14, 2, byte(len(data)), 0}, data...)
}

func TestFramer(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		pieces  [][]byte
		want    string
		damaged uint64
		fail    bool
	}{
		"whole":               {[][]byte{key("abc"), inter("de")}, "abc de ", 0, false},
		"in pieces":           {[][]byte{key("abcdef")[:9], key("abcdef")[9:18], key("abcdef")[18:], inter("x")}, "abcdef x ", 0, false},
		"several in a piece":  {[][]byte{join(audio("a"), audio("b"), inter("c"))}, "a b c ", 0, false},
		"a second cut off":    {[][]byte{join(audio("a"), inter("cde")[:9]), inter("cde")[9:]}, "a cde ", 0, false},
		"padding":             {[][]byte{append(inter("x"), 0, 0, 0), inter("y")}, "x y ", 0, false},
		"the rest was lost":   {[][]byte{key("abcdef")[:18], inter("x")}, "x ", 1, false},
		"begins in the midst": {[][]byte{[]byte("rest of a frame"), inter("x")}, "x ", 0, false},
		"JPEG":                {[][]byte{{0xff, 0xd8, 0xff, 0xe0, 1, 2}, inter("x")}, "x ", 0, false},
		"empty":               {[][]byte{inter(""), nil, inter("x")}, " x ", 0, false},
		"too large":           {[][]byte{{0, 0, 1, kindInter, 0xff, 0xff, 0xff, 0xff}, inter("x")}, "", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := framer{limit: 1 << 10}
			var got string
			var failure error
			for _, p := range c.pieces {
				if failure = f.add(p, func(fr frame) error { got += string(fr.data) + " "; return nil }); failure != nil {
					break
				}
			}
			if got != c.want || f.damaged != c.damaged || (failure != nil) != c.fail {
				t.Errorf("got %q, %d damaged, %v", got, f.damaged, failure)
			}
		})
	}
}

func FuzzFramer(f *testing.F) {
	f.Add(key("\x00\x00\x00\x01\x65\x88"), uint16(7))
	f.Add(bytes.Join([][]byte{audio("x"), inter("\x00\x00\x01\x41\x9a"), key("")}, nil), uint16(100))
	f.Add([]byte{0, 0, 1, kindStill, 0x53, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0}, uint16(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		fr := framer{limit: 4096}
		var p pictures
		for len(stream) > 0 {
			n := min(int(cut)+1, len(stream))
			err := fr.add(stream[:n], func(fr frame) error {
				if len(fr.data) > 4096 {
					t.Fatalf("a frame of %d bytes", len(fr.data))
				}
				if pic, ok := p.add(fr); ok && (len(pic.data) == 0 || pic.codec == 0) {
					t.Fatalf("picture %+v", pic)
				}
				return nil
			})
			if err != nil {
				return
			}
			if len(fr.buf) > 4096+16+n {
				t.Fatalf("%d bytes are held", len(fr.buf))
			}
			stream = stream[n:]
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add(Message{Session: 1, Sequence: 2, ID: IDLogin + 1, Body: JSON(answer{Ret: RetOK})}.Append(nil))
	f.Add([]byte{0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe9, 3, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := ReadMessage(bytes.NewReader(m.Append(nil)))
		if err != nil || again.ID != m.ID || !bytes.Equal(again.Body, m.Body) {
			t.Fatalf("%+v became %+v: %v", m, again, err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	var b bytes.Buffer
	_ = writePicture(&b, picture{codec: media.H265, key: true, fps: 25, width: 640, height: 480, data: []byte("data")})
	f.Add(b.Bytes())
	b.Reset()
	_ = writeJSON(&b, recordEnd, end{Phase: media.Refused, Ret: 205})
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := readRecord(bytes.NewReader(b), 1<<10)
		if err == nil && (len(rec.text) > maxTextual || len(rec.picture.data) > 1<<10) {
			t.Fatalf("%+v", rec)
		}
	})
}

func FuzzDevice(f *testing.F) {
	from := netip.MustParseAddr("192.168.1.10")
	f.Add(Message{ID: IDSearch + 1, Body: JSON(map[string]any{"NetWork.NetCommon": map[string]any{
		"HostIP": HexAddr(from), "HostName": "LocalHost", "TCPPort": 34567, "ChannelNum": 4}})}.Append(nil))
	f.Add(Message{ID: IDSearch + 1, Body: []byte(`{"NetWork.NetCommon":{"TCPPort":-1,"HostIP":"0xzz","HostName":"\u202e\n"}}`)}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := ParseDevice(b, from)
		if ok && (!d.Addr.IsValid() || d.Addr.Port() == 0 || d.Channels < 0 || len([]rune(d.Name)) > 40) {
			t.Fatalf("%+v", d)
		}
	})
}

func TestHexAddr(t *testing.T) {
	a := netip.MustParseAddr("192.168.1.10")
	if HexAddr(a) != "0x0A01A8C0" {
		t.Error(HexAddr(a))
	}
	if got, ok := hexAddr("0x0A01A8C0"); !ok || got != a {
		t.Error(got, ok)
	}
}

// TestTimeline: jitter of arrival hardly shows, a wrong rate and a pause do not last.
func TestTimeline(t *testing.T) {
	var l timeline
	at := time.Unix(1000, 0)
	l.at(at, 25)
	var before time.Duration
	for i := 1; i <= 500; i++ {
		jitter := time.Duration(i%3-1) * 15 * time.Millisecond
		pts := l.at(at.Add(time.Duration(i)*40*time.Millisecond+jitter), 25)
		if step := pts - before; step < 34*time.Millisecond || step > 46*time.Millisecond {
			t.Fatalf("picture %d: a step of %v", i, step)
		}
		before = pts
	}
	at = at.Add(20 * time.Second)
	for i := 1; i <= 200; i++ { // half the rate, in the dark
		before = l.at(at.Add(time.Duration(i)*80*time.Millisecond), 25)
	}
	if off := 36*time.Second - before; off < 0 || off > 500*time.Millisecond {
		t.Errorf("at half the rate %v behind", off)
	}
	if pts := l.at(at.Add(time.Minute), 25); pts != 80*time.Second {
		t.Errorf("after a pause: %v", pts)
	}
	if pts := l.at(at, 0); pts <= 80*time.Second {
		t.Errorf("back to %v", pts)
	}
}
