package duty

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/config"
	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/password"
)

const (
	secret = "a long password"
	one    = "01JQ0000000000000000000001"
	gate   = ledger.Gateway("sentrybox/v1/donghu/meiyuan/gw-1")
)

// room is a console without a broker.
type room struct {
	*Console
	t   *testing.T
	url string
	now time.Time
}

func newRoom(t *testing.T) *room {
	t.Helper()
	text := `
name: room
data: ` + t.TempDir() + `
brokers: [{url: "mqtt://127.0.0.1:1"}]
people: [王阿姨]
users:
- {name: li, hash: "` + password.New(secret) + `"}
- {name: boss, role: supervisor, hash: "` + password.New(secret) + `"}
`
	cfg, err := config.ParseDuty("duty.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	r.Console = &Console{Config: cfg, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now }}
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.ledger.Close() })
	handler, err := r.handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *room) hear(a alert.Alert) {
	r.t.Helper()
	b, err := json.Marshal(a)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.ledger.Hear(r.t.Context(), []ledger.Message{{Gateway: gate, Topic: "alert/community/" + a.ID, Payload: b, At: r.now}}); err != nil {
		r.t.Fatal(err)
	}
}

func raised(id string) alert.Alert {
	at := alert.Time{Time: time.Date(2026, 3, 2, 8, 59, 0, 0, time.UTC)}
	return alert.Alert{ID: id, Rev: 1, Gateway: "gw-1", Street: "donghu", Community: "meiyuan", Device: "=gate", Kind: "intrusion", Zone: "gate",
		Severity: 2, State: alert.Raised, Level: alert.Community, ClockSynced: true, StartedAt: at, DetectedAt: at, RespondBy: at, HandleBy: at, Count: 1}
}

// client is a browser of sorts.
type client struct {
	*http.Client
	r    *room
	csrf string
}

func (r *room) client() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &client{Client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, r: r}
}

