package web

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/gateway/certificate/certificatetest"
)

// TestCertificates: a broker's CA and our own certificate are given on the page, and named by the configuration. The key
// comes back nowhere.
func TestCertificates(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	spec := validator(t)
	ca := certificatetest.New(t, "district CA", nil, certificatetest.CA)
	own := certificatetest.New(t, "gw-1", ca, nil)
	give := func(in certificateRequest, status int, out any) string {
		t.Helper()
		text := v.ask("POST", "/api/v1/uplink/certificates", in, status, out)
		validate(t, spec, "POST", "/api/v1/uplink/certificates", status, http.Header{"Content-Type": {"application/json"}}, text)
		return text
	}
	for _, c := range []struct {
		in     certificateRequest
		status int
		says   string
	}{
		{certificateRequest{}, http.StatusBadRequest, "web.error.json"},
		{certificateRequest{CA: ca.Cert, Cert: own.Cert, Key: own.Key}, http.StatusBadRequest, "web.error.json"},
		{certificateRequest{CA: own.Cert}, http.StatusUnprocessableEntity, "CN=district CA"},
		{certificateRequest{CA: own.Key}, http.StatusUnprocessableEntity, "certificate.key.inside"},
		{certificateRequest{Cert: own.Cert}, http.StatusUnprocessableEntity, "certificate.key.form"},
		{certificateRequest{Cert: ca.Cert, Key: own.Key}, http.StatusUnprocessableEntity, "certificate.pair"},
	} {
		if got := give(c.in, c.status, nil); !strings.Contains(got, c.says) {
			t.Errorf("%s, want %s", got, c.says)
		}
	}
	if _, err := os.Stat(filepath.Join(r.running.Data, "certificates")); err == nil {
		t.Error("something that is refused is kept")
	}
	var trust, client certificateView
	give(certificateRequest{CA: ca.Cert}, http.StatusOK, &trust)
	give(certificateRequest{Cert: own.Cert, Key: own.Key}, http.StatusOK, &client)
	if !strings.Contains(trust.Text, "district CA") || client.Subject != "CN=gw-1" || !client.Until.Equal(own.X509.NotAfter) {
		t.Errorf("%+v, %+v", trust, client)
	}

	var s settings
	save := func() {
		t.Helper()
		var got checked
		v.ask("POST", "/api/v1/settings/plan", s, http.StatusOK, &got)
		if len(got.Problems) != 0 {
			t.Fatalf("%+v\n%s", got.Problems, got.Body)
		}
		v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
		v.ask("GET", "/api/v1/settings", nil, http.StatusOK, &s)
	}
	v.ask("GET", "/api/v1/settings", nil, http.StatusOK, &s)
	s.Uplinks[0].Address, s.Uplinks[0].CA, s.Uplinks[0].Cert, s.Uplinks[0].Key = "mqtts://broker", trust.CA, &client.Cert, &client.Key
	save()
	up := r.running.Uplink.MQTT[0]
	if up.CA != trust.CA || up.Cert != client.Cert || up.Key != client.Key {
		t.Errorf("%+v", up)
	}
	if u := s.Uplinks[0]; u.CAText != trust.Text || u.CertText != client.Text || *u.Key != client.Key {
		t.Errorf("%+v", u)
	}
	s.Uplinks[0].Cert, s.Uplinks[0].Key, s.Uplinks[0].Name = nil, nil, "4g" // of a program that knows nothing of them
	save()
	if up = r.running.Uplink.MQTT[0]; up.Cert != client.Cert || up.Key != client.Key || up.Name != "4g" {
		t.Errorf("%+v", up)
	}
	none := ""
	s.Uplinks[0].Cert, s.Uplinks[0].Key = &none, &none
	save()
	if up = r.running.Uplink.MQTT[0]; up.Cert != "" || up.Key != "" || up.CA != trust.CA {
		t.Errorf("%+v", up)
	}
	middle := strings.Split(own.Key, "\n")[1]
	for _, path := range []string{"/api/v1/settings", "/api/v1/config", "/api/v1/config/history/2", "/api/v1/audit", "/settings", "/audit"} {
		status, got, _ := v.do("GET", path, "", "")
		if status != http.StatusOK || strings.Contains(got, middle) {
			t.Errorf("%s: %d, shows the key: %v", path, status, strings.Contains(got, middle))
		}
		if path == "/api/v1/audit" && (strings.Count(got, "uplink.certificate") != 2 || !strings.Contains(got, "CN=gw-1")) {
			t.Errorf("the audit log: %s", got)
		}
	}
}
