package support

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/password"
	"sentrybox/gateway/recent"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/store"
)

// bundle returns the parts of a support bundle.
func bundle(t *testing.T, s *Source) map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := s.Write(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		parts[f.Name] = string(b)
	}
	return parts
}

// TestNoSecret plants secrets wherever one could stand, and looks for each in the bundle.
func TestNoSecret(t *testing.T) {
	dir := t.TempDir()
	planted := map[string]string{
		"in an address": "plantedaddress1", "escaped": "planted@ddr/ss2?", "of the environment": `planted env"3`, "of a file": "planted-file-4",
		"of a field": "planted:field:5", "of a sensor": "00112233445566778899aabbccddee06", "of a comment": "plantedcomment7", "of an old configuration": "plantedold8",
		"of an environment file": "plantedenvfile9", "of a parameter": "plantedparam10", "of another variable": "plantedother11", "of the set-up": "PLNT-EDCD-EE12",
		"in Chinese": "种下的密码十三", "short": "pl14",
	}
	t.Setenv("SUPPORT_TEST_PASS", planted["of the environment"])
	t.Setenv("SUPPORT_OTHER_TOKEN", planted["of another variable"])
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("mqtt.pw", planted["of a file"]+"\n")
	path := filepath.Join(dir, "site.yaml")
	hash := password.New("plantedhashed15")
	doc := `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
# the old password: ` + planted["of a comment"] + `
uplink:
  mqtt:
    - {url: "mqtts://user:` + planted["in an address"] + `@a.example"}
    - {url: "mqtts://b.example", username: u, password_file: mqtt.pw}
    - {url: "mqtts://c.example", username: u, password: "${SUPPORT_TEST_PASS}"}
    - {url: "mqtts://d.example", username: u, password: "` + planted["of a field"] + `"}
    - {url: "mqtts://e.example", username: u, password: "${FROM_FILE}"}
    - {url: "mqtts://f.example", username: u, password: "` + planted["in Chinese"] + `"}
    - {url: "mqtts://g.example", username: u, password: "` + planted["short"] + `"}
broker:
  listen: "127.0.0.1:1883"
  users: [{name: duty, role: duty, hash: "` + hash + `"}]
cameras:
  - {id: gate, url: "rtsp://admin:planted%40ddr%2Fss2%3F@10.0.0.1/1"}
  - {id: yard, url: "rtsp://10.0.0.2/user=admin&password=` + planted["of a parameter"] + `&channel=1"}
buses: [{id: wan, lorawan: "127.0.0.1:1700", gateways: [0016c001f153a14c]}]
sensors:
  - {id: door, profile: dragino-lds02, bus: wan, dev_addr: 26011bda, nwk_skey: "` + planted["of a sensor"] + `", app_skey: "` + planted["of a sensor"] + `"}
`
	put("site.yaml", doc)
	put("site.yaml.env", `FROM_FILE="`+planted["of an environment file"]+"\"\n")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), c.Data, revision.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	put("data/setup-code", planted["of the set-up"]+"\n")
	if _, err := st.DB().ExecContext(t.Context(), `INSERT INTO revisions (at, who, note, sum, state, deadline, body) VALUES (1, '', '', 'x', 'kept', 0, ?)`,
		[]byte(strings.ReplaceAll(doc, planted["in an address"], planted["of an old configuration"]))); err != nil {
		t.Fatal(err)
	}
	kept := new(recent.Log)
	log := slog.New(kept.Handler(slog.NewTextHandler(io.Discard, nil)))
	everything := []any{"api", "sbx_PLANTEDTOKEN16", "hash", hash, "pem", "-----BEGIN PRIVATE KEY-----\nplantedkey17\n-----END PRIVATE KEY-----",
		"url", "http://x:plantedurl19@host/?token=plantedquery20"}
	for name, secret := range planted {
		everything = append(everything, name, secret, name+" quoted", strings.ReplaceAll(secret, `"`, `\"`))
	}
	log.Error("a careless line", append([]any{"token", "plantednamed18"}, everything...)...)
	s := &Source{
		Config: c, Path: path, Version: "1.2.3", Recent: kept, DB: st.DB(), Now: time.Now,
		State: func(context.Context) (any, error) { return map[string]any{"careless": everything}, nil },
		Metrics: func(w io.Writer) error {
			for _, secret := range planted {
				_, _ = io.WriteString(w, "careless{x=\""+secret+"\"} 1\n")
			}
			return nil
		},
	}
	parts := bundle(t, s)
	for _, more := range []string{"PLANTEDTOKEN16", "plantedhashed15", "plantedkey17", "plantednamed18", "plantedurl19", "plantedquery20", "planted%40ddr", hash[30:60]} {
		planted[more] = more
	}
	for name, text := range parts {
		for what, secret := range planted {
			if strings.Contains(text, secret) {
				i := strings.Index(text, secret)
				t.Errorf("%s has the secret %s: …%.80s…", name, what, text[max(0, i-40):])
			}
		}
	}
	for name, want := range map[string]string{
		"about.txt": "sentrybox 1.2.3", "config.yaml": "donghu", "log.txt": "a careless line", "state.json": "careless", "metrics.txt": "careless",
		"goroutines.txt": "support.goroutines(", "database.txt": "integrity_check(20): ok", "disk.txt": "sentrybox.db", "network.txt": "lo mtu",
	} {
		if !strings.Contains(parts[name], want) {
			t.Errorf("%s lacks %q: %.300s", name, want, parts[name])
		}
	}
	if !strings.Contains(parts["config.yaml"], "a.example") || !strings.Contains(parts["config.yaml"], "10.0.0.1") {
		t.Errorf("more is struck than has to be: %s", parts["config.yaml"])
	}
}

