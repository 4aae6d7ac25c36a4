package onvif_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/onvif"
	"sentrybox/drivers/onvif/onviftest"
)

const password = `p@ss:w/rd<&"41?`

func device(t testing.TB, change func(*onviftest.Server)) *onviftest.Server {
	t.Helper()
	s := &onviftest.Server{User: "admin", Password: password, Manufacturer: "Acme & Söhne", Model: "Dome 4",
		Streams: []onviftest.Stream{
			{Token: "main<1>", Name: "mainStream", URL: "rtsp://127.0.0.1:554/Streaming/Channels/101?transportmode=unicast&profile=Profile_1", SnapshotURL: "http://127.0.0.1/snap", Codec: "H265", Width: 2560, Height: 1440, FPS: 25, Bitrate: 4096, GOP: 50},
			{Token: "sub", Name: "subStream", URL: "rtsp://127.0.0.1:8554/sub", Codec: "H264", Width: 640, Height: 360, FPS: 12, Bitrate: 512, GOP: 24},
		}}
	if change != nil {
		change(s)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func inspect(t testing.TB, s *onviftest.Server, change func(*onvif.Config)) (onvif.Device, error) {
	t.Helper()
	cfg := onvif.Config{Address: s.Addr(), User: "admin", Password: password, Timeout: 20 * time.Second}
	if change != nil {
		change(&cfg)
	}
	d, err := onvif.Inspect(t.Context(), cfg)
	if err != nil {
		for _, secret := range []string{password, "p&#64;ss"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	}
	return d, err
}

// TestInspect: every way of signing in that works, and what is learned.
func TestInspect(t *testing.T) {
	for name, c := range map[string]struct {
		device func(*onviftest.Server)
		config func(*onvif.Config)
		method onvif.Method
		tries  int // until signed in
	}{
		"Digest":                          {nil, nil, onvif.Digest, 1},
		"token alone":                     {func(s *onviftest.Server) { s.NoDigest = true }, nil, onvif.Token, 2},
		"token, the device lives in 2017": {func(s *onviftest.Server) { s.NoDigest, s.ClockError = true, -80000*time.Hour }, nil, onvif.Token, 2},
		"password in clear":               {func(s *onviftest.Server) { s.NoDigest, s.NoToken, s.Plain = true, true, true }, func(c *onvif.Config) { c.AllowPlain = true }, onvif.Plain, 3},
		"no password":                     {func(s *onviftest.Server) { s.User = "" }, nil, onvif.None, 0},
		"its clock is a secret":           {func(s *onviftest.Server) { s.NoClock = true }, nil, onvif.Digest, 1},
		"another host in its addresses":   {func(s *onviftest.Server) { s.Host = "10.255.0.1" }, nil, onvif.Digest, 1},
		"no Media2":                       {func(s *onviftest.Server) { s.NoMedia2 = true }, nil, onvif.Digest, 1},
		"no GetServices":                  {func(s *onviftest.Server) { s.NoServices = true }, nil, onvif.Digest, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := device(t, c.device)
			d, err := inspect(t, s, c.config)
			if err != nil {
				t.Fatal(err)
			}
			if d.Method != c.method || len(d.Attempts) != c.tries || d.Information.Manufacturer != "Acme & Söhne" || d.Information.Model != "Dome 4" {
				t.Errorf("%+v", d)
			}
			old := name == "no Media2" || name == "no GetServices"
			want := 2
			if old {
				want = 1 // Media does not know H.265
			}
			if len(d.Profiles) != want {
				t.Fatalf("profiles %+v", d.Profiles)
			}
			p := d.Profiles[want-1]
			p.Source, p.Name = "", ""
			if p != (onvif.Profile{Token: "sub", Codec: "H.264", Width: 640, Height: 360, FPS: 12, Bitrate: 512, GOP: 24, StreamURL: "rtsp://127.0.0.1:8554/sub"}) {
				t.Errorf("profile %+v", p)
			}
			if !old {
				if p := d.Profiles[0]; p.Codec != "H.265" || p.StreamURL != "rtsp://127.0.0.1/Streaming/Channels/101?transportmode=unicast&profile=Profile_1" || p.SnapshotURL != "http://127.0.0.1/snap" {
					t.Errorf("profile %+v", p)
				}
			}
			if skewed := s.ClockError != 0; skewed != (len(d.Problems) > 0) {
				t.Errorf("problems %q", d.Problems)
			}
			if d.ClockKnown == s.NoClock {
				t.Errorf("clock known: %v", d.ClockKnown)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	wrong := func(c *onvif.Config) { c.Password = "wrong-one" }
	for name, c := range map[string]struct {
		device func(*onviftest.Server)
		config func(*onvif.Config)
		kind   onvif.Kind
		says   string
		tries  int // of passwords
	}{
		"wrong password":         {nil, wrong, onvif.Refused, "Hikvision", 2},
		"wrong, token alone":     {func(s *onviftest.Server) { s.NoDigest = true }, wrong, onvif.Refused, "HTTP Digest: not offered", 1},
		"wrong, in clear too":    {nil, func(c *onvif.Config) { wrong(c); c.AllowPlain = true }, onvif.Refused, "PasswordText", 3},
		"no user":                {nil, func(c *onvif.Config) { c.User, c.Password = "", "" }, onvif.Refused, "wants a user", 0},
		"locked before":          {func(s *onviftest.Server) { s.LockAfter = 1 }, wrong, onvif.Locked, "locked", 2},
		"clear is not allowed":   {func(s *onviftest.Server) { s.NoDigest, s.NoToken, s.Plain = true, true, true }, nil, onvif.Refused, "PasswordDigest", 1},
		"its clock is a secret":  {func(s *onviftest.Server) { s.NoClock, s.NoDigest, s.ClockError = true, true, time.Hour }, nil, onvif.Refused, "a wrong clock may be why", 1},
		"the password is echoed": {func(s *onviftest.Server) { s.NoDigest, s.NoToken = true, true; s.Mangle = echo }, func(c *onvif.Config) { c.AllowPlain = true }, onvif.Refused, "***", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := device(t, c.device)
			_, err := inspect(t, s, c.config)
			var e *onvif.Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s with %q", err, c.kind, c.says)
			}
			if n := s.Tries(); n != c.tries {
				t.Errorf("%d passwords were tried, want %d", n, c.tries)
			}
		})
	}
	t.Run("locked after the first", func(t *testing.T) {
		s := device(t, func(s *onviftest.Server) { s.LockAfter = 1 })
		_, _ = inspect(t, s, wrong)
		n := s.Tries()
		if _, err := inspect(t, s, nil); err == nil || s.Tries() != n {
			t.Errorf("%v; %d tries more at a device that says that it is locked", err, s.Tries()-n)
		}
	})
}

func echo(_ string, b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("Sender not Authorized"), []byte("not authorized: p@ss:w/rd&lt;&amp;&quot;41?"))
}

// TestHostile: nothing that a device says makes the client go elsewhere, use much, or
// take long.
func TestHostile(t *testing.T) {
	elsewhere := make(chan string, 10)
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer trap.Close()
	go func() {
		_ = http.Serve(trap, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere <- r.URL.String() })) // a trap
	}()
	answer := func(b string) func(*onviftest.Server) {
		return func(s *onviftest.Server) { s.Mangle = func(string, []byte) []byte { return []byte(b) } }
	}
	for name, change := range map[string]func(*onviftest.Server){
		"a redirect": func(s *onviftest.Server) {
			s.Handler = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "http://"+trap.Addr().String()+"/stolen", http.StatusTemporaryRedirect)
				return true
			}
		},
		"entities":     answer(`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><Envelope><Body>&b;</Body></Envelope>`),
		"outer entity": answer(`<!DOCTYPE x SYSTEM "http://` + trap.Addr().String() + `/dtd"><Envelope/>`),
		"depth":        answer(strings.Repeat("<a>", 100000)),
		"elements":     answer("<Envelope>" + strings.Repeat("<a/>", 100000) + "</Envelope>"),
		"no XML":       answer("<html><body>It works!"),
		"nothing":      answer(""),
		"binary":       answer("\x00\xff\xfe\x01"),
		"endless": func(s *onviftest.Server) {
			s.Handler = func(w http.ResponseWriter, r *http.Request) bool {
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, strings.Repeat("<a>endless</a>", 4096)); err != nil {
						break
					}
				}
				return true
			}
		},
		"a hundred challenges": func(s *onviftest.Server) {
			s.Handler = func(w http.ResponseWriter, _ *http.Request) bool {
				for i := range 100 {
					w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Digest realm="%d", nonce="%s"`, i, strings.Repeat("n", 100)))
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := inspect(t, device(t, change), nil)
			if err == nil {
				t.Errorf("it was believed: %+v", d)
			}
		})
	}
	t.Run("lies about addresses", func(t *testing.T) {
		s := device(t, func(s *onviftest.Server) {
			s.Host = trap.Addr().String()
			s.Streams[0].URL = "rtsp://evil:pw@203.0.113.9:5540/x"
			s.Streams[0].SnapshotURL = "file:///etc/passwd"
			s.Streams[1].URL = "rtsp://" + trap.Addr().String() + "/y"
		})
		d, err := inspect(t, s, func(c *onvif.Config) { c.Address = strings.Replace(s.Addr(), "127.0.0.1", "localhost", 1) })
		if err != nil || len(d.Profiles) != 2 {
			t.Fatal(d, err)
		}
		if p := d.Profiles[0]; p.StreamURL != "rtsp://localhost:5540/x" || !p.Moved || p.SnapshotURL != "" {
			t.Errorf("%+v", p)
		}
		if len(d.Problems) == 0 {
			t.Error("nobody is told")
		}
	})
	select {
	case got := <-elsewhere:
		t.Errorf("another host was asked: %s", got)
	default:
	}
}

func TestNobodyThere(t *testing.T) {
	s := device(t, nil)
	addr := s.Addr()
	s.Close()
	_, err := onvif.Inspect(t.Context(), onvif.Config{Address: addr})
	var e *onvif.Error
	if !errors.As(err, &e) || e.Kind != onvif.Unreachable || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	for _, bad := range []string{"", "ftp://x", "http://u:p@x/", "http://", "x y"} {
		if _, err := onvif.New(onvif.Config{Address: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
