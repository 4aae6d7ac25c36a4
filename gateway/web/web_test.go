package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

// TestEveryRouteIsGuarded asks for everything that there is: before the first
// password, without a session, with each role that is too small, without the token
// against cross-site requests, and from another site.
func TestEveryRouteIsGuarded(t *testing.T) {
	r := newRig(t)
	r.vault()
	secrets := regexp.MustCompile(`gw-1|东门|王工`)
	for _, rt := range routes() {
		status, body, h := r.visitor().do(rt.method, concrete(rt.path), "application/json", "{}")
		switch {
		case rt.stage == always:
		case rt.stage == setup:
			if status == http.StatusNotFound {
				t.Errorf("before: %s %s: %d", rt.method, rt.path, status)
			}
		case status != http.StatusForbidden && (status != http.StatusSeeOther || h.Get("Location") != "/setup") || secrets.MatchString(body):
			t.Errorf("before the first password: %s %s: %d %s", rt.method, rt.path, status, h.Get("Location"))
		}
	}
	tech := r.claim()
	callers := map[account.Role]*visitor{"": r.visitor(), account.Viewer: r.user("viewer", account.Viewer), account.Duty: r.user("duty", account.Duty), account.Technician: tech}
	for _, rt := range routes() {
		for role, v := range callers {
			if rt.path == "/signout" && role != "" {
				continue
			}
			status, body, h := v.do(rt.method, concrete(rt.path), "application/json", "{}")
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden ||
				status == http.StatusSeeOther && strings.HasPrefix(h.Get("Location"), "/signin")
			switch {
			case rt.stage == always:
			case rt.stage == setup:
				if status != http.StatusNotFound {
					t.Errorf("set-up is there after it was done: %s %s: %d", rt.method, rt.path, status)
				}
			case rt.stage == door:
				if secrets.MatchString(body) {
					t.Errorf("%s %s tells who asks at the door", rt.method, rt.path)
				}
			case role.May(rt.least) == refused:
				t.Errorf("%s %s as %q: %d", rt.method, rt.path, role, status)
			case refused && secrets.MatchString(regexp.MustCompile(`\(.*?\)`).ReplaceAllString(body, "")):
				t.Errorf("%s %s as %q tells something: %s", rt.method, rt.path, role, body)
			}
			if h.Get("Content-Security-Policy") == "" || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("%s %s: no policy", rt.method, rt.path)
			}
		}
		if rt.stage != inside || !unsafe(rt.method) {
			continue
		}
		for _, csrf := range []string{"", "wrong"} {
			bare := &visitor{rig: r, cookies: tech.cookies, csrf: csrf}
			if status, _ := bare.json(rt.method, concrete(rt.path), "{}"); status != http.StatusForbidden {
				t.Errorf("%s %s with the token %q: %d", rt.method, rt.path, csrf, status)
			}
		}
		if status, _, _ := tech.do(rt.method, concrete(rt.path), "application/json", "{}", "Origin", "http://evil.example"); status != http.StatusForbidden {
			t.Errorf("%s %s from another site: %d", rt.method, rt.path, status)
		}
	}
	if status, _, _ := r.visitor().do("GET", "/nothing", "", ""); status != http.StatusSeeOther {
		t.Errorf("a page that is not there tells so: %d", status)
	}
}

func TestOverviewWords(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	for lang, want := range map[string][]string{
		"zh": {`摄像机 东门：用户名或密码不对`, `核对摄像机的用户名和密码`, `设备过热：84 °C`, `2 条告警还没送到值班室`, `闯入`, `待处理`, `传感器 三楼烟感：电量低`, `总线 rs485：已拔下`, `湿度 41 %`},
		"en": {`Camera 东门: password refused`, `Check the camera's user and password`, `have not reached the duty room: 2`, `intrusion`},
	} {
		status, body, _ := v.do("GET", "/api/v1/overview?lang="+lang, "", "")
		var o Overview
		if err := json.Unmarshal([]byte(body), &o); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %s", status, err, body)
		}
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %s is not in %s", lang, w, body)
			}
		}
		var levels []string
		for _, l := range o.Lines {
			levels = append(levels, string(l.Level))
		}
		if got := strings.Join(levels, " "); got != "bad bad bad bad warn warn good good good" { // one uplink is away, another carries
			t.Errorf("%s: %s", got, body)
		}
		if o.Lines[0].Link != "/cameras#东门" || !o.Lines[0].Since.Equal(time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)) {
			t.Errorf("%+v", o.Lines[0])
		}
	}
	status, stream, h := v.do("GET", "/api/v1/events", "", "")
	if status != http.StatusOK || h.Get("Content-Type") != "text/event-stream" || !strings.Contains(stream, "event: overview\ndata: {") {
		t.Errorf("%d %s", status, stream)
	}
}

// TestGravest: what nobody has answered comes first, the gravest of it, and the newest of that.
func TestGravest(t *testing.T) {
	at := func(s int) alert.Time { return alert.Time{Time: time.Unix(int64(s), 0)} }
	got := ""
	for _, a := range gravest([]alert.Alert{
		{ID: "e", Severity: 1, State: alert.Acknowledged, DetectedAt: at(9)}, {ID: "d", Severity: 4, State: alert.Raised, DetectedAt: at(8)},
		{ID: "c", Severity: 2, State: alert.Raised, DetectedAt: at(1)}, {ID: "b", Severity: 2, State: alert.Raised, DetectedAt: at(2)}, {ID: "a", Severity: 1, State: alert.Raised, DetectedAt: at(0)},
	}) {
		got += a.ID
	}
	if got != "abcde" {
		t.Errorf("got %s", got)
	}
}

