package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/web/account"
)

// Watch stands in for a camera: a stream of two fragments, of which one came long ago, and then nothing.
func (r *rig) Watch(ctx context.Context, id string, send func(Frame) error) error {
	if id != "东门" {
		return ErrNoCamera
	}
	for _, f := range []Frame{{MIME: "video/mp4", Data: []byte("head"), At: 1500 * time.Millisecond}, {Data: []byte("one")}, {Data: []byte("two"), Age: 30 * time.Second}} {
		if err := send(f); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Still stands in for a camera whose last keyframe came 2.5 s ago.
func (r *rig) Still(_ context.Context, id string) ([]byte, time.Duration, error) {
	switch id {
	case "东门":
		return []byte("\xff\xd8jpeg"), 2500 * time.Millisecond, nil
	case "dark":
		return nil, 0, ErrNoPicture
	}
	return nil, 0, ErrNoCamera
}

// See stands in for its detectors: somebody stays at the door.
func (r *rig) See(ctx context.Context, id string, send func(Sight) error) error {
	if id != "东门" {
		return ErrNoCamera
	}
	err := send(Sight{At: 1500 * time.Millisecond, Overlay: &wire.Overlay{Time: 7, Armed: []bool{true},
		Tracks: []wire.Followed{{ID: 3, Box: wire.Box{0.1, 0.2, 0.1, 0.3}, Nature: wire.Unproven, Age: 4, Why: wire.TooSmall, Measures: []wire.Measure{{Of: wire.Height, Have: 0.04, Need: 0.1}}}},
		Notes:  []wire.Note{{Track: 3, Stance: wire.Watching, Why: wire.NotPerson, Measures: []wire.Measure{{Of: wire.InZone, Have: 4}}}}}})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (r *rig) Private(string) bool { return r.private }

// TestScene: what is drawn and what is looked for goes into the file, and only that.
func TestScene(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	path := "/api/v1/cameras/" + url.PathEscape("东门") + "/scene"
	var sc scene
	v.ask("GET", path, nil, http.StatusOK, &sc)
	if len(sc.Zones) != 1 || sc.Zones[0].Name != "door" || len(sc.Rules) != 1 || sc.Rules[0].Severity != 0 || sc.State == nil || len(sc.Kinds) != 8 {
		t.Errorf("%+v", sc)
	}
	sc.State, sc.Kinds = nil, nil
	sc.Zones[0].Floors = []sceneFloor{{"2F", 0.5}}
	sc.Zones = append(sc.Zones, sceneZone{Name: "大门", Line: []wire.Point{{0.1, 0.2}, {0.30001, 0.4}}, Direction: "left_to_right"})
	sc.Rules = append(sc.Rules, sceneRule{Kind: "line_crossing", Zone: "大门", Severity: 1, Schedule: "22:00-06:00"}, sceneRule{Kind: "loitering", Zone: "all", After: "45s"})
	var got checked
	v.ask("POST", path+"/plan", sc, http.StatusOK, &got)
	if len(got.Problems) != 0 {
		t.Fatalf("%+v\n%s", got.Problems, got.Body)
	}
	for _, want := range []string{
		`      "大门": {line: [[0.1, 0.2], [0.3, 0.4]], direction: left_to_right}`, `floors: [{name: "2F", y: 0.5}]`, `url: "rtsp://admin:••••••@10.0.0.1/1"`,
		`      - {kind: line_crossing, zone: "大门", schedule: "22:00-06:00", severity: 1}`, `      - {kind: loitering, after: "45s"}`,
	} {
		if body := dots(got.Body); !strings.Contains(body, want) && !strings.Contains(strings.ReplaceAll(body, "大门", `"大门"`), want) {
			t.Errorf("no %s in\n%s", want, got.Body)
		}
	}
	v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
	v.ask("GET", path, nil, http.StatusOK, &sc)
	if len(sc.Zones) != 2 || len(sc.Rules) != 3 || sc.Rules[2].After != "45s" || sc.Rules[1].Schedule != "22:00-06:00" {
		t.Errorf("%+v", sc)
	}
	// What crosses itself is told, and not saved.
	sc.State, sc.Kinds = nil, nil
	sc.Privacy = [][]wire.Point{{{0, 0}, {1, 1}, {1, 0}, {0, 1}}}
	if v.ask("POST", path+"/plan", sc, http.StatusOK, &got); len(got.Problems) != 1 {
		t.Errorf("%+v", got.Problems)
	}
	v.ask("GET", "/api/v1/cameras/nobody/scene", nil, http.StatusNotFound, nil)
	v.ask("POST", "/api/v1/cameras/nobody/scene/plan", scene{}, http.StatusNotFound, nil)
}

const boxAlive = `{"alive":true}`

// TestLive: a picture comes to who is signed in on this page, and not to others; where
// parts are private, to technicians alone.
func TestLive(t *testing.T) {
	r := newRig(t)
	tech := r.claim()
	viewer := r.user("看", account.Viewer)
	dial := func(v *visitor, id, origin string) (*websocket.Conn, int) {
		h := http.Header{"Origin": {origin}}
		for name, value := range v.cookies {
			h.Add("Cookie", (&http.Cookie{Name: name, Value: value}).String())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		t.Cleanup(cancel)
		c, res, err := websocket.Dial(ctx, //nolint:bodyclose // the package closes it
			strings.Replace(r.http.URL, "http", "ws", 1)+"/api/v1/cameras/"+url.PathEscape(id)+"/live",
			&websocket.DialOptions{HTTPHeader: h})
		if err != nil {
			if res == nil {
				t.Fatal(err)
			}
			return nil, res.StatusCode
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		return c, res.StatusCode
	}
	c, status := dial(viewer, "东门", r.http.URL)
	if c == nil {
		t.Fatalf("no picture: %d", status)
	}
	var got []string
	for alive := false; len(got) < 5 || !alive; { // that the box is there is said in between, and on
		_, b, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.TrimSpace(string(b)); said == boxAlive {
			alive = len(got) >= 5
		} else {
			got = append(got, said)
		}
	}
	if s := strings.Join(got, " "); s != `{"mime":"video/mp4","at":1.5} head one {"age":30000} two` {
		t.Errorf("got %s", s)
	}
	if _, status := dial(r.visitor(), "东门", r.http.URL); status != http.StatusSeeOther && status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", status)
	}
	if _, status := dial(tech, "东门", "http://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another page: %d", status)
	}
	if c, _ := dial(tech, "nobody", r.http.URL); c != nil {
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("a camera that is not there: %v", err)
		}
	}
	r.private = true
	if c, status := dial(viewer, "东门", r.http.URL); c != nil || status != http.StatusForbidden {
		t.Errorf("private parts are shown to a viewer: %d", status)
	}
	if c, _ := dial(tech, "东门", r.http.URL); c == nil {
		t.Error("who draws private parts does not see the picture")
	}
}

// TestStill: a still picture has its age, and is for viewers too: what is private is painted
// over in it.
func TestStill(t *testing.T) {
	r := newRig(t)
	r.claim()
	viewer := r.user("看", account.Viewer)
	r.private = true
	get := func(id string) (int, string, http.Header) {
		return viewer.do("GET", "/api/v1/cameras/"+url.PathEscape(id)+"/still", "", "")
	}
	if status, body, h := get("东门"); status != http.StatusOK || body != "\xff\xd8jpeg" || h.Get(headerAge) != "2500" || h.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%d %q %v", status, body, h)
	}
	for _, id := range []string{"dark", "nobody"} {
		if status, body, _ := get(id); status != http.StatusNotFound || !strings.Contains(body, "web.error.no") {
			t.Errorf("%s: %d %s", id, status, body)
		}
	}
	_, page, _ := viewer.do("GET", "/camera/"+url.PathEscape("东门"), "", "")
	if !strings.Contains(page, "data-stills") || strings.Contains(page, "<video") {
		t.Error("a viewer is not shown stills in the place of a private video")
	}
}