// TestFoldersAreNoSecrets: where a program was started is no secret, though PWD sounds like one; what else
// has such a name is one, and so is what the configuration takes from there.
func TestFoldersAreNoSecrets(t *testing.T) {
	here := t.TempDir()
	for name, value := range map[string]string{
		"PWD": here, "CREDENTIALS_DIRECTORY": here, "OLDPWD": "planted-no-folder", "MQTT_PWD": "plantedpwd", "CAM_PASS": os.TempDir(),
	} {
		t.Setenv(name, value)
	}
	db, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &Source{Config: &config.Config{}, Path: filepath.Join(here, "none.yaml"), DB: db.DB()}
	for _, said := range []string{"OLDPWD says planted-no-folder", "it is plantedpwd", "it is " + os.TempDir()} {
		if s.scrubber(t.Context()).text(said) == said {
			t.Errorf("%q is not struck", said)
		}
	}
	t.Setenv("CAM_PASS", "")
	if said := "data: " + here + "-site/data"; s.scrubber(t.Context()).text(said) != said {
		t.Errorf("more is struck than has to be: %s", s.scrubber(t.Context()).text(said))
	}
	s.Config.Broker.Users = []config.BrokerUser{{Password: config.NewSecret(here)}}
	if said := "password " + here; s.scrubber(t.Context()).text(said) == said {
		t.Error("a password of the configuration is not struck where it is also in PWD")
	}
}

// TestFailingPart: what cannot be had is said, and the rest is there.
func TestFailingPart(t *testing.T) {
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	parts := bundle(t, &Source{
		Config: &config.Config{Data: t.TempDir()}, DB: st.DB(), Now: time.Now, Metrics: func(io.Writer) error { return errors.New("no metrics") },
		State: func(context.Context) (any, error) { return nil, errors.New("no state") },
	})
	if !strings.Contains(parts["state.json"], "failed: no state") || !strings.Contains(parts["metrics.txt"], "failed: no metrics") || len(parts) != 9 {
		t.Errorf("%v", parts)
	}
}
