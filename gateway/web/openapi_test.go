package web

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"sentrybox/gateway/text"
)

const documentFile = "../../docs/openapi.json"

// TestEveryRouteIsDescribed: the document has all of the API and no more, and docs/ has the
// document. UPDATE=1 writes it anew.
func TestEveryRouteIsDescribed(t *testing.T) {
	known := operations()
	for _, rt := range routes() {
		key := rt.method + " " + rt.path
		op, ok := known[key]
		if strings.HasPrefix(rt.path, "/api/") != ok {
			t.Errorf("%s: operations() describes it: %v", key, ok)
		}
		delete(known, key)
		if !ok {
			continue
		}
		if !text.Has(op.about) {
			t.Errorf("%s: %s is not in the catalogue", key, op.about)
		}
		if op.out == nil && op.outMedia == "" {
			t.Errorf("%s: what it answers is not described", key)
		}
	}
	for key := range known {
		t.Errorf("%s is described and not there", key)
	}
	now, err := document()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(documentFile, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(documentFile)
	if err != nil || !bytes.Equal(kept, now) {
		t.Errorf("docs/openapi.json is not what the table of routes says (UPDATE=1 go test ./gateway/web -run Described): %v", err)
	}
}

func validator(t *testing.T) routers.Router {
	t.Helper()
	now, err := document()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// validate holds an answer against the document.
func validate(t *testing.T, r routers.Router, method, path string, status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := r.FindRoute(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Body: io.NopCloser(strings.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: %d %.300s: %v", method, path, status, body, err)
	}
}

// TestAnswersFitTheDocument asks for all that there is and holds every answer, good or
// bad, against the document.
func TestAnswersFitTheDocument(t *testing.T) {
	r := newRig(t)
	r.vault()
	v := r.claim()
	r.user("老李", "duty")
	spec := validator(t)
	good := map[string]bool{}
	backup := string(v.backup("/api/v1/backup"))
	try := func(method, path, body string) {
		kind := "application/json"
		status, got, h := v.do(method, path, kind, body)
		if status == http.StatusOK && strings.HasPrefix(h.Get("Content-Type"), "application/json") {
			good[method+" "+regexp.MustCompile(`\?.*`).ReplaceAllString(path, "")] = true
		}
		if strings.HasPrefix(h.Get("Content-Type"), "application/json") {
			h.Set("Content-Type", "application/json")
			validate(t, spec, method, path, status, h, got)
		}
	}
	for _, rt := range routes() {
		if strings.HasPrefix(rt.path, "/api/") && !strings.HasSuffix(rt.path, "/events") {
			try(rt.method, concrete(rt.path), "{}")
		}
	}
	const alert = "01KB2S3T4V5W6X7Y8Z9ABCDEFG"
	_, base, _ := v.do("GET", "/api/v1/config", "", "")
	sum := regexp.MustCompile(`"sum":"([0-9a-f]+)"`).FindStringSubmatch(base)[1]
	for _, c := range [][3]string{
		{"POST", "/api/v1/alerts/" + alert + "/answer", `{"action":"ack"}`},
		{"GET", "/api/v1/cameras/东门/scene", ""},
		{"POST", "/api/v1/cameras/plan", `{"old":"","camera":{"id":"x","address":"rtsp://10.0.0.2/1"}}`},
		{"POST", "/api/v1/cameras/probe", `{"camera":{"id":"x","address":"rtsp://10.0.0.2/1","user":"a","password":"s3cret-1"}}`},
		{"POST", "/api/v1/config/check", `{"body":"x: 1\n"}`},
		{"PUT", "/api/v1/config", `{"base":"` + sum + `","body":` + quote(file+"log: {level: warn}\n") + `}`},
		{"GET", "/api/v1/config/trial", ""},
		{"GET", "/api/v1/config/history/1", ""},
		{"POST", "/api/v1/config/trial", `{"id":2,"keep":true}`},
		{"POST", "/api/v1/settings/plan", `{"id":"gw-2","street":"a","community":"b","uplinks":[{"address":"mqtt://x"}]}`},
		{"POST", "/api/v1/tokens", `{"name":"grafana","scope":"read","days":30}`},
		{"GET", "/api/v1/tokens", ""},
		{"GET", "/api/v1/logs?level=warn&after=3&since=2026-01-01T00:00:00Z", ""},
		{"GET", "/api/v1/logs?since=yesterday", ""},
		{"GET", "/api/v1/audit?who=王工&action=token", ""},
		{"POST", "/api/v1/users", `{"name":"x","role":"viewer","password":"a sentence of its own 2"}`},
		{"PATCH", "/api/v1/users/x", `{"role":"duty","password":""}`},
		{"DELETE", "/api/v1/users/x", ""},
		{"POST", "/api/v1/me/password", `{"old":"` + secret + `","new":"` + secret + ` 2"}`},
		{"GET", "/api/v1/me/sessions", ""},
		{"PUT", "/api/v1/restore/file", backup},
		{"POST", "/api/v1/restore/look", `{"passphrase":"` + passphrase + `"}`},
		{"POST", "/api/v1/restore", `{"passphrase":"` + passphrase + `"}`},
		{"GET", "/api/v1/restore", ""},
	} {
		try(c[0], strings.ReplaceAll(c[1], "东门", "%E4%B8%9C%E9%97%A8"), c[2])
		key := c[0] + " " + regexp.MustCompile(`\?.*`).ReplaceAllString(strings.ReplaceAll(c[1], "东门", "%E4%B8%9C%E9%97%A8"), "")
		if !good[key] && !strings.Contains(c[1], "yesterday") {
			t.Errorf("%s is not answered well", key)
		}
	}
}

func quote(s string) string {
	return `"` + strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// TestGroupsHaveNames: what the page lists the API by has words.
func TestGroupsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range described(text.English) {
		if !text.Has(text.Key("api.group." + op.Tag)) {
			t.Errorf("the group %q has no name", op.Tag)
		}
		seen[op.Tag] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d groups", len(seen))
	}
}
