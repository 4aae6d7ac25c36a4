package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/find"
	"sentrybox/gateway/health"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/text"
	"sentrybox/gateway/veil"
	"sentrybox/gateway/web/account"
)

// standIn is a gateway with trouble.
type standIn struct {
	answers []string
}

func (g *standIn) State(context.Context) (State, error) {
	at := time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC)
	return State{
		At: at, Gateway: "gw-1", Started: at.Add(-time.Hour), ClockSet: true, Vitals: health.Vitals{Temperature: 84, Cores: 4, Load: 1},
		Cameras: []Camera{
			{ID: "东门", Phase: "refused", Since: at.Add(-3 * time.Minute), Reason: "401"},
			{ID: "yard", Phase: "online", Since: at, Codec: "H.264", Width: 1920, Height: 1080, FPS: 25},
		},
		Devices: []Device{
			{ID: "smoke-3", Name: "三楼烟感", Type: "sensor", Phase: "low_battery", Since: at},
			{ID: "th-1", Type: "sensor", Phase: "online", Since: at, Values: []string{"humidity 41 %"}},
			{ID: "rs485", Type: "bus", Phase: "unplugged", Since: at, Reason: "no such device"},
		},
		Uplinks: []Uplink{{Name: "4g", Phase: "offline", Since: at, Reason: "no route"}, {Name: "dsl", Phase: "online", Since: at}},
		Lanes:   []Lane{{Name: "alert", Depth: 2, Oldest: at.Add(-5 * time.Minute)}, {Name: "metrics"}},
		Alerts: []alert.Alert{{ID: "01KB2S3T4V5W6X7Y8Z9ABCDEFG", Kind: "intrusion", Device: "东门", Zone: "gate", Severity: 2,
			State: alert.Raised, Evidence: []string{"picture"}}}, OpenAlerts: 1,
	}, nil
}

func (g *standIn) Answer(_ context.Context, id string, a alert.Answer) error {
	if id != "01KB2S3T4V5W6X7Y8Z9ABCDEFG" {
		return alert.ErrInvalid
	}
	g.answers = append(g.answers, a.Action+" by "+a.By)
	return nil
}

func (g *standIn) Picture(_ context.Context, id string) ([]byte, error) {
	if id != "01KB2S3T4V5W6X7Y8Z9ABCDEFG" {
		return nil, nil
	}
	return []byte("\xff\xd8jpeg"), nil
}

const secret = "a sentence of its own"

type rig struct {
	field    fieldStand
	t        *testing.T
	server   *Server
	gateway  *standIn
	http     *httptest.Server
	running  *config.Config
	probed   []string
	private  bool
	tries    tries
	found    []find.Candidate
	path     string // of the configuration
	replaced int    // by a backup
}

const file = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
uplink: {mqtt: [{url: "mqtt://broker"}]}
cameras:
  # the gate
  - id: 东门
    url: "rtsp://admin:s3cret-1@10.0.0.1/1"
    zones: {door: {polygon: [[0, 0], [1, 0], [1, 1]]}}
    detect: [{kind: intrusion, zone: door}]
