package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/mp4/mp4test"
	"sentrybox/drivers/onvif/onviftest"
	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/store"
	"sentrybox/gateway/survey"
)

// search gives the rig a search that finds one ONVIF device, where r.found says.
func (r *rig) search(st *store.Store) {
	templates, err := find.Templates("")
	if err != nil {
		r.t.Fatal(err)
	}
	s := &survey.Survey{
		Store: st, Templates: templates, Log: slog.New(slog.DiscardHandler), Now: time.Now, Watch: 2500 * time.Millisecond,
		Discover: func(context.Context, []net.Interface, time.Duration, []find.Template) ([]find.Candidate, error) {
			return r.found, errors.New("eth9: no multicast")
		},
		Picture: func(_ context.Context, u config.URL) ([]byte, error) { return []byte("\xff\xd8 of " + u.String()), nil },
	}
	if err := s.Open(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-done })
	r.server.Survey = s
}

// await waits until no job is under way.
func (v *visitor) await() foundView {
	v.t.Helper()
	var got foundView
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		v.ask("GET", "/api/v1/find", nil, http.StatusOK, &got)
		if !got.Job.Running {
			return got
		}
	}
	v.t.Fatalf("still %+v", got.Job)
	return got
}

const camSecret = "pa${ss}@1"

// onvifCamera starts a camera that is found by the rig's search.
func (r *rig) onvifCamera() {
	r.t.Helper()
	streams := &rtsptest.Server{User: "admin", Password: camSecret, Cameras: map[string]rtsptest.Camera{
		"main": {Clip: rtsptest.Bytes(mp4test.Walker())}, "sub": {Clip: rtsptest.Bytes(mp4test.H264())},
	}}
	if err := streams.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(streams.Close)
	device := &onviftest.Server{User: "admin", Password: camSecret, Manufacturer: "Acme", Model: "One", Streams: []onviftest.Stream{
		{Token: "1", Name: "main", URL: streams.BareURL("main"), Codec: "H264", Width: 640, Height: 360},
		{Token: "2", Name: "sub", URL: streams.BareURL("sub"), Codec: "H264", Width: 320, Height: 240},
	}}
	if err := device.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(device.Close)
	r.found = []find.Candidate{{
		Addr: netip.MustParseAddr("127.0.0.1"), Name: "Acme", ONVIF: "http://" + device.Addr() + "/onvif/device_service", Ways: []find.Way{find.ByDiscovery},
	}}
}

// TestFindAndAdd: a device is found, a wrong password is told in words for each way, the
// right one leads to streams of which one is recommended, and the camera is added with its
// password where nobody reads it by accident.
func TestFindAndAdd(t *testing.T) {
	r := newRig(t)
	r.onvifCamera()
	v := r.claim()
	v.ask("POST", "/api/v1/find/search", nil, http.StatusOK, nil)
	got := v.await()
	if len(got.Devices) != 1 || got.Devices[0].Address != "127.0.0.1" || got.Job.Why == "" || got.Job.Text != "完成，但有一部分没有查到。" || len(got.Templates) < 10 {
		t.Fatalf("%+v", got)
	}
	signIn := func(password string) deviceView {
		v.ask("POST", "/api/v1/find/signin", map[string]any{"devices": []string{"127.0.0.1"}, "user": "admin", "password": password}, http.StatusOK, nil)
		return v.await().Devices[0]
	}
	d := signIn("wrong")
	if d.Failed != "用户名或密码不对" || len(d.Tried) < 2 || d.Tried[0].Way != "ONVIF, HTTP Digest" || d.Tried[0].Text != "用户名或密码不对" || d.Tried[0].Why == "" {
		t.Errorf("%+v", d)
	}
	for tries := 0; tries == 0 || tries < 5 && len(d.Cameras) == 1 && len(d.Cameras[0].Streams) == 2 && d.Cameras[0].Streams[1].Keyframes <= 0; tries++ {
		d = signIn(camSecret) // again if this machine was too busy for two keyframes while it watched
	}
	if d.Failed != "" || d.Model != "Acme One" || len(d.Cameras) != 1 {
		t.Fatalf("%+v", d)
	}
	c := d.Cameras[0]
	if len(c.Streams) != 2 || c.Main != 0 || c.Detect != 1 || c.Streams[1].Keyframes <= 0 || !strings.Contains(c.Streams[0].Text, "H.264 640×360") {
		t.Errorf("%+v", c)
	}
	if status, jpeg, h := v.do("GET", "/api/v1/find/devices/127.0.0.1/1/picture", "", ""); status != http.StatusOK || h.Get("Content-Type") != "image/jpeg" ||
		!strings.Contains(jpeg, "/sub") || strings.Contains(jpeg, camSecret) {
		t.Errorf("%d %q", status, jpeg)
	}
	var plan checked
	v.ask("POST", "/api/v1/find/plan", map[string]any{"cameras": []chosen{{Address: d.Address, Channel: 1, ID: " 西门 ", Grid: "3", Main: 0, Detect: 1}, {Address: d.Address, Channel: 1, ID: "west-2", Detect: -1}}}, http.StatusOK, &plan)
	if len(plan.Problems) != 0 {
		t.Fatalf("%+v\n%s", plan.Problems, plan.Body)
	}
	v.ask("PUT", "/api/v1/config", saveRequest{Body: plan.Body, Base: plan.Base}, http.StatusOK, nil)
	if n := len(r.running.Cameras); n != 3 {
		t.Fatalf("%d cameras", n)
	}
	west := r.running.Cameras[1]
	if u, err := west.URL.Parse(); err != nil || west.ID != "西门" || west.Grid != "3" || u.Path != "/main" || west.DetectURL.IsZero() || !r.running.Cameras[2].DetectURL.IsZero() {
		t.Errorf("%+v %v", west, err)
	} else if p, _ := u.User.Password(); p != camSecret {
		t.Errorf("the password became %q", p)
	}
	if d := v.await().Devices[0]; strings.Join(d.Added, " ") != "西门 west-2" {
		t.Errorf("added: %v", d.Added)
	}
}

