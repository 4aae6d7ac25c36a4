package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/config"
	"sentrybox/gateway/tryout"
)

// tries stands in for the desk: each camera's rules would have raised three events of the first, and two
// are counted to the other.
type tries struct {
	begun   []*config.Camera
	stopped []string
	err     error
}

func triedAt() time.Time { return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC) }

func (f *tries) Begin(c *config.Camera) (string, error) {
	if f.err != nil {
		return "", f.err
	}
	f.begun = append(f.begun, c)
	return "T1", nil
}

func (f *tries) Held(camera string) (from, to time.Time, short bool) {
	if camera != "东门" {
		return from, to, false
	}
	return triedAt(), triedAt().Add(90 * time.Second), true
}

func (f *tries) Look(id string) (tryout.Report, bool) {
	if id != "T1" || len(f.begun) == 0 {
		return tryout.Report{}, false
	}
	c := f.begun[len(f.begun)-1]
	return tryout.Report{
		State: tryout.Done, From: triedAt(), To: triedAt().Add(time.Minute), Until: triedAt().Add(time.Minute), Rules: c.Detect, Part: 1, Pictures: 480, People: 2,
		Events: []tryout.Event{{Detected: triedAt().Add(time.Second), Start: triedAt(), End: triedAt().Add(9 * time.Second), Confidence: 0.8}, {Detected: triedAt().Add(2 * time.Second), Folded: true}, {Detected: triedAt().Add(5 * time.Second), Folded: true}, {Unarmed: true}},
		Misses: []tryout.Miss{{At: triedAt().Add(30 * time.Second), Note: wire.Note{Stance: wire.Watching, Why: wire.TooShort, Track: 4,
			Measures: []wire.Measure{{Of: wire.InZone, Have: 12, Need: 30}}}}},
	}, true
}

func (f *tries) Stop(id string) bool {
	f.stopped = append(f.stopped, id)
	return id == "T1"
}

func (f *tries) Picture(id string, event int) []byte {
	if id != "T1" || event != 0 {
		return nil
	}
	return []byte("\xff\xd8jpeg")
}

func (f *tries) Clip(id string, at time.Time) ([]byte, error) {
	if id != "T1" || !at.Equal(triedAt().Add(time.Second)) {
		return nil, tryout.ErrNothing
	}
	return []byte("0123456789"), nil
}

// TestTry: the scene as it is on the page is tried, and nothing is saved; what came of it is said in
// words.
func TestTry(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	path := "/api/v1/cameras/" + url.PathEscape("东门")
	var held heldView
	if v.ask("GET", path+"/held", nil, http.StatusOK, &held); held.Seconds != 90 || !held.Short {
		t.Errorf("%+v", held)
	}
	var sc scene
	v.ask("GET", path+"/scene", nil, http.StatusOK, &sc)
	sc.State, sc.Kinds = nil, nil
	sc.Rules = []sceneRule{{Kind: "loitering", Zone: "door", After: "30s", Schedule: "22:00-06:00"}}
	var got tryView
	v.ask("POST", path+"/try?lang=en", sc, http.StatusOK, &got)
	if len(r.tries.begun) != 1 || len(r.tries.begun[0].Detect) != 1 || r.tries.begun[0].Detect[0].Kind != wire.Loitering || r.tries.begun[0].URL.IsZero() {
		t.Fatalf("%+v", r.tries.begun)
	}
	if r.running.Cameras[0].Detect[0].Kind != wire.Intrusion {
		t.Error("it was saved")
	}
	if got.Raised != 1 || len(got.Events) != 2 || !got.Events[0].Alert || got.Events[0].Seconds != 9 || got.Events[0].Rule.After != "" ||
		got.Events[0].Again != 2 || !got.Events[0].Last.Equal(triedAt().Add(5*time.Second)) || got.Events[0].Note != "" || got.Events[1].Note != "no alert: not within its hours (22:00-06:00)" {
		t.Errorf("%+v", got.Events)
	}
	if len(got.Misses) != 1 || got.Misses[0].Text != "stays 12 s of 30 s" || got.Seconds != 60 || got.State != tryout.Done {
		t.Errorf("%+v", got)
	}
	if status, body, h := v.do("GET", got.Events[0].Clip, "", "", "Range", "bytes=2-4"); status != http.StatusPartialContent || body != "234" || h.Get("Content-Type") != "video/mp4" {
		t.Errorf("a part of the clip: %d %q", status, body)
	}
	v.ask("GET", "/api/v1/tries/T1?lang=zh", nil, http.StatusOK, &got)
	if got.Misses[0].Text != "停留 12 秒，要到 30 秒" || got.Text != "试完了。" {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]int{"picture/0": 200, "picture/1": 404, "picture/x": 404, "clip/5.mp4": 404, "clip/x": 404} {
		if status, _, _ := v.do("GET", "/api/v1/tries/T1/"+path, "", ""); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	v.ask("DELETE", "/api/v1/tries/T1", nil, http.StatusOK, nil)
	v.ask("DELETE", "/api/v1/tries/T2", nil, http.StatusNotFound, nil)
	v.ask("GET", "/api/v1/tries/T2", nil, http.StatusNotFound, nil)
	if len(r.tries.stopped) != 2 {
		t.Error(r.tries.stopped)
	}
}

// TestTryRefused: mistakes are told as when saving, and so is that nothing can be tried now.
func TestTryRefused(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	path := "/api/v1/cameras/" + url.PathEscape("东门") + "/try"
	bad, _ := json.Marshal(scene{Rules: []sceneRule{{Kind: "loitering", Zone: "nowhere"}}})
	if status, body := v.json("POST", path+"?lang=en", string(bad)); status != http.StatusUnprocessableEntity || !strings.Contains(body, "nowhere") {
		t.Errorf("%d %s", status, body)
	}
	for err, want := range map[error]int{tryout.ErrBusy: 409, tryout.ErrNothing: 409, ErrNoCamera: 404} {
		r.tries.err = err
		if status, body := v.json("POST", path, "{}"); status != want {
			t.Errorf("%v: %d %s", err, status, body)
		}
	}
	if status, _ := v.json("POST", "/api/v1/cameras/nobody/try", "{}"); status != http.StatusNotFound {
		t.Errorf("of no camera: %d", status)
	}
	if len(r.tries.begun) != 0 {
		t.Error("something was tried")
	}
}
