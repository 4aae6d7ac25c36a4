package web

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/revision"
)

const kept = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
metrics: {influx: {url: "https://10.0.0.8:8086", org: o, bucket: b, token: tok-1}}
uplink:
  mqtt:
    - {url: "mqtts://u:pw-1@b1:8883"}
    - {url: "mqtt://b2", username: u, password: "${BROKER}"}
    - {url: "mqtt://b3", username: u, password_file: b3.pw}
    - &four {url: "mqtt://b4", username: u, password: &p pw-4}
broker: {listen: "127.0.0.1:0", users: [{name: a, role: duty, password: pw-5}]}
cameras:
  - id: gate
    url: "rtsp://admin:cam-1@10.0.0.1:554/1"
    detect_url: "rtsp://admin:cam-1@10.0.0.1/2"
  - {id: yard, url: "rtsp://10.0.0.2/user=admin&password=cam-2&channel=1"}
  - {id: roof, url: "rtsp://admin:${CAM}@10.0.0.3/1"}
  - {id: hall, url: "rtsps://admin:cam-4@${HALL}/1"}
buses:
  - {id: mq, mqtt: "mqtt://10.0.0.9:1885", username: m, password: pw-6}
radios:
  - {id: hot, mmdvm: {broker: "mqtt://10.0.0.10", username: h, password: pw-7}}
intercoms:
  - {id: door, isapi: {url: "http://admin:door-1@10.0.0.20"}}
# old: rtsp://admin:cam-9@10.0.0.99/1
`

// keeps is a rig whose configuration is kept, somebody at it, and the text that is shown.
func keeps(t *testing.T) (*visitor, current) {
	t.Helper()
	t.Setenv("BROKER", "env-1")
	t.Setenv("CAM", "env-2")
	t.Setenv("HALL", "10.0.0.4")
	t.Setenv("OTHER", "10.0.0.66")
	r := newRig(t)
	if err := os.WriteFile(strings.TrimSuffix(r.path, "config.yaml")+"b3.pw", []byte("file-1"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.use(kept)
	v := r.claim()
	var now current
	v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	return v, now
}

// TestKeptPasswordStays: a password that is kept goes to no other host and for no other user, however
// it is written, unless it is typed again.
func TestKeptPasswordStays(t *testing.T) {
	v, now := keeps(t)
	kept := v.file()
	line := func(has string) int {
		t.Helper()
		for i, l := range strings.Split(now.Body, "\n") {
			if strings.Contains(l, has) {
				return i + 1
			}
		}
		t.Fatalf("no %s", has)
		return 0
	}
	marker := func(before string) string {
		_, rest, ok := strings.Cut(now.Body, before)
		if !ok {
			t.Fatalf("no %s", before)
		}
		return strings.TrimPrefix(rest, `"`)[:len("••••••")+12]
	}
	cam := marker(`"rtsp://admin:`)
	for what, c := range map[string]struct {
		old, new string
		lines    []int
	}{
		"host":                   {"10.0.0.1:554", "10.0.0.66:554", []int{line("url: \"rtsp://admin")}},
		"both hosts":             {"@10.0.0.1", "@10.0.0.66", []int{line("10.0.0.1:554"), line("10.0.0.1/2")}},
		"user":                   {"rtsp://admin:" + cam + "@10.0.0.1:", "rtsp://root:" + cam + "@10.0.0.1:", []int{line("10.0.0.1:554")}},
		"in the query":           {"rtsp://10.0.0.2/", "rtsp://10.0.0.66/", []int{line("id: yard")}},
		"in the open":            {"rtsps://", "rtsp://", []int{line("id: hall")}},
		"host of another name":   {"${HALL}", "${OTHER}", []int{line("id: hall")}},
		"of the environment":     {"@10.0.0.3", "@10.0.0.66", []int{line("id: roof")}},
		"environment in a path":  {"@10.0.0.1:554/1", "@10.0.0.1:554/${CAM}", []int{line("10.0.0.1:554")}},
		"environment in a name":  {"street: donghu", "street: \"${BROKER}\"", []int{1}},
		"broker's address":       {"@b1:8883", "@evil:8883", []int{line("@b1")}},
		"broker in the open":     {"mqtts://u", "mqtt://u", []int{line("@b1")}},
		"broker's variable":      {"//b2", "//evil", []int{line("//b2")}},
		"broker's file":          {"//b3", "//evil", []int{line("//b3")}},
		"broker's file, roughly": {"{url: \"mqtt://b3\", username: u, password_file: b3.pw}", "{url: \"mqtt://evil\", username: u, password_file: ./b3.pw}", []int{line("//b3")}},
		"broker's user":          {"b4\", username: u", "b4\", username: w", []int{line("&four")}},
		"by an alias":            {"broker: {", "    - {url: \"mqtt://evil\", username: u, password: *p}\nbroker: {", []int{line("&four")}},
		"by a merge":             {"broker: {", "    - {<<: *four, url: \"mqtt://evil\"}\nbroker: {", []int{line("&four")}},
		"bus":                    {"10.0.0.9", "10.0.0.66", []int{line("id: mq")}},
		"radio":                  {"10.0.0.10", "10.0.0.66", []int{line("id: hot")}},
		"intercom":               {"10.0.0.20", "10.0.0.66", []int{line("id: door")}},
		"metrics":                {"https://10.0.0.8", "https://10.0.0.66", []int{line("influx:")}},
		"to another secret":      {marker("role: duty, password: "), cam, []int{line("role: duty")}},
		"of what is sent nowhere": {"b1:8883\"}", "b1:8883\"}\n    - {url: \"mqtt://evil\", username: a, password: " +
			marker("role: duty, password: ") + "}", []int{line("@b1") + 1}},
		"of a comment": {"# old: ", "  - {id: old, url: \"", []int{line("# old")}},
	} {
		body := strings.ReplaceAll(now.Body, c.old, c.new)
		if what == "of a comment" {
			head, tail, _ := strings.Cut(now.Body, "buses:")
			body = head + "  - {id: old, url: \"" + tail[strings.Index(tail, "rtsp://"):strings.Index(tail, "/1\n")] + "/1\"}\nbuses:" + tail
			c.lines = []int{line("buses:")}
		}
		if body == now.Body {
			t.Fatalf("%s: nothing is changed", what)
		}
		var got checked
		v.ask("POST", "/api/v1/config/check?lang=zh", checkRequest{body}, http.StatusOK, &got)
		var lines []int
		for _, p := range got.Problems {
			if !strings.Contains(p.Text, "重新输入密码") {
				t.Errorf("%s: %+v", what, p)
			}
			lines = append(lines, p.Line)
		}
		if !slices.Equal(lines, c.lines) {
			t.Errorf("%s: lines %v, want %v", what, got.Problems, c.lines)
		}
		v.ask("PUT", "/api/v1/config", saveRequest{Body: body, Base: now.Sum}, http.StatusUnprocessableEntity, nil)
	}
	if b := v.file(); b != kept {
		t.Errorf("%s", b)
	}
}

