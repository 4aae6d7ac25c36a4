package config

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	yaml "github.com/goccy/go-yaml"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds a file with many mistakes to all of its problems, in both
// languages.
func TestGolden(t *testing.T) {
	_, err := Parse("mistakes.yaml", []byte(content(t, "testdata/mistakes.yaml")), testEnv)
	p := problems(t, err)
	for _, l := range []text.Lang{text.English, text.Chinese} {
		golden, got := "testdata/mistakes."+string(l)+".txt", p.Text(l)+"\n"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := content(t, golden); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if strings.Contains(got, "hunter") {
			t.Error("a password is in it")
		}
	}
}

const design = `cameras:
  - id: gate-east
    url: rtsp://user:${CAM_PASS}@10.0.0.11/Streaming/Channels/101
    detect_url: rtsp://user:${CAM_PASS}@10.0.0.11/Streaming/Channels/102
    transport: auto                     # auto, tcp, udp
    grid: "3"                           # the grid (网格) that this camera looks at
    privacy: [[0,0],[0.2,0],[0.2,0.3]]  # never analysed, never shown
    zones:
      gate: {polygon: [[0.3,0.4],[0.7,0.4],[0.7,1],[0.3,1]]}
      facade: {polygon: [[0,0],[1,0],[1,0.8],[0,0.8]]}
    detect:
      - {kind: loitering, zone: gate, after: 30s, severity: 3}
      - {kind: thrown_object, zone: facade, severity: 2}
      - {kind: intrusion, zone: gate, schedule: "22:00-06:00", severity: 2}
      - {kind: gathering, zone: gate, people: 5, after: 20s, severity: 2}
      - {kind: abandoned_object, zone: gate, after: 60s, severity: 3}
      - {kind: tamper, severity: 2}       # the whole picture, zone all
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: /var/lib/sentrybox
web: {listen: "127.0.0.1:8080"}
uplink: {mqtt: [{url: "mqtt://broker:1883"}]}   # mqtts:// and credentials too; a list, in order of preference
`

func mustParse(t testing.TB, config string) *Config {
	t.Helper()
	c, err := Parse(at(t), []byte(config), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDesign(t *testing.T) {
	got := mustParse(t, design)
	night, err := ParseSchedule("22:00-06:00")
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Gateway = Gateway{ID: "gw-1", Street: "donghu", Community: "meiyuan"}
	want.Data = "/var/lib/sentrybox"
	want.Uplink.MQTT = []MQTT{{URL: NewURL("mqtt://broker:1883")}}
	want.Cameras = []Camera{{
		ID:        "gate-east",
		URL:       NewURL("rtsp://user:" + secret + "@10.0.0.11/Streaming/Channels/101"),
		DetectURL: NewURL("rtsp://user:" + secret + "@10.0.0.11/Streaming/Channels/102"),
		Transport: "auto", Clips: "auto", Decode: DecodeAuto, Confirm: ConfirmAuto,
		Grid:    "3",
		Privacy: Polygons{{{0, 0}, {0.2, 0}, {0.2, 0.3}}},
		Zones: map[string]Zone{
			"gate":   {Polygon: Polygon{{0.3, 0.4}, {0.7, 0.4}, {0.7, 1}, {0.3, 1}}},
			"facade": {Polygon: Polygon{{0, 0}, {1, 0}, {1, 0.8}, {0, 0.8}}},
		},
		Detect: []Rule{
			{Kind: wire.Loitering, Zone: "gate", After: Duration(30 * time.Second), Severity: 3},
			{Kind: wire.ThrownObject, Zone: "facade", Severity: 2},
			{Kind: wire.Intrusion, Zone: "gate", Schedule: night, Severity: 2},
			{Kind: wire.Gathering, Zone: "gate", People: 5, After: Duration(20 * time.Second), Severity: 2},
			{Kind: wire.AbandonedObject, Zone: "gate", After: Duration(60 * time.Second), Severity: 3},
			{Kind: wire.Tamper, Zone: AllZones, Severity: 2},
		},
	}}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", *got, want)
	}
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, head+`alerts: {cool_down: 0s}
cameras:
- id: a
  url: rtsp://x
  detect: [{kind: loitering}, {kind: gathering}, {kind: abandoned_object, severity: ~}, {kind: motion}, {kind: intrusion, after: ~}]
`)
	want := []Rule{
		{Kind: wire.Loitering, Zone: AllZones, After: Duration(30 * time.Second), Severity: 3},
		{Kind: wire.Gathering, Zone: AllZones, After: Duration(20 * time.Second), People: 5, Severity: 2},
		{Kind: wire.AbandonedObject, Zone: AllZones, After: Duration(60 * time.Second), Severity: 3},
		{Kind: wire.Motion, Zone: AllZones, Severity: 4},
		{Kind: wire.Intrusion, Zone: AllZones, Severity: 2},
	}
	if got := c.Cameras[0].Detect; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if c.Cameras[0].Transport != "auto" || c.Alerts.CoolDown != 0 || c.Alerts.RespondWithin != Duration(5*time.Minute) || c.Log.Level != "info" {
		t.Errorf("got %+v", c)
	}
	if !filepath.IsAbs(c.Data) || filepath.Base(c.Data) != "data" {
		t.Errorf("data is %q", c.Data)
	}
}

