package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sentrybox/gateway/revision"
	"sentrybox/gateway/veil"
	"sentrybox/gateway/web/account"
)

// ask sends v and decodes the answer, which must have the status.
func (v *visitor) ask(method, path string, in any, status int, out any) string {
	v.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		v.t.Fatal(err)
	}
	got, text := v.json(method, path, string(body))
	if got != status {
		v.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			v.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return text
}

// dots is a text that is shown, without saying which secrets are meant.
func dots(s string) string {
	return regexp.MustCompile(`(••••••)[a-z2-7]{12}`).ReplaceAllString(s, "$1")
}

type current struct {
	revision.Revision
	Body string `json:"body"`
}

// TestConfig: a configuration is checked, compared, saved, confirmed and returned to.
func TestConfig(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	var now current
	v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	if dots(now.Body) != strings.Replace(file, "s3cret-1", veil.Dots, 1) {
		t.Errorf("%+v", now)
	}
	var got checked
	v.ask("POST", "/api/v1/config/check?lang=en", map[string]string{"body": file + "lgo: {}\nalerts: {level: comunity}\n"}, http.StatusOK, &got)
	if len(got.Problems) != 2 || got.Problems[0].Line != 10 || got.Problems[1].Text != `"comunity" is not known, did you mean "community"?` {
		t.Errorf("%+v", got.Problems)
	}
	bad := saveRequest{Body: file + "lgo: {}\n", Base: now.Sum}
	if text := v.ask("PUT", "/api/v1/config", bad, http.StatusUnprocessableEntity, nil); !strings.Contains(text, `"line":10`) {
		t.Errorf("%s", text)
	}
	v.ask("PUT", "/api/v1/config", saveRequest{Body: file, Base: now.Sum}, http.StatusUnprocessableEntity, nil)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: file + "\n", Base: "other"}, http.StatusConflict, nil)
	if r.running.Log.Level != "info" {
		t.Error("something was applied")
	}
	changed := file + "log: {level: debug}\n"
	v.ask("POST", "/api/v1/config/check", map[string]string{"body": changed}, http.StatusOK, &got)
	if got.Grace != 300 || len(got.Problems) != 0 || got.Diff[len(got.Diff)-1].Text != "log: {level: debug}" {
		t.Errorf("%+v", got)
	}
	var saved revision.Revision
	v.ask("PUT", "/api/v1/config", saveRequest{Body: changed, Base: now.Sum, Note: "louder"}, http.StatusOK, &saved)
	if saved.State != revision.Trial || saved.Who != "王工" || r.running.Log.Level != "debug" {
		t.Errorf("%+v", saved)
	}
	louder := v.file()
	var trial trialView
	v.ask("GET", "/api/v1/config/trial", nil, http.StatusOK, &trial)
	if trial.ID != saved.ID || trial.Left < 200 {
		t.Errorf("%+v", trial)
	}
	type end struct {
		ID   int64 `json:"id"`
		Keep bool  `json:"keep"`
	}
	v.ask("POST", "/api/v1/config/trial", end{saved.ID, true}, http.StatusOK, nil)
	v.ask("POST", "/api/v1/config/trial", end{saved.ID, true}, http.StatusConflict, nil)
	v.ask("GET", "/api/v1/config/trial", nil, http.StatusOK, &trial)
	if trial.ID != 0 {
		t.Errorf("%+v", trial)
	}
	var history []revision.Revision
	v.ask("GET", "/api/v1/config/history", nil, http.StatusOK, &history)
	if len(history) != 2 || history[0].Note != "louder" {
		t.Fatalf("%+v", history)
	}
	v.ask("GET", "/api/v1/config/history/1", nil, http.StatusOK, &got)
	if got.Body != now.Body || !got.Changed {
		t.Errorf("%+v", got)
	}
	v.ask("GET", "/api/v1/config/history/77", nil, http.StatusNotFound, nil)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, &saved)
	v.ask("POST", "/api/v1/config/trial", end{saved.ID, false}, http.StatusOK, nil)
	if b := v.file(); b != louder || r.running.Log.Level != "debug" {
		t.Errorf("not taken back: %s", b)
	}
	entries, err := r.server.Accounts.Entries(t.Context(), account.Asked{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if s := strings.Join(actions, " "); s != "config.return config.save config.confirm config.save setup" {
		t.Errorf("audit: %s", s)
	}
}

// TestCameraForm: a camera is added, changed with its password kept, tried, and
// removed; its password never comes to the browser in a form.
func TestCameraForm(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	var list struct{ Cameras []cameraView }
	if text := v.ask("GET", "/api/v1/cameras", nil, http.StatusOK, &list); strings.Contains(text, "s3cret-1") {
		t.Errorf("the password is shown: %s", text)
	}
	c := list.Cameras[0]
	if c.ID != "东门" || c.Address != "rtsp://10.0.0.1/1" || c.User != "admin" || !c.HasPassword || c.Rules != 1 || c.State == nil || c.State.Level != Bad {
		t.Errorf("%+v", c)
	}
	type plan struct {
		Old    string      `json:"old"`
		Camera *cameraForm `json:"camera"`
	}
	form := c.cameraForm
	form.Detect, form.Grid = "rtsp://10.0.0.1/2", "3"
	var got checked
	v.ask("POST", "/api/v1/cameras/plan", plan{"东门", &form}, http.StatusOK, &got)
	for _, want := range []string{`url: "rtsp://admin:••••••@10.0.0.1/1"`, `detect_url: "rtsp://admin:••••••@10.0.0.1/2"`, `grid: "3"`, "# the gate", "kind: intrusion"} {
		if !strings.Contains(dots(got.Body), want) {
			t.Errorf("no %s in %s", want, got.Body)
		}
	}
	if len(got.Problems) != 0 || got.Grace != 0 {
		t.Errorf("%+v", got)
	}
	v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
	if r.running.Cameras[0].Grid != "3" || r.running.Cameras[0].DetectURL.Reveal() != "rtsp://admin:s3cret-1@10.0.0.1/2" {
		t.Errorf("%+v", r.running.Cameras[0])
	}
	// A new one, with a password that an address cannot hold as it is.
	form = cameraForm{ID: " 车棚 ", Address: "rtsp://10.0.0.2/1", User: "admin", Password: `p@ss:w/rd%41?$}`, Transport: "auto"}
	v.ask("POST", "/api/v1/cameras/plan", plan{"", &form}, http.StatusOK, &got)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
	u, err := r.running.Cameras[1].URL.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := u.User.Password(); p != `p@ss:w/rd%41?$}` || r.running.Cameras[1].ID != "车棚" {
		t.Errorf("password %q", p)
	}
	form.ID = "东门"
	if v.ask("POST", "/api/v1/cameras/plan", plan{"", &form}, http.StatusOK, &got); len(got.Problems) != 1 {
		t.Errorf("a name twice: %+v", got.Problems)
	}
	v.ask("POST", "/api/v1/cameras/plan", plan{"nobody", &form}, http.StatusNotFound, nil)
	v.ask("POST", "/api/v1/cameras/plan", plan{"东门", nil}, http.StatusOK, &got)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
	if len(r.running.Cameras) != 1 || r.running.Cameras[0].ID != "车棚" {
		t.Errorf("%+v", r.running.Cameras)
	}
}

func TestProbe(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	type probe struct {
		Old    string     `json:"old"`
		Camera cameraForm `json:"camera"`
		Sub    bool       `json:"sub"`
	}
	form := cameraForm{ID: "东门", Address: "rtsp://10.0.0.1/x", User: "admin", Transport: "tcp"}
	var got Probe
	v.ask("POST", "/api/v1/cameras/probe?lang=en", probe{Old: "东门", Camera: form}, http.StatusOK, &got)
	if len(r.probed) != 1 || r.probed[0] != "rtsp://admin:s3cret-1@10.0.0.1/x tcp" || len(got.Advice) != 3 {
		t.Errorf("%v, %+v", r.probed, got)
	}
	form.Password = "other"
	v.ask("POST", "/api/v1/cameras/probe?lang=en", probe{Old: "东门", Camera: form}, http.StatusOK, &got)
	if got.Failed != "password refused: Check the camera's user and password" {
		t.Errorf("%+v", got)
	}
	form.Address = "http://10.0.0.9/"
	v.ask("POST", "/api/v1/cameras/probe", probe{Camera: form}, http.StatusUnprocessableEntity, nil)
	v.ask("POST", "/api/v1/cameras/probe", probe{Camera: form, Sub: true}, http.StatusUnprocessableEntity, nil)
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"rtsp://admin:pass@10.0.0.1/1", "rtsp://h/a@b", "rtsp://u:${P}@h", "x", "rtsp://@/", "rtsp://u@h:1/x?y=@"} {
		f.Add(s, "u", "p@:/$%")
	}
	f.Fuzz(func(t *testing.T, raw, user, password string) {
		address, u, p := apart(raw)
		if u != "" && together(address, u, p) != raw && strings.Contains(raw, ":") && !strings.HasSuffix(strings.SplitN(raw, "@", 2)[0], u) {
			t.Errorf("%q is taken apart into %q %q %q", raw, address, u, p)
		}
		if user == "" {
			return
		}
		a, u2, p2 := apart(together("rtsp://10.0.0.1/1", escape(user), escape(password)))
		if a != "rtsp://10.0.0.1/1" || u2 != escape(user) || p2 != escape(password) {
			t.Errorf("%q %q become %q %q %q", user, password, a, u2, p2)
		}
	})
}
