package find_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/dvrip/dvriptest"
	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/text"
	"sentrybox/uplink/linetest/freeport"
)

// TestMain is also the process of DVRIP sessions.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == dvrip.Command {
		if err := dvrip.ServeProcess(0); err != nil {
			fmt.Fprintln(os.Stderr, "sentrybox:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const password = "s3cret-one"

func templates(t testing.TB) []find.Template {
	t.Helper()
	all, err := find.Templates("")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// cameras starts an RTSP server with a large and a small stream at two paths.
func cameras(t testing.TB, main, sub string) *rtsptest.Server {
	t.Helper()
	s := &rtsptest.Server{User: "admin", Password: password, Cameras: map[string]rtsptest.Camera{
		strings.Trim(main, "/"): {Clip: rtsptest.Bytes(mp4test.Walker())},
		strings.Trim(sub, "/"):  {Clip: rtsptest.Bytes(mp4test.H264())},
	}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func port(a net.Addr) uint16 { return a.(*net.TCPAddr).AddrPort().Port() }

func options(t testing.TB) find.SignInOptions {
	return find.SignInOptions{User: "admin", Password: config.NewSecret(password), Templates: templates(t), Watch: 2500 * time.Millisecond, Timeout: 20 * time.Second}
}

func local() netip.Addr { return netip.MustParseAddr("127.0.0.1") }

// signIn signs in, and again if this machine was so busy that no two keyframes came while a stream was watched. It
// returns how often.
func signIn(t *testing.T, c find.Candidate, opt find.SignInOptions) (r find.Result, times int) {
	rare := func(s find.Stream) bool { return s.Keyframe == 0 }
	for times < 5 {
		r, times = find.SignIn(t.Context(), c, opt), times+1
		if !slices.ContainsFunc(r.Cameras, func(c find.Camera) bool { return slices.ContainsFunc(c.Streams, rare) }) {
			break
		}
	}
	return r, times
}

// checkCamera looks at one camera with the two streams of cameras.
func checkCamera(t *testing.T, r find.Result) {
	t.Helper()
	if r.Failure != "" || len(r.Cameras) != 1 || len(r.Cameras[0].Streams) != 2 {
		t.Fatalf("%+v", r)
	}
	c := r.Cameras[0]
	main, sub := c.Streams[c.Main], c.Streams[max(c.Detect, 0)]
	if main.Width != mp4test.WalkerWidth || main.Codec != "H.264" || c.Detect < 0 || sub.Width != 320 || sub.Keyframe <= 0 || sub.FPS < 1 || sub.Bitrate <= 0 {
		t.Errorf("main %+v, detect %d %+v", main, c.Detect, sub)
	}
	b, err := json.Marshal(r)
	if err != nil || bytes.Contains(b, []byte(password)) {
		t.Errorf("%v: the password is in %s", err, b)
	}
	snippet := find.Snippet([]find.Result{r})
	if strings.Contains(snippet, password) {
		t.Errorf("the password is in\n%s", snippet)
	}
	doc := "gateway: {id: g, street: s, community: c}\ndata: /tmp/x\nuplink: {mqtt: [{url: 'mqtt://b'}]}\n" + snippet
	cfg, err := config.Parse("snippet", []byte(doc), func(name string) (string, bool) { return password, name == "CAM_PASSWORD" })
	if err != nil {
		t.Fatalf("the snippet is none: %v\n%s", err, doc)
	}
	if got := cfg.Cameras[0].URL; got != main.URL {
		t.Errorf("the snippet's URL is %s, want %s", got.Reveal(), main.URL.Reveal())
	}
	if got := cfg.Cameras[0].DetectURL; got != sub.URL {
		t.Errorf("the snippet's detect_url is %s, want %s", got.Reveal(), sub.URL.Reveal())
	}
}

// TestTemplates: a camera of each brand, which is known by its banner, is signed in to
// by its first path; and by each later one, when the others are not there.
func TestTemplates(t *testing.T) {
	brands := map[string]bool{}
	type brand struct {
		id, brand string
		candidate find.Candidate
		result    find.Result
	}
	var tried []*brand
	for _, tpl := range templates(t) {
		brands[tpl.Brand] = true
		for i := range min(len(tpl.RTSP.Main), len(tpl.RTSP.Sub)) {
			fill := func(p string) string {
				return strings.TrimSuffix(strings.NewReplacer("{channel}", "1", "{channel:02}", "01", "{user}", "admin", "{password}", password).Replace(p), "?")
			}
			s := cameras(t, fill(tpl.RTSP.Main[i]), fill(tpl.RTSP.Sub[i]))
			b := &brand{id: fmt.Sprint(tpl.ID, i), brand: tpl.Brand, candidate: find.Candidate{Addr: local(), RTSP: []uint16{port(s.Addr())}}}
			if len(tpl.Match) > 0 {
				b.candidate.Banners = []string{"Server: " + tpl.Match[0] + "/1.0"}
			}
			tried = append(tried, b)
		}
	}
	opt := options(t)
	var all sync.WaitGroup
	for _, b := range tried {
		all.Go(func() { b.result, _ = signIn(t, b.candidate, opt) })
	}
	all.Wait()
	for _, b := range tried {
		t.Run(b.id, func(t *testing.T) {
			checkCamera(t, b.result)
			if b.result.Brand != b.brand {
				t.Errorf("taken for %q", b.result.Brand)
			}
		})
	}
	for _, brand := range []string{"Hikvision", "Dahua", "Uniview", "TP-Link", "Tiandy", "XiongMai", "Reolink", "Axis"} {
		if !brands[brand] {
			t.Errorf("no template for %s", brand)
		}
	}
}

func TestTemplateFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, doc string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("axis.yaml", "brand: Axis\nmatch: [axis]\nrtsp: {main: [/mine]}\nsources: [here]\n")
	write("new.yaml", "brand: New\nmatch: [newish]\nrtsp: {main: ['/{channel0}/x']}\nsources: [here]\n")
	all, err := find.Templates(dir)
	if err != nil || len(all) != len(templates(t))+1 {
		t.Fatalf("%d templates, %v", len(all), err)
	}
	if i := slices.IndexFunc(all, func(t find.Template) bool { return t.ID == "axis" }); all[i].RTSP.Main[0] != "/mine" {
		t.Error("the folder's does not replace ours")
	}
	for _, bad := range []string{"brand: X\n", "brand: X\nmatch: [xx]\nsources: [a]\n", "brand: X\nmatch: [xx]\nrtsp: {main: [a]}\nsources: [a]\n",
		"brand: X\nmatch: [xx]\nrtsp: {main: ['/{chanel}']}\nsources: [a]\n", "brnad: X\n", "brand: X\nmatch: [x]\nrtsp: {main: [/a]}\nsources: [a]\n", "]"} {
		write("bad.yaml", bad)
		if _, err := find.Templates(dir); err == nil {
			t.Errorf("taken: %q", bad)
		}
	}
}

func TestSignInByONVIF(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*onviftest.Server)
		failure find.Failure
	}{
		"Digest": {nil, ""}, "token": {func(s *onviftest.Server) { s.NoDigest = true }, ""},
		"lies about its address": {func(s *onviftest.Server) { s.Host = "10.255.255.1" }, ""},
		// The user of ONVIF is another, as with Hikvision: the brand's paths serve.
		"no such user of ONVIF": {func(s *onviftest.Server) { s.User = "onvif" }, ""},
		"locked":                {func(s *onviftest.Server) { s.User, s.LockAfter = "onvif", 1 }, find.Locked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			streams := cameras(t, "Streaming/Channels/101", "Streaming/Channels/102")
			device := &onviftest.Server{User: "admin", Password: password, Manufacturer: "Acme", Model: "One", Streams: []onviftest.Stream{
				{Token: "1", Name: "main", URL: streams.BareURL("Streaming/Channels/101"), Codec: "H264", Width: 640, Height: 360},
				{Token: "2", Name: "sub", URL: streams.BareURL("Streaming/Channels/102"), Codec: "H264", Width: 320, Height: 240},
				{Token: "3", Name: "sub again", URL: streams.BareURL("Streaming/Channels/102"), Codec: "H264", Width: 320, Height: 240},
			}}
			if c.change != nil {
				c.change(device)
			}
			if err := device.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(device.Close)
			r, times := signIn(t, find.Candidate{Addr: local(), ONVIF: "http://" + device.Addr() + "/onvif/device_service", RTSP: []uint16{port(streams.Addr())}}, options(t))
			if device.Tries() > 30*times {
				t.Errorf("%d tries", device.Tries())
			}
			if c.failure != "" {
				if r.Failure != c.failure || streams.Readers("Streaming/Channels/101") > 0 {
					t.Errorf("%+v", r)
				}
				return
			}
			checkCamera(t, r)
		})
	}
}

func TestSignInByDVRIP(t *testing.T) {
	t.Parallel()
	clip := func(b []byte) *dvriptest.Clip {
		c, err := dvriptest.MP4(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	s := &dvriptest.Server{User: "admin", Password: password, LockAfter: 2, Channels: []dvriptest.Channel{
		{Main: clip(mp4test.Walker()), Sub: clip(mp4test.H264())}, {Main: clip(mp4test.H265())},
	}}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c := find.Candidate{Addr: local(), DVRIP: port(s.Addr())}
	r, _ := signIn(t, c, options(t))
	checkCamera(t, r)
	if r.Channels != 2 || r.Brand != "XiongMai" {
		t.Errorf("%d channels of %q", r.Channels, r.Brand)
	}
	opt := options(t)
	opt.Channels = 4
	r = find.SignIn(t.Context(), c, opt)
	if len(r.Cameras) != 2 || r.Cameras[1].ID != "cam-127-0-0-1-2" {
		t.Fatalf("%+v", r)
	}
	if notes := r.Cameras[1].Streams[0].Notes; len(notes) != 1 || notes[0].Key != "find.note.h265" || r.Cameras[1].Detect != -1 || len(r.Cameras[1].Notes) == 0 {
		t.Errorf("%+v", r.Cameras[1])
	}
	wrong := options(t)
	wrong.Password = config.NewSecret("another-one")
	before := s.Counts().Logins
	r = find.SignIn(t.Context(), c, wrong)
	if r.Failure != find.Refused || s.Counts().Logins != before+1 || r.Hint(text.Chinese) == "" {
		t.Errorf("%+v, %d logins", r, s.Counts().Logins-before)
	}
	find.SignIn(t.Context(), c, wrong)
	r = find.SignIn(t.Context(), c, options(t))
	if r.Failure != find.Locked || len(r.Attempts) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestRefusedOnce: a camera that refuses a password is not asked again by other paths.
func TestRefusedOnce(t *testing.T) {
	s := cameras(t, "a", "b")
	opt := options(t)
	opt.Password = config.NewSecret("another-one")
	r := find.SignIn(t.Context(), find.Candidate{Addr: local(), RTSP: []uint16{port(s.Addr())}}, opt)
	if r.Failure != find.Refused || len(r.Attempts) != 1 || strings.Contains(r.Reason, "another-one") {
		t.Errorf("%+v", r)
	}
	r = find.SignIn(t.Context(), find.Candidate{Addr: local(), RTSP: []uint16{port(s.Addr())}}, options(t))
	if r.Failure != find.NoStream {
		t.Errorf("no path leads to a stream: %+v", r)
	}
	nobody, err := freeport.TCP()
	if err != nil {
		t.Fatal(err)
	}
	r = find.SignIn(t.Context(), find.Candidate{Addr: local(), RTSP: []uint16{uint16(nobody)}}, options(t))
	if r.Failure != find.Unreachable {
		t.Errorf("nobody there: %+v", r)
	}
}

func TestScanRange(t *testing.T) {
	for _, bad := range []string{"10.0.0.0/21", "8.8.8.0/24", "0.0.0.0/0", "224.0.0.0/24", "fd00::/64", "100.64.0.0/24"} {
		if _, err := find.Scan(t.Context(), find.ScanOptions{Prefix: netip.MustParsePrefix(bad)}); err == nil {
			t.Errorf("%s was scanned", bad)
		}
	}
}

func TestMerge(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.10")
	got := find.Merge(
		[]find.Candidate{{Addr: b, Name: "x", Ways: []find.Way{find.ByScan}, Open: []uint16{80}}, {Addr: a}},
		[]find.Candidate{{Addr: b, Name: "y", ONVIF: "http://b/", Ways: []find.Way{find.ByDiscovery}, Open: []uint16{80, 554}, Channels: 4}})
	if len(got) != 2 || got[0].Addr != a || got[1].Name != "x" || got[1].ONVIF == "" || len(got[1].Ways) != 2 || len(got[1].Open) != 2 || got[1].Channels != 4 {
		t.Errorf("%+v", got)
	}
}
