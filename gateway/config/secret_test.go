package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
)

// TestSecrecy prints a configuration in every way there is.
func TestSecrecy(t *testing.T) {
	c := mustParse(t, strings.Replace(uplink("url: 'mqtts://b', username: u, password: '${SECRET}'"), "  - {", "  - url: mqtt://user:${SECRET}@b\n  - {", 1)+
		"cameras:\n- id: a\n  url: rtsp://u:${SECRET}@h/x\n  detect_url: rtsp://h/user=a&password=${SECRET}&channel=1\n")
	if c.Uplink.MQTT[1].Password.Reveal() != secret || !strings.Contains(c.Cameras[0].DetectURL.Reveal(), secret) {
		t.Fatalf("not read: %+v", c)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p", "%e", "%U", "%100v", "%.200s"} {
		camera, broker := c.Cameras[0], c.Uplink.MQTT[1]
		for _, v := range []any{c, *c, c.Cameras, camera, &camera, camera.URL, &camera.URL, broker, broker.Password, &broker.Password,
			map[string]any{"a": camera.URL}, []any{broker.Password}, struct{ U URL }{camera.URL}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, c.Cameras[0].URL, c.Uplink.MQTT[1].Password, fmt.Errorf("dial %s: %v", c.Cameras[0].URL, c))
	for _, v := range []any{c, c.Cameras[0].URL, c.Uplink.MQTT[1].Password} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(j, y...))
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("config", "value", v, "group", slog.GroupValue(slog.Any("again", v)))
		}
	}
	_, err := NewURL("rtsp://u:" + secret + "@ho st/").Parse()
	if err == nil {
		t.Error("no error for a bad URL")
	}
	fmt.Fprintln(&out, err)
	got := out.String()
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
		if i := strings.Index(got, form); i >= 0 {
			t.Errorf("%q is in it: %s", form, got[max(0, i-100):i+20])
		}
	}
	for _, want := range []string{"rtsp://u:***@h/x", "mqtt://user:***@b", "rtsp://h/user=a&password=***&channel=1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in it", want)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"rtsp://10.0.0.11/101", "rtsp://10.0.0.11/101"},
		{"rtsp://10.0.0.11:554/101", "rtsp://10.0.0.11:554/101"},
		{"rtsp://user@h/x", "rtsp://user@h/x"},
		{"rtsp://user:hunter2@h/x", "rtsp://user:***@h/x"},
		{"rtsp://user:@h/x", "rtsp://user:***@h/x"},
		{"rtsp://user:hunter@2@h/x", "rtsp://user:***@h/x"},
		{"rtsp://user:hunter/2@h/x", "rtsp://user:***@h/x"},
		{"rtsp://user:12/hunter2@h/x", "rtsp://user:***@h/x"},
		{"rtsp://user:hunter#2?@h/x", "rtsp://user:***@h/x"},
		{"rtsp://h/x?user=a&password=hunter2&c=1", "rtsp://h/x?user=a&password=***&c=1"},
		{"rtsp://h/x?Pwd=hunter2", "rtsp://h/x?Pwd=***"},
		{"rtsp://h/user=a&password=hunter2&channel=1&stream=0.sdp?real", "rtsp://h/user=a&password=***&channel=1&stream=0.sdp?real"},
		{"rtsp://h/user=a_password=hunter2_channel=1.sdp?real", "rtsp://h/user=a_password=***?real"},
		{"user:hunter2@h", "user:***@h"}, {"user@h:1", "user@h:1"},
	} {
		if got := NewURL(test.in).String(); got != test.want {
			t.Errorf("%q: %q, want %q", test.in, got, test.want)
		}
	}
}