// TestKeptPasswordServes: what people change every day needs no password, nor does going back; and a
// password that is typed goes anywhere.
func TestKeptPasswordServes(t *testing.T) {
	v, now := keeps(t)
	kept, first := v.file(), now.Body
	for _, c := range []struct{ what, old, new string }{
		{"renamed", "id: gate", "id: 东门"},
		{"path", "554/1", "554/Streaming/Channels/101?x=1"},
		{"port", "10.0.0.1:554", "10.0.0.1:8554"},
		{"encrypted", "url: \"rtsp://admin", "url: \"rtsps://admin"},
		{"another of the same device", "  - {id: yard", "  - {id: east, url: \"" + first[strings.Index(first, "rtsp://admin"):strings.Index(first, ":554")] + "/9\"}\n  - {id: yard"},
		{"user beside", "", ""}, // below
		{"commented", "  - {id: hall", "  #- {id: hall"},
		{"and back", "  #- {id: hall", "  - {id: hall"},
		{"a variable for nothing secret", "community: meiyuan", "community: \"${OTHER}\""},
		{"typed", "@10.0.0.3", "@10.0.0.66"},
		{"all as it was", "", first},
	} {
		body := strings.ReplaceAll(now.Body, c.old, c.new)
		switch c.what {
		case "user beside":
			mark := first[strings.Index(first, "mqtts://u:")+len("mqtts://u:") : strings.Index(first, "@b1")]
			body = strings.ReplaceAll(now.Body, "mqtts://u:"+mark+"@b1:8883\"", "mqtts://b1\", username: u, password: "+mark)
		case "typed":
			body = strings.ReplaceAll(body, "${CAM}", "cam-1") // as another has it
		case "all as it was":
			body = first
		}
		var got checked
		v.ask("POST", "/api/v1/config/check?lang=en", checkRequest{body}, http.StatusOK, &got)
		if len(got.Problems) > 0 || !got.Changed {
			t.Errorf("%s: %+v, changed %v", c.what, got.Problems, got.Changed)
			continue
		}
		var saved revision.Revision
		v.ask("PUT", "/api/v1/config", saveRequest{Body: body, Base: now.Sum}, http.StatusOK, &saved)
		v.ask("GET", "/api/v1/config", nil, http.StatusOK, &now)
	}
	if b := v.file(); b != kept {
		t.Errorf("%s", b)
	}
}