`

// probe stands in for a camera with a password.
func (r *rig) probe(_ context.Context, url, transport string) (Probe, error) {
	r.probed = append(r.probed, url+" "+transport)
	if !strings.Contains(url, "s3cret-1") {
		return Probe{Phase: "refused", Why: "401 from " + url[strings.Index(url, "@")+1:]}, nil
	}
	return Probe{Codec: "H.265", Width: 2560, Height: 1440, FPS: 25, Keyframes: 8, Bitrate: 4e6, Transport: "tcp"}, nil
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(dir, "data"), account.Schema(), revision.Schema(), survey.Schema(), evidence.Schema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	log := slog.New(slog.DiscardHandler)
	r := &rig{t: t, gateway: &standIn{}}
	path := filepath.Join(dir, "config.yaml")
	r.path = path
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	r.path = path
	if r.running, err = config.Load(path); err != nil {
		t.Fatal(err)
	}
	keeper := &revision.Keeper{
		Path: path, Store: st, Log: log, Now: time.Now, Running: func() *config.Config { return r.running },
		Apply: func(_ context.Context, c *config.Config) { r.running = c },
	}
	if err := keeper.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	care, err := veil.New(t.Context(), keeper)
	if err != nil {
		t.Fatal(err)
	}
	r.server = &Server{
		Accounts: &account.Accounts{Store: st, Dir: dir, Log: log, Now: time.Now}, Gateway: r.gateway, Care: care, Probe: r.probe, Live: r, Tryer: &r.tries, Tester: r, Field: &r.field, Waves: r, Searcher: &r.field, Running: func() *config.Config { return r.running },
		Version: "test", Log: log, Now: time.Now,
	}
	r.search(st)
	if err := r.server.Accounts.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, err := r.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	r.http = httptest.NewServer(h)
	t.Cleanup(r.http.Close)
	return r
}

// visitor is a browser: it keeps cookies and follows nothing.
type visitor struct {
	*rig
	cookies map[string]string
	csrf    string
}

func (r *rig) visitor() *visitor { return &visitor{rig: r, cookies: map[string]string{}} }

func (v *visitor) do(method, path, kind, body string, headers ...string) (int, string, http.Header) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.http.URL+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	for name, value := range v.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if v.csrf != "" {
		req.Header.Set(pages.HeaderCSRF, v.csrf)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		v.cookies[c.Name] = c.Value
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		part := make([]byte, 1<<16)
		n, _ := res.Body.Read(part)
		return res.StatusCode, string(part[:n]), res.Header
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func (v *visitor) form(path string, fields url.Values) (int, string, http.Header) {
	return v.do("POST", path, "application/x-www-form-urlencoded", fields.Encode())
}

func (v *visitor) json(method, path, body string) (int, string) {
	status, got, _ := v.do(method, path, "application/json", body)
	return status, got
}

// learn reads the token against cross-site requests from a page.
func (v *visitor) learn() {
	_, page, _ := v.do("GET", "/", "", "")
	if m := regexp.MustCompile(`<meta name="csrf" content="([^"]+)">`).FindStringSubmatch(page); m != nil {
		v.csrf = m[1]
	}
}

// claim sets a technician up, and returns one that is signed in.
func (r *rig) claim() *visitor {
	r.t.Helper()
	code, err := os.ReadFile(filepath.Join(r.server.Accounts.Dir, account.CodeFile))
	if err != nil {
		r.t.Fatal(err)
	}
	v := r.visitor()
	status, page, h := v.form("/setup", url.Values{"code": {string(code)}, "name": {"王工"}, "password": {secret}, "repeat": {secret}})
	if status != http.StatusSeeOther || h.Get("Location") != "/" {
		r.t.Fatalf("set-up: %d %s", status, page)
	}
	v.learn()
	return v
}

func (r *rig) user(name string, role account.Role) *visitor {
	r.t.Helper()
	if err := r.server.Accounts.Add(r.t.Context(), account.Actor{Name: "test"}, name, role, secret); err != nil {
		r.t.Fatal(err)
	}
	v := r.visitor()
	if status, page, _ := v.form("/signin", url.Values{"name": {name}, "password": {secret}}); status != http.StatusSeeOther {
		r.t.Fatalf("sign in: %d %s", status, page)
	}
	v.learn()
	return v
}

// concrete puts something in the place of a route's wildcards.
func concrete(path string) string {
	path = strings.NewReplacer("{$}", "", "/camera/{id}", "/camera/"+url.PathEscape("东门")).Replace(path)
	return regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "01KB2S3T4V5W6X7Y8Z9ABCDEFG")
}

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
		"zh": {`摄像机 东门：用户名或密码不对`, `核对摄像机的用户名和密码`, `设备过热：84 °C`, `2 条告警还没送到值班室`, `闯入`, `待处理`, `传感器 三楼烟感：电量低`, `总线 rs485：已拔下`, `humidity 41 %`},
		"en": {`Camera 东门: password refused`, `Check the camera's user and password`, `2 alerts have not reached`, `intrusion`},
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
