package onvif

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestUsernameToken(t *testing.T) {
	got := usernameToken(`a<b`, "x&y", true, time.Time{})
	if !strings.Contains(got, "<w:Username>a&lt;b</w:Username>") || !strings.Contains(got, "x&amp;y") || !strings.Contains(got, "#PasswordText") {
		t.Error(got)
	}
	got = usernameToken("u", "secret", false, time.Unix(1700000000, 0))
	if strings.Contains(got, "secret") || !strings.Contains(got, "2023-11-14T22:13:20.000Z") {
		t.Error(got)
	}
}

const answered = `<?xml version="1.0"?><e:Envelope xmlns:e="x"><e:Header><a:RelatesTo xmlns:a="y">urn:uuid:1</a:RelatesTo></e:Header><e:Body><d:ProbeMatches xmlns:d="z"><d:ProbeMatch>` +
	`<a:EndpointReference xmlns:a="y"><a:Address>urn:uuid:2</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>` +
	`<d:Scopes>onvif://www.onvif.org/name/IPC%20East onvif://www.onvif.org/hardware/X1 onvif://www.onvif.org/location/</d:Scopes><d:XAddrs>XADDRS</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`

func TestParseAnswer(t *testing.T) {
	from := netip.MustParseAddr("192.168.1.64")
	for _, c := range []struct {
		xaddrs, service, stated string
	}{
		{"http://192.168.1.64/onvif/device_service", "http://192.168.1.64/onvif/device_service", ""},
		{"http://169.254.3.3/onvif/device_service http://192.168.1.64:8899/onvif/dev", "http://192.168.1.64:8899/onvif/dev", ""},
		{"http://203.0.113.1:8000/onvif/x", "http://192.168.1.64:8000/onvif/x", "203.0.113.1"},
		{"http://evil.example/", "http://192.168.1.64/", "evil.example"},
		{"http://u:p@192.168.1.64/x?y#z", "http://192.168.1.64/x", ""},
		{"ftp://192.168.1.64/x", "http://192.168.1.64/onvif/device_service", ""},
		{"", "http://192.168.1.64/onvif/device_service", ""},
	} {
		f, ok := ParseAnswer([]byte(strings.Replace(answered, "XADDRS", c.xaddrs, 1)), from, "urn:uuid:1")
		if !ok || f.Service != c.service || f.Stated != c.stated || f.Name != "IPC East" || f.Hardware != "X1" || f.Endpoint != "urn:uuid:2" || f.Hello {
			t.Errorf("%s: %+v, %v", c.xaddrs, f, ok)
		}
	}
	if _, ok := ParseAnswer([]byte(answered), from, "urn:uuid:other"); ok {
		t.Error("an answer to another's probe was taken")
	}
	hello := strings.NewReplacer("ProbeMatches", "Hello", "<d:ProbeMatch>", "", "</d:ProbeMatch>", "").Replace(answered)
	if f, ok := ParseAnswer([]byte(hello), from, "x"); !ok || !f.Hello {
		t.Errorf("hello: %+v, %v", f, ok)
	}
	printer := strings.NewReplacer("dn:NetworkVideoTransmitter", "wprt:PrintDeviceType", "onvif://www.onvif.org", "print://x").Replace(answered)
	if _, ok := ParseAnswer([]byte(printer), from, "urn:uuid:1"); ok {
		t.Error("a printer was taken for a camera")
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(answered))
	f.Add([]byte(strings.Replace(answered, "XADDRS", "http://[fe80::1%25eth0]:80/x http://%zz", 1)))
	f.Add([]byte("<!DOCTYPE x><Envelope/>"))
	from := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, b []byte) {
		found, ok := ParseAnswer(b, from, "urn:uuid:1")
		if !ok {
			return
		}
		u, err := url.Parse(found.Service)
		if err != nil || u.Hostname() != "10.0.0.1" || u.User != nil {
			t.Fatalf("service %q", found.Service)
		}
	})
}

func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`<Envelope><Body><GetProfilesResponse><Profiles token="a"><Name>x</Name><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>640</Width><Height>-1</Height></Resolution><RateControl><FrameRateLimit>NaN</FrameRateLimit></RateControl></VideoEncoderConfiguration></Profiles></GetProfilesResponse></Body></Envelope>`,
		`<Envelope><Body><Fault><Code><Value>env:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>no</Text></Reason></Fault></Body></Envelope>`,
		`<Envelope><Body><GetServicesResponse><Service><Namespace>` + nsMedia + `</Namespace><XAddr>http://1.2.3.4:99/m?x=1</XAddr></Service></GetServicesResponse></Body></Envelope>`,
		`<Envelope><Body><GetStreamUriResponse><MediaUri><Uri>rtsp://[::1]:x/\\</Uri></MediaUri></GetStreamUriResponse></Body></Envelope>`,
	} {
		f.Add([]byte(s))
	}
	c, err := New(Config{Address: "10.0.0.1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := answer{status: 200, body: b}
		_, _, _ = open[profileList](a)
		if _, reason, _ := open[struct{}](a); len(c.tell(reason)) > 4*maxName+3 {
			t.Fatal("a long reason")
		}
		type uri struct{ MediaUri struct{ Uri string } } //nolint:revive // ONVIF's
		got, _, err := open[uri](a)
		if err != nil {
			return
		}
		if s, _ := c.streamAddress(got.MediaUri.Uri, "rtsp", "554"); s != "" {
			if u, err := url.Parse(s); err != nil || u.Hostname() != "10.0.0.1" || u.User != nil {
				t.Fatalf("stream %q of %q", s, got.MediaUri.Uri)
			}
		}
		if u := c.resolve(got.MediaUri.Uri); u != nil && u.Hostname() != "10.0.0.1" {
			t.Fatalf("service %q", u)
		}
	})
}