// TestFoundIsRemembered: what is ignored stays so, over a restart too, and a brand that was
// chosen is kept.
func TestFoundIsRemembered(t *testing.T) {
	r := newRig(t)
	r.found = []find.Candidate{{Addr: netip.MustParseAddr("10.0.0.7"), Ways: []find.Way{find.ByDiscovery}}}
	v := r.claim()
	v.ask("POST", "/api/v1/find/search", nil, http.StatusOK, nil)
	v.await()
	v.ask("PATCH", "/api/v1/find/devices/10.0.0.7", map[string]any{"ignored": true, "template": "dahua"}, http.StatusOK, nil)
	v.ask("PATCH", "/api/v1/find/devices/10.0.0.7", map[string]any{"template": "nobody"}, http.StatusNotFound, nil)
	v.ask("PATCH", "/api/v1/find/devices/10.0.0.8", map[string]any{"ignored": true}, http.StatusNotFound, nil)
	r.search(r.server.Survey.Store)
	d := v.await().Devices
	if len(d) != 1 || !d[0].Ignored || d[0].Template != "dahua" {
		t.Errorf("%+v", d)
	}
}

// TestSearchIsBounded: what would reach strangers, or too many, is refused; one thing is
// done at a time, and can be stopped.
func TestSearchIsBounded(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	for _, subnet := range []string{"", "8.8.8.0/24", "10.0.0.0/8", "nonsense"} {
		v.ask("POST", "/api/v1/find/scan", map[string]any{"subnet": subnet}, http.StatusUnprocessableEntity, nil)
	}
	for _, address := range []string{"", "camera.local", "224.0.0.1", "0.0.0.0"} {
		v.ask("POST", "/api/v1/find/look", map[string]any{"address": address}, http.StatusUnprocessableEntity, nil)
	}
	v.ask("POST", "/api/v1/find/signin", map[string]any{"devices": []string{}}, http.StatusNotFound, nil)
	v.ask("POST", "/api/v1/find/plan", map[string]any{"cameras": []chosen{{Address: "10.0.0.9", Channel: 1, ID: "x"}}}, http.StatusConflict, nil)
	v.ask("POST", "/api/v1/find/scan", map[string]any{"subnet": "127.0.0.0/22"}, http.StatusOK, nil)
	v.ask("POST", "/api/v1/find/search", nil, http.StatusConflict, nil)
	v.ask("POST", "/api/v1/find/stop", nil, http.StatusOK, nil)
	if got := v.await(); got.Job.Text != "已停止。" || got.Job.Why != "" {
		t.Errorf("%+v", got.Job)
	}
}