func TestUnbuilt(t *testing.T) {
	c := mustParse(t, design)
	for _, k := range wire.Kinds() {
		used := slices.ContainsFunc(c.Cameras[0].Detect, func(r Rule) bool { return r.Kind == k })
		want := used && !slices.Contains(wire.Built(), k)
		if got := slices.Contains(c.Cameras[0].Unbuilt(), k); got != want {
			t.Errorf("%s: %v", k, got)
		}
	}
}

// TestParseCamera has what replay is given: one camera, as JSON too.
func TestParseCamera(t *testing.T) {
	_, err := ParseCamera("a.camera.yaml", []byte("{\n \"id\": \"bag\\/1\\u5c97\",\n\t\"zones\": {\"z\": {\"polygon\": [[0, 0], [1e0, 1e-05], [1, 1]]}},\n"+
		" \"detect\": [{\"kind\": \"abandoned_object\", \"zone\": \"z\", \"after\": \"10s\", \"severity\": 2}]\n}\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "a.camera.yaml:2: id: is one level") {
		t.Errorf("got %v", err)
	}
	c, err := ParseCamera("a.camera.yaml", []byte("{\n \"id\": \"bag\\u5c97\",\n \"zones\": {\"z\": {\"polygon\": [[0, 0], [1e0, 1e-05], [1, 1]]}},\n"+
		" \"detect\": [{\"kind\": \"abandoned_object\", \"zone\": \"z\", \"after\": \"10s\", \"severity\": 2}]\n}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Camera{ID: "bag岗", Transport: "auto", Clips: "auto", Decode: DecodeAuto, Confirm: ConfirmAuto,
		Zones:  map[string]Zone{"z": {Polygon: Polygon{{0, 0}, {1, 1e-05}, {1, 1}}}},
		Detect: []Rule{{Kind: wire.AbandonedObject, Zone: "z", After: Duration(10 * time.Second), Severity: 2}},
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("got %+v", *c)
	}

	c, err = ParseCamera("c.yaml", []byte("id: c\nzones:\n  kerb: {line: [[0.1, 0.6], [0.9, 0.6]]}\n  gate: {line: [[0,0],[0,1],[1,1]], direction: right_to_left}\n"+
		"detect:\n- {kind: line_crossing, zone: kerb}\n- {kind: line_crossing, zone: gate, schedule: '22:00-06:00'}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]Zone{"kerb": {Line: Line{{0.1, 0.6}, {0.9, 0.6}}, Direction: wire.BothWays},
		"gate": {Line: Line{{0, 0}, {0, 1}, {1, 1}}, Direction: wire.RightToLeft}}
	if !reflect.DeepEqual(c.Zones, zones) || c.Detect[0].Severity != 3 {
		t.Errorf("got %+v", *c)
	}

	_, err = ParseCamera("b.yaml", []byte("id: b\nurl: ftp://x\nzones:\n  gate: {polygon: [[0,0],[1,1]]}\ndetect:\n- {kind: motion, zone: gat}\n"), nil)
	const all = "b.yaml:2: url: must begin with one of rtsp://, rtsps://, dvrip://\n" +
		"b.yaml:4: zones.gate.polygon: 2 points, a polygon needs 3\n" +
		"b.yaml:6: detect[0].zone: there is no zone \"gat\", did you mean \"gate\"?"
	if got := problems(t, err).Error(); got != all {
		t.Errorf("got\n%s", got)
	}
	_, err = ParseCamera("b.yaml", []byte("- id: b\n"), nil)
	if got := problems(t, err).Error(); got != "b.yaml:1: must be a mapping, not a list" {
		t.Errorf("got\n%s", got)
	}
}

// TestReading has what YAML allows and the configuration must take.
func TestReading(t *testing.T) {
	t.Run("anchors and merge keys", func(t *testing.T) {
		c := mustParse(t, head+`cameras:
- &first
  id: a
  url: rtsp://x
  zones: &zones {gate: {polygon: &p [[0,0],[1,0],[1,1]]}}
  privacy: *p
  detect: &rules [{kind: motion, zone: gate}]
- {<<: *first, id: b}
- id: c
  url: rtsp://z
  zones: *zones
  detect: *rules
`)
		ids := []string{}
		for _, camera := range c.Cameras {
			ids = append(ids, camera.ID)
			if len(camera.Zones["gate"].Polygon) != 3 || len(camera.Detect) != 1 {
				t.Errorf("got %+v", camera)
			}
		}
		if !slices.Equal(ids, []string{"a", "b", "c"}) || c.Cameras[1].URL.Reveal() != "rtsp://x" || len(c.Cameras[0].Privacy) != 1 {
			t.Errorf("got %+v", c.Cameras)
		}
	})
	t.Run("numbers as texts", func(t *testing.T) {
		c := mustParse(t, uplink("url: 'mqtt://b', username: 007, password: 0123456")+"cameras:\n- {id: 12, url: 'rtsp://x', grid: 1.10}\n")
		if m := c.Uplink.MQTT[0]; m.Username != "007" || m.Password.Reveal() != "0123456" || c.Cameras[0].ID != "12" || c.Cameras[0].Grid != "1.10" {
			t.Errorf("got %+v, %q", c, m.Password.Reveal())
		}
	})
	t.Run("CRLF, a BOM and blank lines", func(t *testing.T) {
		config := "\ufeff" + strings.ReplaceAll(head+" \t \n\ncameras:\n- {id: 东门, url: 'rtsp://x'}\n", "\n", "\r\n")
		if c := mustParse(t, config); c.Cameras[0].ID != "东门" || c.Gateway.ID != "gw-1" {
			t.Errorf("got %+v", c)
		}
	})
	t.Run("polygons", func(t *testing.T) {
		c := mustParse(t, head+"cameras:\n- {id: a, url: 'rtsp://x', privacy: [[[0,0],[1,0],[1,1]],[[0,0],[1,0],[1,1],[0,1],[0,0]]]}\n- {id: b, url: 'rtsp://x', privacy: []}\n")
		if p := c.Cameras[0].Privacy; len(p) != 2 || len(p[1]) != 4 || len(c.Cameras[1].Privacy) != 0 {
			t.Errorf("got %+v", c.Cameras)
		}
	})
	t.Run("null is absent", func(t *testing.T) {
		if c := mustParse(t, head+"cameras:\nlog:\nweb: {listen: ~}\n"); c.Log.Level != "info" || c.Web.Listen != "127.0.0.1:8080" {
			t.Errorf("got %+v", c)
		}
	})
}

// TestEnvironmentFile: beside what FormatEnvironment writes, what people write by hand.
func TestEnvironmentFile(t *testing.T) {
	got := ParseEnvironment([]byte("# a comment\n A=plain p@ss \r\nB=\"a \\\"b\\\"\"\nC = 'it $is'\nD=\nE=\"open\nF='open\nnothing\n"))
	want := map[string]string{"A": "plain p@ss", "B": `a "b"`, "C": "it $is", "D": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if again := ParseEnvironment(FormatEnvironment(want)); !maps.Equal(again, want) {
		t.Errorf("written and read again: %q", again)
	}
}

// TestLoadCameraWithoutItsPassword: who plays a video signs in nowhere.
func TestLoadCameraWithoutItsPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "camera.yaml")
	if err := os.WriteFile(path, []byte("id: a\nurl: rtsp://u:${SENTRYBOX_TEST_NOWHERE}@h/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCamera(path); err != nil {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{
			"PLAIN": "abc", "ODD": "p@s/s#w?r:d %4", "READY": "p%40s", "YAML": "a: [1, ${PLAIN}]", "URL": "rtsp://u:p@h/x", "ID": "岗",
		}[name]
		return v, ok
	}
	for _, test := range []struct{ in, want string }{
		{"rtsp://u:${PLAIN}@h/x", "rtsp://u:abc@h/x"},
		{"rtsp://u:${ODD}@h/x", "rtsp://u:p%40s%2Fs%23w%3Fr%3Ad%20%254@h/x"},
		{"rtsp://${ID}:${READY}@h/x", "rtsp://%E5%B2%97:p%2540s@h/x"},
		{"${URL}", "rtsp://u:p@h/x"},
		{"rtsp://h/user=a&password=${PLAIN}&channel=1", "rtsp://h/user=a&password=abc&channel=1"},
		{"rtsp://u:$${PLAIN}$@h/x", "rtsp://u:${PLAIN}$@h/x"},
	} {
		c, err := ParseCamera("", []byte("id: a\nurl: \""+test.in+"\"\n"), env)
		if strings.Contains(test.want, "{") { // a brace is no part of a URL, but Go's parser knows better
			if err == nil {
				t.Errorf("%s: no problem", test.in)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
		} else if got := c.URL.Reveal(); got != test.want {
			t.Errorf("%s: %s", test.in, got)
		}
	}
	c, err := ParseCamera("", []byte("id: a\ngrid: \"${YAML}\"\n"), env)
	if err != nil || c.Grid != "a: [1, ${PLAIN}]" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestRoundTrip writes what has no secrets and reads it again.
func TestRoundTrip(t *testing.T) {
	config := strings.ReplaceAll(design, "user:${CAM_PASS}@", "")
	for name, marshal := range map[string]func(any) ([]byte, error){
		"YAML": yaml.Marshal,
		"JSON": func(v any) ([]byte, error) { return yaml.MarshalWithOptions(v, yaml.JSON()) },
	} {
		t.Run(name, func(t *testing.T) {
			first := mustParse(t, config)
			written, err := marshal(first)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Parse("again.yaml", written, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, written)
			}
			if !reflect.DeepEqual(first, second) {
				t.Errorf("got\n%+v\nwant\n%+v", second, first)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		m        MQTT
		address  string
		secure   bool
		user     string
		password string
	}{
		{MQTT{URL: NewURL("mqtt://b")}, "b:1883", false, "", ""},
		{MQTT{URL: NewURL("MQTTS://b")}, "b:8883", true, "", ""},
		{MQTT{URL: NewURL("mqtts://[::1]:9000")}, "[::1]:9000", true, "", ""},
		{MQTT{URL: NewURL("mqtt://u:p%40s@b")}, "b:1883", false, "u", "p@s"},
		{MQTT{URL: NewURL("mqtt://b"), Username: "u", Password: NewSecret("p")}, "b:1883", false, "u", "p"},
	} {
		address, secure := test.m.Address()
		user, password := test.m.Credentials()
		if address != test.address || secure != test.secure || user != test.user || password.Reveal() != test.password {
			t.Errorf("%v: %s %v %s %s", test.m.URL, address, secure, user, password.Reveal())
		}
	}
}

func TestCertificates(t *testing.T) {
	c := mustParse(t, uplink("url: 'mqtts://b', ca: good.pem, cert: ./good.pem, key: good.key"))
	m := c.Uplink.MQTT[0]
	for _, name := range []string{m.CA, m.Cert, m.Key} {
		if _, err := os.Stat(name); err != nil || !filepath.IsAbs(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLocation(t *testing.T) {
	c := mustParse(t, strings.Replace(head, "meiyuan", "meiyuan, timezone: Asia/Shanghai", 1))
	if got := c.Gateway.Location().String(); got != "Asia/Shanghai" {
		t.Errorf("got %s", got)
	}
	if got := mustParse(t, head).Gateway.Location(); got != time.Local {
		t.Errorf("got %s", got)
	}
}