func TestAnswerAlert(t *testing.T) {
	r := newRig(t)
	r.claim()
	duty := r.user("老李", account.Duty)
	for body, want := range map[string]int{
		`{"action":"ack","note":""}`: http.StatusOK, `{"action":"fly"}`: http.StatusBadRequest, `{"action":"ack","by":"mallory"}`: http.StatusBadRequest,
		`{"action":"note","note":"` + strings.Repeat("x", 501) + `"}`: http.StatusBadRequest, `nonsense`: http.StatusBadRequest,
	} {
		if status, got := duty.json("POST", "/api/v1/alerts/01KB2S3T4V5W6X7Y8Z9ABCDEFG/answer", body); status != want {
			t.Errorf("%.40s: %d %s", body, status, got)
		}
	}
	if status, _ := duty.json("POST", "/api/v1/alerts/other/answer", `{"action":"ack"}`); status != http.StatusNotFound {
		t.Errorf("an alert that is not there: %d", status)
	}
	if got := strings.Join(r.gateway.answers, ","); got != "ack by 老李" {
		t.Errorf("answers %s", got)
	}
	entries, err := r.server.Accounts.Entries(t.Context(), account.Asked{}, 1)
	if err != nil || entries[0].Action != "alert.ack" || entries[0].Who != "老李" || !text.Has("audit.alert.ack") {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, jpeg, h := duty.do("GET", "/api/v1/alerts/01KB2S3T4V5W6X7Y8Z9ABCDEFG/picture", "", ""); h.Get("Content-Type") != "image/jpeg" || jpeg == "" {
		t.Errorf("picture %q", jpeg)
	}
}

// TestPagesAreWhole: every page has all its sentences in both languages, loads files
// that there are, and no more than 300 KB of them.
func TestPagesAreWhole(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	v.cookies["lang"] = "en"
	for _, rt := range routes() {
		if rt.method != "GET" || rt.stage != inside || strings.HasPrefix(rt.path, "/api/") || rt.path == "/authority.crt" {
			continue
		}
		for _, lang := range []string{"zh", "en"} {
			v.cookies["lang"] = lang
			status, body, _ := v.do("GET", concrete(rt.path), "", "")
			if status != http.StatusOK {
				t.Fatalf("%s: %d", rt.path, status)
			}
			if missing := regexp.MustCompile(`\b(web|role|audit)\.[a-z.]+\b`).FindString(body); missing != "" {
				t.Errorf("%s in %s: %s is not in the catalogue", rt.path, lang, missing)
			}
			weight := len(body)
			for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
				status, file, h := v.do("GET", m[1], "", "")
				if status != http.StatusOK || !strings.Contains(h.Get("Cache-Control"), "immutable") {
					t.Errorf("%s: %d %s", m[1], status, h.Get("Cache-Control"))
				}
				weight += len(file)
			}
			t.Logf("%s weighs %d bytes", rt.path, weight)
			if weight > 300_000 {
				t.Errorf("%s weighs %d bytes", rt.path, weight)
			}
		}
	}
}

// TestFilesTogether: several files come as one, and nothing that is not there or of another kind.
func TestFilesTogether(t *testing.T) {
	v := newRig(t).visitor()
	for name, want := range map[string]int{
		"base.js,diff.js": 200, "base.js,style.css": 404, "base.js,": 404, ",": 404, "base.js,nothing.js": 404,
		strings.Repeat("scene.js,", 100) + "scene.js": 404,
	} {
		status, body, h := v.do("GET", "/assets/"+name, "", "")
		if status != want {
			t.Errorf("%.40s: %d", name, status)
		}
		if want == 200 && (!strings.Contains(body, "const texts") || !strings.Contains(body, "function showChange") || !strings.HasPrefix(h.Get("Content-Type"), "text/javascript")) {
			t.Errorf("%s: %s", name, h.Get("Content-Type"))
		}
	}
}

// TestScriptsHaveTheirSentences: every sentence that a script asks for is in the
// catalogue.
func TestScriptsHaveTheirSentences(t *testing.T) {
	entries, err := files.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := files.ReadFile("assets/" + e.Name())
		if err != nil || filepath.Ext(e.Name()) != ".js" {
			continue
		}
		for _, m := range regexp.MustCompile(`\bt\('([a-z.]+)'[,)]`).FindAllStringSubmatch(string(b), -1) {
			if !text.Has(text.Key("js." + m[1])) {
				t.Errorf("%s: js.%s is not in the catalogue", e.Name(), m[1])
			}
		}
	}
}

func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "/users?x=1", "//evil.example", "/\\evil.example", "http://evil.example/", "javascript:alert(1)", "/%2f/evil", "\n//e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := local(s)
		u, err := (&url.URL{Scheme: "http", Host: "box", Path: "/"}).Parse(got)
		if err != nil || u.Host != "box" || u.Scheme != "http" || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) {
			t.Errorf("%q leads to %v", s, u)
		}
	})
}
