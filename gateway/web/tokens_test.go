package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/web/account"
)

// token makes a token as the page does.
func (v *visitor) token(name string, scope account.Scope) (secret, id string) {
	v.t.Helper()
	status, body := v.json("POST", "/api/v1/tokens", `{"name":"`+name+`","scope":"`+string(scope)+`","days":1}`)
	var made madeToken
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != http.StatusOK || !strings.HasPrefix(made.Secret, account.TokenMark) {
		v.t.Fatalf("%d %s", status, body)
	}
	return made.Secret, made.Token.ID
}

// TestTokensReachWhatTheirScopeAllows asks for all that there is with a token of each
// scope, without a session and without a token against cross-site requests.
func TestTokensReachWhatTheirScopeAllows(t *testing.T) {
	r := newRig(t)
	r.vault()
	v := r.claim()
	for _, scope := range account.Scopes() {
		secret, _ := v.token(string(scope), scope)
		for _, rt := range routes() {
			if rt.stage != inside || rt.path == "/api/v1/tokens/{id}" {
				continue
			}
			status, body, h := r.visitor().do(rt.method, concrete(rt.path), "application/json", "{}", "Authorization", "Bearer "+secret)
			least := scopeOf(&rt)
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden ||
				status == http.StatusSeeOther && strings.HasPrefix(h.Get("Location"), "/signin")
			if may := least != "" && scope.May(least); may == refused {
				t.Errorf("%s %s with %s: %d %.100s", rt.method, rt.path, scope, status, body)
			}
		}
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	secret, id := v.token("grafana", account.Read)
	with := func(secret string) (int, string) {
		status, body, _ := r.visitor().do("GET", "/api/v1/overview", "", "", "Authorization", "Bearer "+secret)
		return status, body
	}
	if status, body := with(secret); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	_, list := v.json("GET", "/api/v1/tokens", "")
	if strings.Contains(list, secret) || !strings.Contains(list, `"used":"`) || !strings.Contains(list, "127.0.0.1") {
		t.Errorf("the list: %s", list)
	}
	var kept int
	if err := r.server.Accounts.Store.DB().QueryRowContext(t.Context(), `SELECT count(*) FROM web_tokens WHERE hash LIKE ?`, "%"+secret+"%").Scan(&kept); err != nil || kept > 0 {
		t.Errorf("the token itself is in the database: %d, %v", kept, err)
	}
	_, audit := v.json("GET", "/api/v1/audit?action=token", "")
	if strings.Count(audit, `"action":"token.`) != 2 || strings.Contains(audit, secret) || !strings.Contains(audit, "token: grafana") {
		t.Errorf("audit: %s", audit)
	}
	if status, _ := v.json("POST", "/api/v1/tokens", `{"name":"grafana","scope":"read","days":0}`); status != http.StatusConflict {
		t.Errorf("the same name: %d", status)
	}
	for _, bad := range []string{`{"name":"x","scope":"root","days":0}`, `{"name":"x","scope":"read","days":-1}`, `{"name":"token: x","scope":"read","days":1}`} {
		if status, _ := v.json("POST", "/api/v1/tokens", bad); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if status, _, _ := r.visitor().do("GET", "/", "", "", "Authorization", "Bearer "+secret); status != http.StatusSeeOther {
		t.Errorf("a token opens a page: %d", status)
	}
	// It outlives the process.
	again := &account.Accounts{Store: r.server.Accounts.Store, Dir: t.TempDir(), Log: r.server.Log, Now: r.server.Now}
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := again.TokenOf(t.Context(), secret, "10.0.0.1"); err != nil || got.Name != "grafana" || got.Scope != account.Read {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	within := time.Now() // however long they take
	r.server.Accounts.Now = func() time.Time { return within }
	limited := 0
	for range 700 {
		if status, _ := with(secret); status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 50 {
		t.Errorf("%d of 700 requests were too many", limited)
	}
	if status, _ := v.json("DELETE", "/api/v1/tokens/"+id, ""); status != http.StatusOK {
		t.Errorf("revoke: %d", status)
	}
	if status, _ := with(secret); status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", status)
	}
	guesses := 0
	for range 40 {
		if status, _ := with(account.TokenMark + "NOTHING"); status == http.StatusTooManyRequests {
			guesses++
		}
	}
	if guesses == 0 {
		t.Error("guessing is not slowed down")
	}
}

// TestSessionsAreListedAndEnded: a technician ends anybody's, others their own alone.
func TestSessionsAreListedAndEnded(t *testing.T) {
	r := newRig(t)
	tech := r.claim()
	duty := r.user("老李", account.Duty)
	second := r.visitor()
	if status, _, _ := second.form("/signin", url.Values{"name": {"老李"}, "password": {secret}}); status != http.StatusSeeOther {
		t.Fatalf("sign in: %d", status)
	}
	read := func(v *visitor, path string) (all []account.Active) {
		_, body := v.json("GET", path, "")
		if err := json.Unmarshal([]byte(body), &all); err != nil {
			t.Fatal(body)
		}
		return all
	}
	mine, all := read(duty, "/api/v1/me/sessions"), read(tech, "/api/v1/sessions")
	if len(mine) != 2 || len(all) != 3 {
		t.Fatalf("%+v, %+v", mine, all)
	}
	var other, techs string
	for _, s := range mine {
		if !s.Own {
			other = s.ID
		}
	}
	for _, s := range all {
		if s.Own {
			techs = s.ID
		}
	}
	if status, _ := duty.json("DELETE", "/api/v1/me/sessions/"+techs, ""); status != http.StatusNotFound {
		t.Errorf("somebody else's session: %d", status)
	}
	if status, _ := duty.json("DELETE", "/api/v1/me/sessions/"+other, ""); status != http.StatusOK {
		t.Errorf("one's own: %d", status)
	}
	if status, _ := second.json("GET", "/api/v1/overview", ""); status != http.StatusUnauthorized {
		t.Errorf("a session that was ended: %d", status)
	}
	for _, s := range read(tech, "/api/v1/sessions") {
		if s.User == "老李" {
			if status, _ := tech.json("DELETE", "/api/v1/sessions/"+s.ID, ""); status != http.StatusOK {
				t.Errorf("end: %d", status)
			}
		}
	}
	if status, _ := duty.json("GET", "/api/v1/overview", ""); status != http.StatusUnauthorized {
		t.Errorf("a session that a technician ended: %d", status)
	}
}
