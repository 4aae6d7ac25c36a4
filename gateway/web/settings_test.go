package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/alert"
)

// RaiseTest and TestState stand in for a line with a duty room behind it.
func (r *rig) RaiseTest(context.Context) (string, error) { return "01KB2S3T4V5W6X7Y8Z9ABCDEFG", nil }

func (r *rig) TestState(_ context.Context, id string) (TestState, error) {
	if id != "01KB2S3T4V5W6X7Y8Z9ABCDEFG" {
		return TestState{}, alert.ErrInvalid
	}
	now := time.Now()
	return TestState{Raised: now.Add(-3 * time.Second), Answered: now.Add(-time.Second), By: "老李"}, nil
}

// TestSettings: the site and its brokers are changed by a form; passwords stay where
// they are unless they change, and never come to the browser.
func TestSettings(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	save := func(s *settings) string {
		t.Helper()
		var got checked
		v.ask("POST", "/api/v1/settings/plan", s, http.StatusOK, &got)
		if len(got.Problems) != 0 {
			t.Fatalf("%+v\n%s", got.Problems, got.Body)
		}
		v.ask("PUT", "/api/v1/config", saveRequest{Body: got.Body, Base: got.Base}, http.StatusOK, nil)
		var now settings
		if text := v.ask("GET", "/api/v1/settings", nil, http.StatusOK, &now); strings.Contains(text, "s3cret") {
			t.Errorf("a password is shown: %s", text)
		}
		*s = now
		return got.Body
	}
	var s settings
	v.ask("GET", "/api/v1/settings", nil, http.StatusOK, &s)
	if s.Street != "donghu" || len(s.Uplinks) != 1 || s.Uplinks[0].Address != "mqtt://broker" {
		t.Errorf("%+v", s)
	}
	s.Community, s.Timezone = "梅园", "Asia/Shanghai"
	s.Uplinks[0].User, s.Uplinks[0].Password = "gw", "s3cret-${x}"
	s.Uplinks = append(s.Uplinks, uplinkSettings{Address: "mqtt://u:s3cret-2@other:1883", Name: "4g", Month: "2GiB"})
	body := save(&s)
	if !strings.Contains(body, "# the gate") || r.running.Gateway.Community != "梅园" {
		t.Errorf("%s", body)
	}
	up := r.running.Uplink.MQTT
	if up[0].Username != "gw" || up[0].Password.Reveal() != "s3cret-${x}" || up[1].URL.Reveal() != "mqtt://u:s3cret-2@other:1883" || up[1].Budget.Month == 0 {
		t.Errorf("%+v", up)
	}
	if !s.Uplinks[0].HasPassword || !s.Uplinks[1].HasPassword || s.Uplinks[1].User != "u" || s.Uplinks[1].Address != "mqtt://other:1883" {
		t.Errorf("%+v", s.Uplinks)
	}
	// In another order, with the passwords of before, and one of them at another address.
	s.Uplinks[0], s.Uplinks[1] = s.Uplinks[1], s.Uplinks[0]
	s.Uplinks[0].Address = "mqtt://other:1884"
	save(&s)
	up = r.running.Uplink.MQTT
	if up[0].URL.Reveal() != "mqtt://u:s3cret-2@other:1884" || up[1].Password.Reveal() != "s3cret-${x}" {
		t.Errorf("%+v", up)
	}
	s.Uplinks = s.Uplinks[1:]
	s.Uplinks[0].User = ""
	save(&s)
	if up = r.running.Uplink.MQTT; len(up) != 1 || up[0].Username != "" || up[0].Password.Reveal() != "" {
		t.Errorf("%+v", up)
	}
	var got checked
	if v.ask("POST", "/api/v1/settings/plan", settings{ID: "a/b", Street: "x", Community: "y"}, http.StatusOK, &got); len(got.Problems) != 1 {
		t.Errorf("%+v", got.Problems)
	}
	v.ask("POST", "/api/v1/settings/plan", settings{ID: "x", Street: "x", Community: "y", Uplinks: []uplinkSettings{{Old: 7}}}, http.StatusBadRequest, nil)
}

func TestLineTest(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	var got testView
	v.ask("POST", "/api/v1/uplink/test", nil, http.StatusOK, &got)
	v.ask("GET", "/api/v1/uplink/test/"+got.ID, nil, http.StatusOK, &got)
	if !got.Delivered || got.By != "老李" || got.Answered < 1.9 || got.Answered > 2.1 || got.Elapsed < 3 {
		t.Errorf("%+v", got)
	}
	v.ask("GET", "/api/v1/uplink/test/other", nil, http.StatusNotFound, nil)
}
