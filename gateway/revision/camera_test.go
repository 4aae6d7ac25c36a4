package revision

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const file = `# the site
gateway: {id: gw-1}   # here
cameras:
  # the gate
  - id: gate
    url: "rtsp://admin:${CAM_PASS}@10.0.0.1/1"   # main stream
    grid: "3"
    zones:
      door: {polygon: [[0.1, 0.2], [0.3, 0.4], [0.5, 0.9]]}
    detect:
      - {kind: intrusion, zone: door, schedule: "22:00-06:00"}

  # the yard
  - {id: yard, url: "rtsp://10.0.0.2/1"}
log: {level: info}
`

func TestCameras(t *testing.T) {
	all, err := Cameras([]byte(file))
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if all[0].Text("url") != "rtsp://admin:${CAM_PASS}@10.0.0.1/1" || all[1].Text("id") != "yard" {
		t.Errorf("%v", all)
	}
	if got, err := Cameras([]byte("gateway: {id: x}\n")); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"cameras: [{id: a}]\n", "cameras: x\n", "{cameras: []}\n", "a: [", "cameras:\n  - *x\n"} {
		if got, err := Cameras([]byte(bad)); !errors.Is(err, ErrByHand) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

// TestPut: only the lines of that camera change, and it reads as it was written.
func TestPut(t *testing.T) {
	all, err := Cameras([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	gate := all[0].Set("grid", "4").Set("transport", "tcp").Set("id", "大门")
	out, err := Put([]byte(file), "gate", gate)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("id: gate", "id: 大门", `   # main stream`, "", `grid: "3"`, `grid: "4"`,
		`"22:00-06:00"}`, "\"22:00-06:00\"}\n    transport: tcp").Replace(file)
	if string(out) != want {
		t.Errorf("%s\nwant\n%s", out, want)
	}
	again, err := Cameras(out)
	if err != nil || !reflect.DeepEqual(again[0], gate) || !reflect.DeepEqual(again[1], all[1]) {
		t.Errorf("%v, %v", again, err)
	}
	out, err = Put([]byte(file), "", Fields{{Key: "id", Value: "3"}, {Key: "url", Value: "rtsp://a: b@h/#?"}})
	if err != nil {
		t.Fatal(err)
	}
	if again, err = Cameras(out); err != nil || len(again) != 3 || again[2].Text("id") != "3" || again[2].Text("url") != "rtsp://a: b@h/#?" {
		t.Errorf("%s: %v, %v", out, again, err)
	}
	if !strings.HasSuffix(string(out), "log: {level: info}\n") {
		t.Errorf("%s", out)
	}
	if out, err = Put([]byte(file), "gate", nil); err != nil || strings.Contains(string(out), "CAM_PASS") || !strings.Contains(string(out), "# the yard") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err = Put(out, "yard", nil); err != nil {
		t.Fatal(err)
	}
	if again, err = Cameras(out); err != nil || len(again) != 0 {
		t.Errorf("%s: %v, %v", out, again, err)
	}
	for _, none := range []string{string(out), "gateway: {id: x}\n", "cameras:\nlog: {}\n", "cameras: []"} {
		out, err = Put([]byte(none), "", all[0])
		if err != nil {
			t.Fatal(err)
		}
		if again, err = Cameras(out); err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], all[0]) {
			t.Errorf("%s: %v, %v", out, again, err)
		}
	}
	if _, err := Put([]byte(file), "nobody", all[0]); !errors.Is(err, ErrUnknown) {
		t.Errorf("a camera that is not there: %v", err)
	}
	if unindented, err := Put([]byte("cameras:\n- id: a\n  url: x\n- id: b\n  url: y\nlog: {}\n"), "a", nil); err != nil || string(unindented) != "cameras:\n- id: b\n  url: \"y\"\nlog: {}\n" &&
		string(unindented) != "cameras:\n- id: b\n  url: y\nlog: {}\n" {
		t.Errorf("%s, %v", unindented, err)
	}
}

// FuzzPut: whatever a camera is called and wherever it is put, the file reads with
// it and with the others as they were.
func FuzzPut(f *testing.F) {
	for _, s := range []string{file, "cameras:\n- id: a\n", "cameras: []\n", "log: {}\n", "cameras:\n  - id: |\n      x\n\n  - {id: b}\n#c\n", "cameras:\n    -\n      id: x\n"} {
		f.Add(s, "new", "rtsp://x/\"#: {}")
	}
	f.Fuzz(func(t *testing.T, body, id, url string) {
		before, err := Cameras([]byte(body))
		if err != nil || id == "" || url == "" {
			return
		}
		camera := Fields{{Key: "id", Value: id}, {Key: "url", Value: url}}
		out, err := Put([]byte(body), "", camera)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		after, err := Cameras(out)
		if err != nil || len(after) != len(before)+1 {
			return // Check refuses what does not read
		}
		for i := range before {
			if !reflect.DeepEqual(before[i], after[i]) {
				t.Errorf("%q became %q: camera %d: %v and %v", body, out, i, before[i], after[i])
			}
		}
	})
}

func TestFlow(t *testing.T) {
	for _, v := range []any{"", "yes", "a b", "1", "大门", "-", "a:b", "#", "\x00\n\t", "\u2028", true, uint64(3), 0.1234567, nil,
		[]any{[]any{0.5, uint64(1)}, "x"}, yaml.MapSlice{{Key: "a b", Value: []any{}}}} {
		text, err := flow(v)
		if err != nil {
			t.Fatal(err)
		}
		var got yaml.MapSlice
		if err := yaml.UnmarshalWithOptions([]byte("k: "+text+"\n"), &got, yaml.UseOrderedMap()); err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !reflect.DeepEqual(got[0].Value, v) {
			t.Errorf("%q reads as %#v, want %#v", text, got[0].Value, v)
		}
	}
}

// TestSection: a section is read and written on its own, the rest stays as it is.
func TestSection(t *testing.T) {
	f, err := Section([]byte(file), "gateway")
	if err != nil || f.Text("id") != "gw-1" {
		t.Fatalf("%v, %v", f, err)
	}
	out, err := PutSection([]byte(file), "gateway", f.Set("street", "donghu"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(file, "gateway: {id: gw-1}   # here", "gateway:\n  id: \"gw-1\"\n  street: donghu", 1)
	if string(out) != want && string(out) != strings.Replace(want, `"gw-1"`, "gw-1", 1) {
		t.Errorf("%s\nwant\n%s", out, want)
	}
	uplink := Fields{{Key: "mqtt", Value: []any{yaml.MapSlice{{Key: "url", Value: "mqtt://broker"}}}}}
	for _, body := range []string{file, string(out), "uplink: {mqtt: []}\n# end\n", "uplink:\n  mqtt:\n    - url: x\n\n# log\nlog: {}\n", "a: 1"} {
		out, err := PutSection([]byte(body), "uplink", uplink)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Section(out, "uplink"); err != nil || !reflect.DeepEqual(got, uplink) {
			t.Errorf("%s: %v, %v", out, got, err)
		}
		if strings.Count(body, "#") != strings.Count(string(out), "#") {
			t.Errorf("a comment is gone: %s", out)
		}
	}
	for _, bad := range []string{"a: [", "{a: 1}", "gateway: [1]\n", "gateway: *x\n"} {
		if f, err := Section([]byte(bad), "gateway"); !errors.Is(err, ErrByHand) {
			t.Errorf("%q: %v, %v", bad, f, err)
		}
	}
}
