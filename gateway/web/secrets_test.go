package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/web/account"
)

// secretFile has a secret of each kind that the schema has; a test holds it to that.
const secretFile = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
metrics: {influx: {url: "http://10.0.0.8:8086", org: o, bucket: b, token: canary-02}}
uplink:
  mqtt:
    - {url: "mqtt://u:canary-03@broker"}
    - {url: "mqtt://other", username: u, password: 'canary-04'}
  short: {lora: {port: /dev/ttyS7, gateway: 1, key: ca00000000000000000000000000000a}}
broker:
  listen: "127.0.0.1:0"
  users:
    - {name: a, role: duty, password: canary-05}
    - {name: b, role: duty, hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$Y2FuYXJ5LTA2LWhlcmU"}
cameras:
  - id: 东门
    url: "rtsp://admin:canary-07@10.0.0.1/1" # was rtsp://admin:canary-08@10.0.0.1/1
    detect_url: rtsp://10.0.0.1/user=admin&password=canary-09&channel=1
    detect: [{kind: intrusion}]
buses:
  - {id: air, e22: /dev/ttyS8}
  - {id: ns, chirpstack: "mqtt://lora:canary-10@10.0.0.9:1883"}
  - {id: mq, mqtt: "mqtt://m:canary-11@10.0.0.9:1884"}
  - {id: mp, mqtt: "mqtt://10.0.0.9:1885", username: m, password: canary-12}
  - {id: net, lorawan: "127.0.0.1:0"}
sensors:
  - {id: sos-1, profile: e22-panic-button, bus: air, number: 7, key: ca00000000000000000000000000000b}
  - {id: th-1, profile: dragino-lds02, bus: net, eui: 0102030405060708, dev_addr: 01020304, app_skey: ca00000000000000000000000000000c, nwk_skey: ca00000000000000000000000000000d}
radios:
  - id: walkie
    homebrew: {listen: "127.0.0.1:0", password: canary-13, repeaters: {"460010": {password: canary-14}}}
  - id: hot
    mmdvm: {broker: "mqtt://h:canary-15@10.0.0.10"}
  - id: spot
    mmdvm: {broker: "mqtt://10.0.0.11", username: h, password: canary-16}
intercoms:
  - id: help
    sip: {listen: "127.0.0.1:0", stations: {"1001": {name: 柱, password: canary-17}}, phones: [{user: "2001", number: "2001", password: canary-18}]}
  - id: door
    isapi: {url: "http://admin:canary-19@10.0.0.20"}
  - id: bell
    onvif: {url: "http://admin:canary-20@10.0.0.21"}
# password: canary-21
`

// secretsOf returns every secret of a configuration, and which of the schema's it has none of.
func secretsOf(c *config.Config) (all []string, without map[string]bool) {
	given := map[string]bool{}
	note := func(path, s string) {
		if s == "" {
			given[path] = given[path] || false
			return
		}
		given[path] = true
		all = append(all, s)
	}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch x := v.Interface().(type) {
		case config.Secret:
			note(path, x.Reveal())
			return
		case config.URL:
			password := ""
			if i := strings.Index(x.Reveal(), "canary-"); i >= 0 {
				password = x.Reveal()[i : i+len("canary-00")]
			}
			note(path, password)
			return
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					walk(v.Field(i), v.Type().Name()+"."+f.Name)
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), path)
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k), path)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), path)
			}
		}
	}
	walk(reflect.ValueOf(*c), "")
	without = map[string]bool{}
	var known func(t reflect.Type, path string, seen map[reflect.Type]bool)
	known = func(t reflect.Type, path string, seen map[reflect.Type]bool) {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t == reflect.TypeFor[config.Secret]() || t == reflect.TypeFor[config.URL]() {
			if !given[path] {
				without[path] = true
			}
			return
		}
		if t.Kind() == reflect.Struct && !seen[t] {
			seen[t] = true
			for i := range t.NumField() {
				if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") != "" {
					known(f.Type, t.Name()+"."+f.Name, seen)
				}
			}
		}
	}
	known(reflect.TypeFor[config.Config](), "", map[reflect.Type]bool{})
	return all, without
}

// TestNoSecretIsShown: a box with a secret in every place that there is for one shows none, on no
// page, in no answer, to nobody; also not in those about what was, what would be, and what is wrong.
func TestNoSecretIsShown(t *testing.T) {
	r := newRig(t)
	r.use(secretFile)
	r.vault()
	sealed := r.file()
	all, without := secretsOf(r.running)
	delete(without, "Influx.URL") // may have no password
	if len(without) > 0 {
		t.Fatalf("%v have no secret in this test", without)
	}
	all = append(all, "canary", "Y2FuYXJ5LTA2LWhlcmU", "ca000000000000", "s3cret-1")
	v := r.claim()
	look := func(what, answer string) {
		t.Helper()
		for _, s := range all {
			if i := strings.Index(answer, s); i >= 0 {
				t.Errorf("%s shows %s: %s", what, s, answer[max(0, i-60):min(len(answer), i+40)])
			}
		}
	}
	var now current
	v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	if strings.Count(now.Body, "••••••") < 24 {
		t.Errorf("%s", now.Body)
	}
	again := func() {
		for _, rt := range routes() {
			if rt.stage != inside || rt.path == "/signout" || rt.path == "/api/v1/restore" && rt.method == "POST" || strings.HasPrefix(rt.path, "/api/v1/me/") || strings.HasSuffix(rt.path, "/backup") {
				continue
			}
			_, answer, _ := v.do(rt.method, concrete(rt.path), "application/json", "{}")
			look(rt.method+" "+rt.path, answer)
		}
	}
	again()
	for path, ask := range map[string]string{
		"config/check":                          `{"body":` + quote(secretFile+"lgo: {}\n") + `}`,
		"config/check?":                         `{"body":` + quote(secretFile+"  x: [\n") + `}`,
		"config/check?#":                        `{"body":` + quote(strings.ReplaceAll(secretFile, "canary-1", "[canary-1")) + `}`,
		"cameras/plan":                          `{"old":"","camera":{"id":"x","address":"rtsp://10.0.0.2/1?password=canary-30","user":"a","password":"canary-31"}}`,
		"cameras/probe":                         `{"old":"东门","camera":{"id":"东门","address":"rtsp://10.0.0.1/1","user":"admin","password":"canary-32"}}`,
		"cameras/%E4%B8%9C%E9%97%A8/scene/plan": `{"rules":[{"kind":"motion","zone":"all"}]}`,
		"settings/plan":                         `{"id":"gw-2","street":"a","community":"b","uplinks":[{"address":"mqtt://u:canary-33@x"},{"old":1,"address":"mqtts://broker:9","user":"u"},{"old":2,"address":"mqtt://z","user":"w","password":"canary-35"}]}`,
		"buses/plan":                            `{"old":"ns","item":{"id":"ns","kind":"chirpstack","where":"mqtts://10.0.0.9:1884","user":"lora"}}`,
		"sensors/plan":                          `{"old":"sos-1","item":{"id":"sos-2","profile":"e22-panic-button","bus":"air","number":"7"}}`,
		"radios/plan":                           `{"item":{"id":"spot-2","driver":"homebrew","where":":62032","station":"460011","password":"canary-34"}}`,
		"radios/walkie/units/plan":              `{"unit":"4600199","name":"小李"}`,
	} {
		status, answer := v.json("POST", "/api/v1/"+path, ask)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, answer)
		}
		look(path, answer)
		var got checked
		if json.Unmarshal([]byte(answer), &got) == nil && got.Body != "" && len(got.Problems) > 0 {
			t.Errorf("%s: %+v", path, got.Problems)
		}
	}
	// What was is the same, after something else has taken its place; and it comes back as it was.
	var saved revision.Revision
	v.ask("PUT", "/api/v1/config", saveRequest{Body: file, Base: now.Sum}, http.StatusOK, &saved)
	again()
	var old checked
	look("history", v.ask("GET", "/api/v1/config/history/2", nil, http.StatusOK, &old))
	v.ask("PUT", "/api/v1/config", saveRequest{Body: old.Body, Base: old.Base}, http.StatusOK, &saved)
	if b := r.file(); b != sealed {
		t.Errorf("%s", b)
	}
	for _, role := range []string{"duty", "viewer"} {
		x := r.user(role, account.Role(role))
		for _, rt := range routes() {
			if rt.stage == inside && rt.method == "GET" {
				_, answer, _ := x.do(rt.method, concrete(rt.path), "", "")
				look(fmt.Sprint(role, " ", rt.path), answer)
			}
		}
	}
}

// TestSecretChange: the comparison says that a password changes and not to what, and a marker that
// stands for nothing or would show is told with its line.
func TestSecretChange(t *testing.T) {
	r := newRig(t)
	v := r.claim()
	var now current
	v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	marker := now.Body[strings.Index(now.Body, "••••••"):strings.Index(now.Body, "@10.0.0.1")]
	var got checked
	v.ask("POST", "/api/v1/config/check", checkRequest{strings.Replace(now.Body, marker, "n3w", 1)}, http.StatusOK, &got)
	var gone, added revision.Change
	for _, c := range got.Diff {
		switch c.Op {
		case "new":
			added = c
		case "gone":
			gone = c
		}
	}
	if want := `    url: "rtsp://admin:••••••@10.0.0.1/1"`; gone.Text != want || gone.Secret || added.Text != want || !added.Secret {
		t.Errorf("%+v", got.Diff)
	}
	got = checked{}
	v.ask("POST", "/api/v1/config/check", checkRequest{strings.Replace(now.Body, "id: 东门", "id: 西门", 1)}, http.StatusOK, &got)
	for _, c := range got.Diff {
		if c.Secret {
			t.Errorf("renamed: %+v", c)
		}
	}
	for what, body := range map[string]string{
		"unknown": strings.Replace(now.Body, marker, marker[:len(marker)-1], 1),
		"shown":   strings.Replace(now.Body, "# the gate", "# the gate "+marker, 1),
	} {
		v.ask("POST", "/api/v1/config/check", checkRequest{body}, http.StatusOK, &got)
		if line := map[string]int{"unknown": 7, "shown": 5}[what]; len(got.Problems) != 1 || got.Problems[0].Line != line {
			t.Errorf("%s: %+v", what, got.Problems)
		}
		v.ask("PUT", "/api/v1/config", saveRequest{Body: body, Base: now.Sum}, http.StatusUnprocessableEntity, nil)
	}
}
