package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

// dial opens a WebSocket as a visitor, nil if it is refused.
func (v *visitor) dial(path string) (*websocket.Conn, int) {
	v.t.Helper()
	h := http.Header{"Origin": {v.http.URL}}
	for name, value := range v.cookies {
		h.Add("Cookie", (&http.Cookie{Name: name, Value: value}).String())
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), 5*time.Minute)
	v.t.Cleanup(cancel)
	c, res, err := websocket.Dial(ctx, strings.Replace(v.http.URL, "http", "ws", 1)+path, &websocket.DialOptions{HTTPHeader: h}) //nolint:bodyclose // the package closes it
	if err != nil {
		if res == nil {
			v.t.Fatal(err)
		}
		return nil, res.StatusCode
	}
	v.t.Cleanup(func() { _ = c.CloseNow() })
	return c, res.StatusCode
}

// TestSeen: what the detectors see comes in words, with the rules that they are about; of a camera with
// private parts, to technicians alone.
func TestSeen(t *testing.T) {
	r := newRig(t)
	tech := r.claim()
	viewer := r.user("看", account.Viewer)
	path := "/api/v1/cameras/" + url.PathEscape("东门") + "/seen"
	c, status := viewer.dial(path + "?lang=en")
	if c == nil {
		t.Fatalf("nothing is seen: %d", status)
	}
	var begin sightBegin
	var v sightView
	for _, into := range []any{&begin, &v} {
		b := []byte(boxAlive)
		var err error
		for err == nil && strings.TrimSpace(string(b)) == boxAlive { // which may be said at any time
			_, b, err = c.Read(t.Context())
		}
		if err != nil || json.Unmarshal(b, into) != nil {
			t.Fatal(string(b), err)
		}
	}
	if len(begin.Rules) != 1 || begin.Rules[0].Kind != "intrusion" || begin.Rules[0].Zone != "door" {
		t.Errorf("%+v", begin)
	}
	if v.At != 1.5 || len(v.Tracks) != 1 || v.Tracks[0].ID != 3 || len(v.Rules) != 1 || v.Rules[0].State != "watching" {
		t.Errorf("%+v", v)
	}
	if got := v.Rules[0].Text; got != "not yet known for a person or a vehicle: too small for a person there, height in the picture 4 % of 10 %" {
		t.Error(got)
	}
	r.private = true
	if c, status := viewer.dial(path); c != nil || status != http.StatusForbidden {
		t.Errorf("a viewer sees into private parts: %d", status)
	}
	if c, _ := tech.dial(path); c == nil {
		t.Error("a technician does not")
	}
	if c, status := tech.dial("/api/v1/cameras/nobody/seen"); c != nil || status != http.StatusNotFound {
		t.Errorf("a camera that is not there: %d", status)
	}
}

// TestWhy: each stance of a rule has its sentence, in both languages.
func TestWhy(t *testing.T) {
	box := &wire.Box{0.1, 0.1, 0.2, 0.2}
	loiter := func(have float64, why wire.Reason, stance wire.Stance) wire.Note {
		return wire.Note{Box: box, Stance: stance, Why: why, Measures: []wire.Measure{{Of: wire.InZone, Have: have, Need: 30}}}
	}
	for name, c := range map[string]struct {
		armed  bool
		notes  []wire.Note
		state  string
		zh, en string
	}{
		"nobody":     {true, nil, "quiet", "那里没有动静", "nothing there"},
		"waits":      {true, []wire.Note{loiter(12.2, wire.TooShort, wire.Watching)}, "watching", "停留 12 秒，要到 30 秒", "stays 12 s of 30 s"},
		"the nearer": {true, []wire.Note{loiter(2, wire.TooShort, wire.Watching), loiter(20, wire.TooShort, wire.Watching)}, "watching", "停留 20 秒，要到 30 秒（另有 1 个）", "stays 20 s of 30 s (and 1 more)"},
		"decided":    {true, []wire.Note{loiter(3, wire.TooShort, wire.Watching), loiter(31, "", wire.Decided)}, "decided", "正在告警，停留 31 秒（另有 1 个）", "raises an alert, stays 31 s (and 1 more)"},
		"people":     {true, []wire.Note{{Stance: wire.Watching, Why: wire.TooFew, Measures: []wire.Measure{{Of: wire.People, Have: 3, Need: 5}}}}, "watching", "人数 3，要到 5", "people 3 of 5"},
		"unarmed":    {false, nil, "off", "不在时段内（22:00-06:00）", "not within its hours (22:00-06:00)"},
		"unarmed, and somebody waits": {false, []wire.Note{loiter(12, wire.TooShort, wire.Watching)}, "off",
			"不在时段内（22:00-06:00），停留 12 秒，要到 30 秒", "not within its hours (22:00-06:00), stays 12 s of 30 s"},
		"light": {true, []wire.Note{{Box: box, Stance: wire.Refused, Why: wire.OnlyLight}}, "refused", "只是光线变了", "only the light is another"},
	} {
		o := &wire.Overlay{Armed: []bool{c.armed}, Notes: c.notes}
		zh, en := stanceOf(text.Chinese, o, 0, "22:00-06:00"), stanceOf(text.English, o, 0, "22:00-06:00")
		if zh.Text != c.zh || en.Text != c.en || zh.State != c.state {
			t.Errorf("%s: %+v, %+v", name, zh, en)
		}
	}
	for _, l := range []text.Lang{text.Chinese, text.English} {
		for _, why := range wire.Reasons() {
			if !text.Has(text.Key("why." + string(why))) {
				t.Errorf("%s has no words", why)
			}
		}
		for _, q := range wire.Quantities() {
			if got := measureWords(l, wire.Measure{Of: q, Have: 1.25, Need: 2}); strings.Contains(got, "measure.") || strings.Contains(got, "%!") {
				t.Errorf("%s: %s", q, got)
			}
		}
		for _, n := range wire.Natures() {
			if got := trackWords(l, &wire.Followed{Nature: n}); strings.Contains(got, "nature.") {
				t.Error(got)
			}
		}
	}
}

// TestPrivatePart: a rule that can see nothing of its zone says so.
func TestPrivatePart(t *testing.T) {
	half := config.Polygon{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}
	c := &config.Camera{Privacy: config.Polygons{half}, Zones: map[string]config.Zone{
		"left":  {Polygon: config.Polygon{{0, 0}, {0.4, 0}, {0.4, 1}}},
		"right": {Polygon: config.Polygon{{0.6, 0}, {1, 0}, {1, 1}}},
		"kerb":  {Line: config.Line{{0, 0}, {1, 1}}},
	}}
	for zone, want := range map[string]string{
		"left": "all of it is in a privacy mask: nothing is seen there, and no alert raised", "right": "", "kerb": "",
		config.AllZones: "50% of it is in a privacy mask, where nothing is seen",
	} {
		if got := privateNote(text.English, c, zone); got != want {
			t.Errorf("%s: %q", zone, got)
		}
	}
}
