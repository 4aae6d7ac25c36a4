package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/certificate"
	"sentrybox/gateway/certificate/certificatetest"
	"sentrybox/gateway/config"
	"sentrybox/gateway/seal"
)

// sealedSite is a box whose passwords were typed on its page: one has changed since.
func sealedSite(t *testing.T) (s *Site, key string) {
	t.Helper()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	s = box(t)
	key = filepath.Join(filepath.Dir(s.Config), seal.KeyFile)
	k, err := seal.Create(key)
	if err != nil {
		t.Fatal(err)
	}
	text := func(secret string) string {
		out, err := k.Seal(secret)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	body := func(password, spare string) string {
		return `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ` + s.Data + `
uplink: {mqtt: [{url: "mqtt://b", username: "$` + spare + `", password: "` + text("canary-1") + `"}]}
cameras:
  - {id: gate, url: "rtsp://admin:` + password + `@10.0.0.1/1"}
# - {id: yard, url: "rtsp://admin:` + spare + `@10.0.0.2/1"}
`
	}
	spare := text("canary-4")
	now, was := body(text("canary-2@?"), spare), body(text("canary-3"), spare)
	write(t, s.Config, now)
	for i, text := range []string{was, strings.Replace(was, "b\"", "b\" ", 1), now} {
		h := sha256.Sum256([]byte(text))
		exec(t, s, fmt.Sprintf(`INSERT INTO revisions (id, at, who, note, sum, state, deadline, body) VALUES (%d, 1, '王工', '', '%x', 'kept', 0, x'%x')`, i+1, h, text))
	}
	return s, key
}

// files returns what is below a folder, by name, but for the lock.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockName {
			return err
		}
		all[at] = content(t, at)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func noneInTheClear(t *testing.T, s *Site) {
	t.Helper()
	for at, text := range files(t, filepath.Dir(s.Data)) {
		if strings.Contains(text, "canary") {
			t.Errorf("%s has a password in the clear", at)
		}
	}
}

