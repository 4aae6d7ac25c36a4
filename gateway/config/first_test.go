package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if blank, err := Blank(path); err != nil || !blank {
		t.Errorf("a file that is not there: %v, %v", blank, err)
	}
	for body, want := range map[string]bool{"": true, "# nothing\n\n---\n": true, "data: x\n": false, "nonsense": false} {
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if blank, err := Blank(path); err != nil || blank != want {
			t.Errorf("%q: %v, %v", body, blank, err)
		}
	}
	if _, err := Blank(dir); err == nil {
		t.Error("a folder is taken for a file that says nothing")
	}
	c, err := Unconfigured(path, filepath.Join(dir, "data"), FirstListen)
	if err != nil || !c.Web.Secure() || len(c.Cameras) != 0 || len(c.Uplink.MQTT) != 0 || c.Gateway.ID != boxID() {
		t.Fatalf("%+v, %v", c, err)
	}
	f := First{ID: `gw-1`, Street: "东湖 ${HOME}: 1", Community: "-", Timezone: "Asia/Shanghai", Data: "/d\t$x", Listen: "127.0.0.1:0"}
	if c, err = Parse(path, f.Document(), nil); err != nil || c.Gateway.Street != f.Street || c.Gateway.Community != "-" || c.Data != f.Data || c.Gateway.Timezone != f.Timezone {
		t.Errorf("%+v, %v", c, err)
	}
}
