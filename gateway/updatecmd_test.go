package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
)

// TestUpdateReadsNoConfiguration: root's part of an upload reads nothing that the service's user could have made
// a link to a file of root's: a word of it would stand in the result, which all may read.
func TestUpdateReadsNoConfiguration(t *testing.T) {
	for _, body := range []string{"root:secret:20228:0::\n", "data: secret\n", "secret: [\n"} {
		dir := t.TempDir()
		path := func(name string) string { return filepath.Join(dir, name) }
		inbox := path("data/update/inbox.update")
		if err := errors.Join(os.MkdirAll(filepath.Dir(inbox), 0o700), os.WriteFile(inbox, nil, 0o600), os.WriteFile(path("config.yaml"), []byte(body), 0o600)); err != nil {
			t.Fatal(err)
		}
		c := updateCmd{Config: path("config.yaml"), Inbox: inbox, Dir: path("root"), Keys: path("none")}
		var said bytes.Buffer
		err := c.inbox(&env{ctx: t.Context(), out: &said, errOut: &said, lang: text.English})
		told, read := os.ReadFile(path("root/result.json"))
		if err == nil || read != nil || bytes.Contains(told, []byte("secret")) || bytes.Contains(said.Bytes(), []byte("secret")) || !bytes.Contains(told, []byte("update.error.nokey")) {
			t.Errorf("%q: %v, %v, %s, %s", body, err, read, told, &said)
		}
	}
}

// TestUpdateOutlastsPatience: a part that does not work under a new version is stuck within the time in which the new
// version must be well.
func TestUpdateOutlastsPatience(t *testing.T) {
	f, _ := reflect.TypeFor[updateCmd]().FieldByName("Steady")
	steady, err := time.ParseDuration(f.Tag.Get("default"))
	if patience := time.Duration(config.Defaults().Watchdog.Patience); err != nil || steady <= patience {
		t.Errorf("%v of %v, %v", steady, patience, err)
	}
}