// opens checks the passwords of a box, and of its history, with the oldest camera's password.
func opens(t *testing.T, s *Site, oldest string) {
	t.Helper()
	c := load(t, s)
	if got := c.Uplink.MQTT[0].Password.Reveal() + " " + c.Cameras[0].URL.Reveal(); got != "canary-1 rtsp://admin:canary-2%40%3F@10.0.0.1/1" {
		t.Error(got)
	}
	if user := c.Uplink.MQTT[0].Username; !strings.HasPrefix(user, "${enc:") {
		t.Errorf("a text that stands for itself is %s", user)
	}
	spare := seal.Texts([]byte(content(t, s.Config)))
	if v, ok := config.Environment(s.Config)(seal.Prefix + spare[len(spare)-1]); v != "canary-4" {
		t.Errorf("what is sealed in a comment: %v", ok)
	}
	for id, want := range map[string]string{"1": oldest, "3": "canary-2%40%3F"} {
		text, err := hex.DecodeString(ask(t, s, `SELECT hex(body) x FROM revisions WHERE id = `+id))
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Parse(s.Config, text, config.Environment(s.Config))
		if want == "" {
			if err == nil {
				t.Errorf("revision %s opens", id)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Cameras[0].URL.Reveal(); got != "rtsp://admin:"+want+"@10.0.0.1/1" {
			t.Errorf("revision %s: %s", id, got)
		}
		if sum := sha256.Sum256(text); ask(t, s, `SELECT sum x FROM revisions WHERE id = `+id) != hex.EncodeToString(sum[:]) {
			t.Errorf("revision %s has the sum of another", id)
		}
	}
}

// TestSealedOnAnotherBox: what one box has sealed is sealed on the next, in the history too, and nowhere in the clear
// meanwhile.
func TestSealedOnAnotherBox(t *testing.T) {
	from, key := sealedSite(t)
	file := save(t, from, true, false)
	if left := files(t, from.Data); len(left) != len(files(t, filepath.Dir(from.Data)))-2 {
		t.Errorf("left: %v", slices.Collect(maps.Keys(left)))
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	for _, w := range []Wish{{}, {Copy: true, Gateway: Identity{"gw-2", "donghu", "taoyuan"}}} {
		to := box(t)
		f, err := to.Look(t.Context(), bytes.NewReader(file), Wish{Passphrase: passphrase})
		if err != nil || f.Problems != nil || len(f.Manifest.Variables) != 0 || len(files(t, filepath.Dir(to.Data))) != 0 {
			t.Fatalf("%+v, %v", f, err)
		}
		if err := prepare(t, to, file, w); err != nil {
			t.Fatal(err)
		}
		noneInTheClear(t, to)
		finish(t, to)
		noneInTheClear(t, to)
		opens(t, to, "canary-3")
		info, err := os.Stat(filepath.Join(filepath.Dir(to.Config), seal.KeyFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		if _, err := os.Stat(config.EnvironmentFile(to.Config)); err == nil {
			t.Error("there is a file with variables")
		}
		// And from there to a third, which has a key.
		third := box(t)
		own := filepath.Join(filepath.Dir(third.Config), seal.KeyFile)
		if _, err := seal.Create(own); err != nil {
			t.Fatal(err)
		}
		was := content(t, own)
		if err := prepare(t, third, save(t, to, true, false), Wish{}); err != nil {
			t.Fatal(err)
		}
		finish(t, third)
		opens(t, third, "canary-3")
		if content(t, own) != was {
			t.Error("the box has another key")
		}
	}
}

// TestSealedOnTheSameBox: what the box opens itself stays as it is written.
func TestSealedOnTheSameBox(t *testing.T) {
	s, _ := sealedSite(t)
	was := content(t, s.Config)
	file := save(t, s, true, false)
	if err := prepare(t, s, file, Wish{Page: true}); err != nil {
		t.Fatal(err)
	}
	finish(t, s)
	opens(t, s, "canary-3")
	if now := content(t, s.Config); !slices.Equal(seal.Texts([]byte(now)), seal.Texts([]byte(was))) {
		t.Errorf("%s\nwas\n%s", now, was)
	}
}

// TestBackupWithoutTheHistorysSecrets: a backup of a program that took those of the configuration alone.
func TestBackupWithoutTheHistorysSecrets(t *testing.T) {
	from, key := sealedSite(t)
	p, err := from.Gather(t.Context(), Options{Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, e := range p.entries {
		if e.name == environmentName {
			lines := slices.DeleteFunc(strings.Split(string(e.data), "\n"), func(l string) bool { return strings.Contains(l, "canary-3") })
			p.entries[i].data = []byte(strings.Join(lines, "\n"))
			p.entries[i].size = int64(len(p.entries[i].data))
		}
	}
	var file bytes.Buffer
	if err := errors.Join(p.Write(t.Context(), &file), os.Remove(key)); err != nil {
		t.Fatal(err)
	}
	to := box(t)
	if err := prepare(t, to, file.Bytes(), Wish{}); err != nil {
		t.Fatal(err)
	}
	finish(t, to)
	noneInTheClear(t, to)
	opens(t, to, "")
}

// TestRestoreThatFails: the box is as it was, without a new key too.
func TestRestoreThatFails(t *testing.T) {
	from, key := sealedSite(t)
	file := save(t, from, true, false)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	to := box(t)
	write(t, to.Config, "gateway: {id: new, street: s, community: c}\ndata: "+to.Data+"\nuplink: {mqtt: []}\n")
	own := filepath.Join(filepath.Dir(to.Config), seal.KeyFile)
	fails := func(what string, file []byte, w Wish, want error) {
		t.Helper()
		was := files(t, filepath.Dir(to.Data))
		err := prepare(t, to, file, w)
		if err == nil || want != nil && !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", what, err)
		}
		if now := files(t, filepath.Dir(to.Data)); !maps.Equal(now, was) || Pending(to.Data) {
			t.Errorf("%s: there are %v, were %v", what, slices.Collect(maps.Keys(now)), slices.Collect(maps.Keys(was)))
		}
	}
	fails("cut off", file[:len(file)-1], Wish{}, ErrDamaged)
	fails("a name that cannot be", file, Wish{Copy: true, Gateway: Identity{"a/b", "donghu", "x"}}, nil)
	write(t, own, "no key")
	fails("a key that is none", file, Wish{}, ErrKey)
	if Sentence(ErrKey) == "" {
		t.Error("nobody is told")
	}
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t, to, file, Wish{}); err != nil {
		t.Errorf("after them: %v", err)
	}
}

// TestCertificatesOfThePage: what was given on the page comes along, though it is in the data folder.
func TestCertificatesOfThePage(t *testing.T) {
	from, to := box(t), box(t)
	ca := certificatetest.New(t, "ca", nil, certificatetest.CA)
	own := certificatetest.New(t, "gw-1", ca, nil)
	shelf := certificate.Shelf{Data: from.Data, Now: time.Now}
	trust, _, err := shelf.Authority([]byte(ca.Cert))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _, err := shelf.Client([]byte(own.Cert), []byte(own.Key))
	if err != nil {
		t.Fatal(err)
	}
	write(t, from.Config, `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: `+from.Data+`
uplink: {mqtt: [{url: "mqtts://b", ca: "`+trust+`", cert: `+cert+`, key: '`+key+`'}]}
`)
	exec(t, from)
	file := save(t, from, false, false)
	if err := errors.Join(os.RemoveAll(filepath.Dir(from.Data)), prepare(t, to, file, Wish{})); err != nil {
		t.Fatal(err)
	}
	finish(t, to)
	m := load(t, to).Uplink.MQTT[0]
	for path, want := range map[string]string{m.CA: ca.Cert, m.Cert: own.Cert, m.Key: own.Key} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 || content(t, path) != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}