// TestFormsKeepPasswords: the same holds for forms, and for trying a camera before it is saved.
func TestFormsKeepPasswords(t *testing.T) {
	v, _ := keeps(t)
	camera := func(address, user, password string) string {
		return `{"old":"gate","camera":{"id":"gate","address":"` + address + `","user":"` + user + `","password":"` + password + `","transport":"auto"}}`
	}
	for _, c := range []struct {
		path, body string
		fine       bool
	}{
		{"cameras/plan", camera("rtsp://10.0.0.1/7", "admin", ""), true},
		{"cameras/plan", camera("rtsp://10.0.0.66/7", "admin", ""), false},
		{"cameras/plan", camera("rtsp://10.0.0.1/7", "root", ""), false},
		{"cameras/plan", camera("rtsp://10.0.0.66/7", "root", "cam-1"), true},
		{"settings/plan", `{"id":"gw-1","street":"a","community":"b","uplinks":[{"old":1,"address":"mqtts://b1:9","user":"u"}]}`, true},
		{"settings/plan", `{"id":"gw-1","street":"a","community":"b","uplinks":[{"old":1,"address":"mqtts://b9:9","user":"u"}]}`, false},
		{"settings/plan", `{"id":"gw-1","street":"a","community":"b","uplinks":[{"old":1,"address":"mqtts://b1:9","user":"w"}]}`, false},
		{"settings/plan", `{"id":"gw-1","street":"a","community":"b","uplinks":[{"old":3,"address":"mqtts://b1:9","user":"u"}]}`, false},
		{"settings/plan", `{"id":"gw-1","street":"a","community":"b","uplinks":[{"old":3,"address":"mqtt://b9","user":"w","password":"x"}]}`, true},
		{"buses/plan", `{"old":"mq","item":{"id":"mq2","kind":"mqtt","where":"mqtt://10.0.0.9:1883","user":"m"}}`, true},
		{"buses/plan", `{"old":"mq","item":{"id":"mq","kind":"mqtt","where":"mqtt://10.0.0.66:1883","user":"m"}}`, false},
	} {
		var got checked
		_, answer := v.json("POST", "/api/v1/"+c.path, c.body)
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(answer)
		}
		if (len(got.Problems) == 0) != c.fine {
			t.Errorf("%s %s: %s", c.path, c.body, answer)
		}
	}
	for _, c := range []struct {
		body   string
		status int
	}{
		{camera("rtsp://10.0.0.1/7", "admin", ""), http.StatusOK},
		{camera("rtsp://10.0.0.66/7", "admin", ""), http.StatusUnprocessableEntity},
		{camera("rtsp://10.0.0.66/7", "admin", "x"), http.StatusOK},
		{camera("rtsp://10.0.0.66/${CAM}", "admin", "x"), http.StatusUnprocessableEntity},
		{camera("rtsp://10.0.0.66/${BROKER}", "", ""), http.StatusUnprocessableEntity},
	} {
		if status, answer := v.json("POST", "/api/v1/cameras/probe?lang=zh", c.body); status != c.status ||
			status != http.StatusOK && !strings.Contains(answer, "重新输入密码") {
			t.Errorf("%s: %d %s", c.body, status, answer)
		}
	}
	if all := strings.Join(v.probed, " "); strings.Contains(all, "cam-1@10.0.0.66") || strings.Contains(all, "env-") {
		t.Errorf("tried: %v", v.probed)
	}
}
