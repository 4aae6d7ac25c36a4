package web

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/gateway/config"
	"sentrybox/gateway/web/account"
)

// TestFirstStart: a box without a configuration asks where it is besides the first password,
// writes the least that it needs, and stays unclaimed while something is wrong with that.
func TestFirstStart(t *testing.T) {
	r := newRig(t)
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	v := r.visitor()
	_, page, _ := v.do("GET", "/setup?lang=en", "", "")
	for _, want := range []string{`name="street"`, `name="community"`, `value="gw-1"`, `id="boxclock"`, `aria-current="true">English`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	code, err := os.ReadFile(filepath.Join(r.server.Accounts.Dir, account.CodeFile))
	if err != nil {
		t.Fatal(err)
	}
	fill := func(change ...string) (int, string) {
		f := url.Values{"code": {string(code)}, "name": {"王工"}, "password": {secret}, "repeat": {secret}, "id": {"gw-7"}, "street": {"东湖${X}"}, "community": {"梅园"}, "timezone": {"Asia/Shanghai"}}
		for i := 0; i < len(change); i += 2 {
			f.Set(change[i], change[i+1])
		}
		status, body, _ := v.form("/setup", f)
		return status, body
	}
	for _, wrong := range [][]string{{"code", "AAAA-BBBB-CCCC"}, {"repeat", "other"}, {"password", "short", "repeat", "short"}, {"street", ""}, {"id", "a/b"}, {"timezone", "Moon/Base"}} {
		status, body := fill(wrong...)
		if _, err := os.Stat(r.path); status == http.StatusOK || !strings.Contains(body, `id="wrong">`) || err == nil || r.server.Accounts.Claimed() {
			t.Errorf("%v: %d, %v, %s", wrong, status, err, body)
		}
	}
	if _, body := fill("id", "a/b"); !strings.Contains(body, "Gateway: is one level of MQTT topics") {
		t.Errorf("a mistake is not told by its field's label: %s", body)
	}
	applied := r.running
	status, body := fill()
	if status != http.StatusOK || !strings.Contains(body, "The box is set up") || r.running == applied {
		t.Fatalf("%d %s", status, body)
	}
	c, err := config.Load(r.path)
	if err != nil || c.Gateway.Street != "东湖${X}" || c.Gateway.ID != "gw-7" || c.Data != applied.Data || c.Web.Listen != applied.Web.Listen || len(c.Uplink.MQTT) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	v.learn()
	var now current
	v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	if now.State != "kept" || now.Who != "王工" {
		t.Errorf("%+v", now)
	}
	// What comes after is a change like any other.
	var plan checked
	v.ask("POST", "/api/v1/cameras/plan", map[string]any{"old": "", "camera": cameraForm{ID: "east", Address: "rtsp://10.0.0.2/1"}}, http.StatusOK, &plan)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: plan.Body, Base: plan.Base}, http.StatusOK, nil)
	if len(r.running.Cameras) != 1 {
		t.Errorf("%+v", r.running.Cameras)
	}
}

// TestConfigurationIsGone: where somebody has lost the file of a box that is claimed, the
// page writes one anew.
func TestConfigurationIsGone(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	var st settings
	v.ask("GET", "/api/v1/settings", nil, http.StatusOK, &st)
	st.Community = "梅园"
	var plan checked
	v.ask("POST", "/api/v1/settings/plan", st, http.StatusOK, &plan)
	v.ask("PUT", "/api/v1/config", saveRequest{Body: plan.Body, Base: plan.Base}, http.StatusOK, nil)
	if c, err := config.Load(r.path); err != nil || c.Gateway.Community != "梅园" || c.Gateway.ID != "gw-1" {
		t.Errorf("%+v, %v", c, err)
	}
}