func (c *client) signIn(name, password string) int {
	c.r.t.Helper()
	res, err := c.PostForm(c.r.url+"/signin", url.Values{"name": {name}, "password": {password}})
	if err != nil {
		c.r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusSeeOther {
		_, body := c.do("GET", "/", nil)
		_, rest, _ := strings.Cut(body, `name="csrf" content="`)
		c.csrf, _, _ = strings.Cut(rest, `"`)
	}
	return res.StatusCode
}

func (c *client) do(method, path string, body any) (status int, text string) {
	c.r.t.Helper()
	var buf bytes.Buffer
	if s, ok := body.(string); ok {
		buf.WriteString(s)
	} else if body != nil {
		if err := json.NewEncoder(&buf).Encode(body); err != nil {
			c.r.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(c.r.t.Context(), method, c.r.url+path, &buf)
	if err != nil {
		c.r.t.Fatal(err)
	}
	if c.csrf != "" {
		req.Header.Set(pages.HeaderCSRF, c.csrf)
	}
	res, err := c.Do(req)
	if err != nil {
		c.r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if strings.HasSuffix(path, "/events") && res.StatusCode == http.StatusOK {
		return res.StatusCode, "" // it does not end
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.r.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func example(path string) string {
	return strings.NewReplacer("{$}", "", "{id}", one, "{name}", "style.css").Replace(path)
}

// TestNothingWithoutSession asks every route as a stranger, with the wrong role, and
// without the token against cross-site requests.
func TestNothingWithoutSession(t *testing.T) {
	r := newRoom(t)
	stranger, li := r.client(), r.client()
	if got := li.signIn("li", secret); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	for _, rt := range routes() {
		path := example(rt.path)
		got, body := stranger.do(rt.method, path, nil)
		switch {
		case rt.open && got >= 400 && rt.path != "/signin":
			t.Errorf("%s %s: %d", rt.method, path, got)
		case !rt.open && got != http.StatusUnauthorized && got != http.StatusSeeOther:
			t.Errorf("%s %s answers a stranger with %d: %.100s", rt.method, path, got, body)
		}
		if rt.role != "" {
			if got, _ := li.do(rt.method, path, nil); got != http.StatusForbidden {
				t.Errorf("%s %s answers the wrong role with %d", rt.method, path, got)
			}
		}
		if !rt.open && rt.method == http.MethodPost {
			csrf := li.csrf
			li.csrf = ""
			if got, _ := li.do(rt.method, path, map[string]string{}); got != http.StatusForbidden {
				t.Errorf("%s %s without its token: %d", rt.method, path, got)
			}
			li.csrf = csrf
		}
	}
	if got, _ := stranger.do("GET", "/nothing", nil); got != http.StatusSeeOther {
		t.Errorf("what is not there answers a stranger with %d", got)
	}
}

func TestSignIn(t *testing.T) {
	r := newRoom(t)
	for range 5 {
		if got := r.client().signIn("li", "guess"); got != http.StatusForbidden {
			t.Fatal(got)
		}
	}
	if got := r.client().signIn("li", secret); got != http.StatusTooManyRequests {
		t.Errorf("after five failures: %d", got)
	}
	r.now = r.now.Add(time.Hour)
	c := r.client()
	if got := c.signIn("li", secret); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	if got, _ := c.do("GET", "/api/state", nil); got != http.StatusOK {
		t.Error(got)
	}
	r.now = r.now.Add(25 * time.Hour)
	if got, _ := c.do("GET", "/api/state", nil); got != http.StatusUnauthorized {
		t.Errorf("after a day without use: %d", got)
	}
	if got := c.signIn("li", secret); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	if got, _ := c.do("POST", "/signout", nil); got != http.StatusSeeOther {
		t.Error(got)
	}
	if got, _ := c.do("GET", "/api/state", nil); got != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", got)
	}
}

func TestAnswers(t *testing.T) {
	r := newRoom(t)
	r.hear(raised(one))
	c := r.client()
	c.signIn("li", secret)
	for _, bad := range []any{"{", "{}", `{"alerts":["` + one + `"],"action":"explode"}`, `{"alerts":[],"action":"ack"}`, `{"alerts":["x"],"action":"ack","more":1}`} {
		if got, _ := c.do("POST", "/api/answer", bad); got != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, got)
		}
	}
	if got, _ := c.do("POST", "/api/answer", map[string]any{"alerts": []string{"nothing"}, "action": "ack"}); got != http.StatusNotFound {
		t.Errorf("an answer to nothing: %d", got)
	}
	if got, _ := c.do("POST", "/api/shift", map[string]string{"person": "somebody"}); got != http.StatusUnprocessableEntity {
		t.Errorf("a person who is not on the list: %d", got)
	}
	if got, _ := c.do("POST", "/api/shift", map[string]string{"person": "王阿姨"}); got != http.StatusOK {
		t.Errorf("a shift: %d", got)
	}
	if got, body := c.do("POST", "/api/answer", map[string]any{"alerts": []string{one}, "action": "ack"}); got != http.StatusOK || !strings.Contains(body, "01") {
		t.Errorf("%d %s", got, body)
	}
	due, err := r.ledger.Due(t.Context(), 10)
	if err != nil || len(due) != 1 || due[0].Who != "王阿姨" || due[0].Action != "ack" {
		t.Errorf("to be sent: %+v, %v", due, err)
	}
}

// TestHostileNames: what a gateway says is text on the page, and no formula in a spreadsheet.
func TestHostileNames(t *testing.T) {
	r := newRoom(t)
	r.hear(raised(one))
	c := r.client()
	c.signIn("boss", secret)
	got, body := c.do("GET", "/report.csv?from=2026-03-01&to=2026-03-03", nil)
	if got != http.StatusOK || !strings.Contains(body, ",'=gate,") {
		t.Errorf("%d %s", got, body)
	}
	for _, page := range []string{"/report?from=2026-03-01&to=2026-03-03", "/audit", "/card", "/history", "/?lang=en", "/api/alerts", "/api/alerts/" + one} {
		if got, body := c.do("GET", page, nil); got != http.StatusOK || strings.Contains(body, "<no value>") {
			t.Errorf("%s: %d", page, got)
		}
	}
}

// TestClocks: a countdown goes by the gateway's clock, unless the gateway itself does not trust it.
func TestClocks(t *testing.T) {
	heard := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	at := func(t time.Time) alert.Time { return alert.Time{Time: t} }
	for name, tc := range map[string]struct {
		detected time.Time
		synced   bool
		want     time.Time
	}{
		"heard at once":         {heard, true, heard},
		"heard late":            {heard.Add(-time.Hour), true, heard.Add(-time.Hour)},
		"a clock in the past":   {time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC), false, heard},
		"a clock in the future": {heard.Add(time.Hour), false, heard},
		"unsure, but near":      {heard.Add(-time.Minute), false, heard.Add(-time.Minute)},
	} {
		c := &ledger.Card{Heard: heard, Alert: alert.Alert{DetectedAt: at(tc.detected), ClockSynced: tc.synced, RespondBy: at(tc.detected.Add(time.Minute))}}
		detected, respond, handle := times(c)
		if detected != tc.want.UnixMilli() || respond != tc.want.Add(time.Minute).UnixMilli() || handle != tc.want.Add(30*time.Minute).UnixMilli() {
			t.Errorf("%s: %v, %v, %v", name, time.UnixMilli(detected).UTC(), time.UnixMilli(respond).UTC(), time.UnixMilli(handle).UTC())
		}
	}
}

// TestIncidentOfItsOwn: a gateway cannot put its alert among another's, nor under a name of its making.
func TestIncidentOfItsOwn(t *testing.T) {
	mine, other := &ledger.Card{Where: gate}, &ledger.Card{Where: gate + "2"}
	mine.ID, other.ID, other.Incident = one, "01JQ0000000000000000000002", one
	strange := &ledger.Card{Where: gate}
	strange.ID, strange.Incident = "01JQ0000000000000000000003", "__proto__"
	if a, b, c := incident(mine), incident(other), incident(strange); a == b || !strings.HasSuffix(c, strange.ID) {
		t.Errorf("%s, %s, %s", a, b, c)
	}
}

// TestMootPress: a press on several alerts says nothing of those that are answered already; one that changes
// nothing at all has one line.
func TestMootPress(t *testing.T) {
	r := newRoom(t)
	two := "01JQ0000000000000000000002"
	r.hear(raised(one))
	r.hear(raised(two))
	c := r.client()
	c.signIn("li", secret)
	press := func(ids ...string) {
		t.Helper()
		if got, body := c.do("POST", "/api/answer", map[string]any{"alerts": ids, "action": "ack"}); got != http.StatusOK {
			t.Fatalf("%d %s", got, body)
		}
	}
	moot := func() (n int) {
		t.Helper()
		all, err := r.ledger.Log(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.What == "moot" {
				n++
			}
		}
		return n
	}
	press(one)
	press(one, two)
	if n := moot(); n != 0 {
		t.Errorf("%d lines of an alert that was answered before", n)
	}
	press(one, two)
	if n := moot(); n != 1 {
		t.Errorf("%d lines of a press that changes nothing", n)
	}
}

// TestZone: where the config says no time zone, the pages and the report have China's, whatever the machine's is.
func TestZone(t *testing.T) {
	r := newRoom(t)
	c := r.client()
	c.signIn("li", secret)
	if got, body := c.do("GET", "/report", nil); got != http.StatusOK || !strings.Contains(body, "2026-03-02 17:00") || !strings.Contains(body, `data-zone="Asia/Shanghai"`) {
		t.Errorf("%d %.600s", got, body)
	}
}
