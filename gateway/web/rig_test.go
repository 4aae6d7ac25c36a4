package web

import (
	"context"
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
			{ID: "th-1", Type: "sensor", Phase: "online", Since: at, Readings: map[string]any{"humidity": 41.0}, Units: map[string]string{"humidity": "%"}},
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
		Version: "test", Log: log, Now: time.Now, Path: path,
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

// file is the configuration as it stands on the disk.
func (r *rig) file() string {
	r.t.Helper()
	b, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
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
