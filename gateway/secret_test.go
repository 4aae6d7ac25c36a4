package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sentrybox/gateway/config"
)

// typed runs a command with something on its standard input.
func typed(t *testing.T, input string, args ...string) (code int, out, errOut string) {
	t.Helper()
	f := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(f, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	was := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = was }()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// TestSealedSecrets: what the command prints works in the configuration, in an address too, and not
// without the key.
func TestSealedSecrets(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	const secret = `p@ss:w/rd%41?`
	code, sealed, said := typed(t, secret+"\n", "secret", "--config", path)
	if code != 0 || !strings.HasPrefix(sealed, "${enc:") || strings.Contains(sealed, "p@ss") || !strings.Contains(said, "secret.key") {
		t.Fatalf("%d: %q, %q", code, sealed, said)
	}
	sealed = strings.TrimSpace(sealed)
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	doc := "gateway: {id: gw-1, street: s, community: c}\ndata: data\nuplink: {mqtt: [{url: \"mqtt://b\", username: u, password: \"" + sealed + "\"}]}\n" +
		"cameras: [{id: gate, url: \"rtsp://admin:" + sealed + "@10.0.0.1/x\"}]\n"
	if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	u, err := c.Cameras[0].URL.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := u.User.Password(); p != secret || c.Uplink.MQTT[0].Password.Reveal() != secret {
		t.Errorf("%q and %q", p, c.Uplink.MQTT[0].Password.Reveal())
	}
	if code, out, said := typed(t, "", "check", "--config", path); code != 0 || said != "" {
		t.Errorf("%d: %s%s", code, out, said)
	}
	if err := os.Chmod(filepath.Join(dir, "secret.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, said := typed(t, "", "check", "--config", path); code != 1 || strings.Count(said, "sealed text cannot be opened") != 2 || strings.Contains(said, "p@ss") {
		t.Errorf("%d: %s", code, said)
	}
}

// TestCheckWarns: of files that others may read, and of plain passwords.
func TestCheckWarns(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	dir := t.TempDir()
	for _, name := range []string{"mqtt.pw", "config.yaml.env"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("X=\"y\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.yaml")
	head := "gateway: {id: gw-1, street: s, community: c}\ndata: data\nuplink: {mqtt: [{url: \"mqtt://b\", username: u, password_file: mqtt.pw}]}\n"
	for camera, plain := range map[string]bool{
		"": false, "cameras: [{id: g, url: \"rtsp://admin:${X}@10.0.0.1/\"}]\n": false, "cameras: [{id: g, url: \"rtsp://admin:secret@10.0.0.1/\"}]\n": true,
	} {
		if err := os.WriteFile(path, []byte(head+camera), 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, said := typed(t, "", "check", "--config", path)
		if code != 0 || strings.Contains(said, "plain text") != plain || strings.Contains(said, path+" has mode") != plain {
			t.Errorf("%q: %d, %s", camera, code, said)
		}
		for _, name := range []string{"mqtt.pw has mode 0644", "config.yaml.env has mode 0644", "data has mode 0755"} {
			if !strings.Contains(said, name) {
				t.Errorf("%q lacks %q", said, name)
			}
		}
		if strings.Contains(said, "secret@") {
			t.Error("the password is printed")
		}
	}
}

// TestKeyOfTheService: a key that root makes is of the gateway's user, who owns the data folder.
func TestKeyOfTheService(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte("gateway: {id: gw-1, street: s, community: c}\ndata: data\nuplink: {mqtt: [{url: \"mqtt://b\"}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "data"), 4321, 4322); err != nil {
		t.Fatal(err)
	}
	if code, _, said := typed(t, "x\n", "secret", "--config", path); code != 0 {
		t.Fatal(said)
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 4321 || st.Gid != 4322 || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, mode %o", st, info.Mode())
	}
}

// TestRestoreOnANewBox: without a configuration it must be told where the data is to be.
func TestRestoreOnANewBox(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	dir := t.TempDir()
	code, _, errOut := typed(t, "", "restore", "--config", filepath.Join(dir, "config.yaml"), "--show", os.Args[0])
	if code != 1 || !strings.Contains(errOut, "--data DIR") {
		t.Errorf("exit status %d: %s", code, errOut)
	}
}

// TestRaiseWithoutAGateway: a technician reads in their language why there is no alert.
func TestRaiseWithoutAGateway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte("gateway: {id: a, street: b, community: c}\ndata: data\nuplink: {mqtt: []}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"C": "no sentrybox is running on the data folder " + dir, "zh_CN.UTF-8": "没有正在运行的 sentrybox"} {
		t.Setenv("LC_ALL", lang)
		for _, args := range [][]string{{"raise", "--config", path, "--severity", "1"}, {"health", "--config", path}} {
			if code, out, errOut := typed(t, "", args...); code != 1 || out != "" || !strings.Contains(errOut, want) {
				t.Errorf("%s %s: exit status %d, %q, %q", lang, args[0], code, out, errOut)
			}
		}
	}
}
