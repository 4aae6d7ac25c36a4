package rtsp

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		raw, user, pass, shown, fail string
	}{
		{"rtsp://10.0.0.11/ch/101", "", "", "rtsp://10.0.0.11/ch/101", ""},
		{" RTSPS://cam.local:8322/x?y=1 ", "", "", "rtsps://cam.local:8322/x?y=1", ""},
		{"rtsp://admin:s3cret@10.0.0.11:554/ch", "admin", "s3cret", "rtsp://10.0.0.11:554/ch", ""},
		{"rtsp://ad%40min:p%40%3A%2F%20%25@[fe80::1]:554/", "ad@min", "p@:/ %", "rtsp://[fe80::1]:554/", ""},
		{"rtsp://admin:s3c@ret@10.0.0.11/", "admin", "s3c@ret", "rtsp://10.0.0.11/", ""},
		{"rtsp://h/user=admin_password=s3cret_channel=1.sdp", "", "", "rtsp://h/user=admin_password=***", ""},
		{"rtsp://h/live?user=a&pwd=s3cret&ch=1", "", "", "rtsp://h/live?user=a&pwd=***&ch=1", ""},
		{"", "", "", "", "empty"},
		{"10.0.0.11/s3cret", "", "", "", "rtsp://"},
		{"http://a:s3cret@10.0.0.11/", "", "", "", "http://"},
		{"rtsp:///s3cret", "", "", "", "no host"},
		{"rtsp://a:s3cret@:554/", "", "", "", "no host"},
		{"rtsp://a:s3cret@h:0/", "", "", "", "port"},
		{"rtsp://a:s3cret@h:99999/", "", "", "", "port"},
		{"rtsp://a:s3cret%zz@h/", "", "", "", "malformed"},
		{"rtsp://admin:s3c#ret@10.0.0.11/", "", "", "", "malformed"},
		{"rtsp://h/s3cret#x", "", "", "", "%23"},
		{"rtsp://admin:12/s3cret@10.0.0.11/", "", "", "", "ambiguous"},
		{"rtsp://a%0d%0ax:s3cret@h/", "", "", "", "control"},
		{"rtsp://a:s3cret\x7f@h/", "", "", "", "malformed"},
	} {
		a, err := parseAddress(c.raw)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) || strings.Contains(err.Error(), "s3c") {
				t.Errorf("%q: error %v, want one about %q", c.raw, err, c.fail)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.raw, err)
			continue
		}
		user, pass := "", ""
		if a.credentials() {
			user = a.url.User.Username()
			pass, _ = a.url.User.Password()
		}
		check(t, c.raw, [3]string{user, pass, a.String()}, [3]string{c.user, c.pass, c.shown})
	}
}

func TestRedact(t *testing.T) {
	a, err := parseAddress("rtsp://admin:p%40ss%2fw%20rd%21@10.0.0.11/ch")
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{
		"p@ss/w rd!", "p%40ss%2fw%20rd%21", "p%40ss%2Fw%20rd%21", "p%40ss%2Fw+rd%21", "p%40ss%2Fw%20rd!", "p@ss%2Fw%20rd%21",
		"YWRtaW46cEBzcy93IHJkIQ==", a.url.String(), a.url.User.String(),
	} {
		got := a.secret.text("parse \"" + leak + "\": failed\r\nlevel=ERROR")
		if strings.Contains(got, "ss/w") || strings.Contains(strings.ToLower(got), "ss%2fw") || strings.Contains(got, "YWRt") || !strings.Contains(got, hidden) {
			t.Errorf("%q is left as %q", leak, got)
		}
		if strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q holds a line break", got)
		}
	}
	if got := a.secret.text(strings.Repeat("x", 5000)); len(got) > 310 {
		t.Errorf("%d bytes of a text are left", len(got))
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("rtsp://admin:s3cret@10.0.0.11:554/ch?x=1")
	f.Add("rtsps://[::1%25eth0]/a=b")
	f.Add("rtsp://a:b@c:1/d@e#f")
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseAddress(raw)
		if err != nil {
			return
		}
		pass, ok := "", false
		if a.url.User != nil {
			pass, ok = a.url.User.Password()
		}
		if ok && len(pass) > 3 && pass != hidden && strings.Contains(a.secret.text("x "+pass+" y"), pass) {
			t.Errorf("%q is not hidden", pass)
		}
	})
}
