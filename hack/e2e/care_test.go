//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"sentrybox/drivers/rtsp/rtsptest"
	"sentrybox/gateway/boxid"
	"sentrybox/uplink/mqtt/mqtttest"
)

const carePassphrase = "备份口令 correct horse"

// startEmpty runs a gateway on a box that nobody has told anything yet.
func startEmpty(t *testing.T, listen string) *gateway {
	t.Helper()
	dir := t.TempDir()
	g := &gateway{t: t, config: filepath.Join(dir, "config.yaml"), log: &logBuffer{}}
	t.Cleanup(func() {
		g.stop()
		if t.Failed() {
			t.Logf("the second gateway said:\n%s", g.log)
		}
	})
	g.cmd = sentrybox("run", "--config", g.config, "--data", filepath.Join(dir, "data"), "--listen", listen)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return g
}

// download presses what makes a browser keep a file, and returns it.
func (b *browser) download(selector, ending string) string {
	b.t.Helper()
	dir := b.t.TempDir()
	b.do(cdpbrowser.SetDownloadBehavior(cdpbrowser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir))
	b.press(selector)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, "*"+ending)); len(found) == 1 {
			return found[0]
		}
	}
	all, _ := os.ReadDir(dir)
	b.t.Fatalf("no file that ends in %s: %v", ending, all)
	return ""
}

// TestCare backs a site up in a browser and restores it on a second, empty box: the
// camera, the alert and the users are there. A program looks at both with a token.
func TestCare(t *testing.T) {
	cams := &rtsptest.Server{User: "admin", Password: camPass, Cameras: map[string]rtsptest.Camera{"gate": {Clip: rtsptest.File(walker(t, "h264"))}}}
	if err := cams.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cams.Close() })
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	first, second := freePort(t), freePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(`
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: %q}
uplink: {mqtt: [{url: "${BROKER}"}]}
cameras:
  - {id: 东门, url: "rtsp://admin:${CAM_PASS}@%s/gate", detect: [{kind: intrusion}]}
`, first, cams.Addr()))
	b := startBrowser(t, "http://"+first)
	b.claim(g.setupCode())
	alert := g.mustRaise(2)
	b.says("#lines", "摄像机 东门：在线")
	b.says("#alerts", "测试")

	token := b.makeToken()
	if got := askWith(t, "http://"+first, token, "alerts"); !strings.Contains(got, alert) {
		t.Errorf("a program does not see the alert: %s", got)
	}
	b.open("/logs")
	b.says("#lines", "sentrybox runs")
	b.do(chromedp.SetValue("[name=part]", "web", chromedp.ByQuery), chromedp.Evaluate(`filter.onchange()`, nil))
	b.until("the lines of one part alone", `[...document.querySelectorAll("#lines tr")].length > 0 && [...document.querySelectorAll("#lines tr td:nth-child(3)")].every(c => c.innerText == "web")`)
	b.shot("logs")

	b.open("/care")
	b.says("#usaid", "手工升级") // nothing on this box installs what is uploaded
	b.fill("#backup [name=passphrase]", carePassphrase)
	b.fill("#backup [name=repeat]", carePassphrase)
	file := b.download("#backup button.main", ".sentrybox")
	data, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(data, []byte("age-encryption.org/v1\n")) || bytes.Contains(data, []byte("donghu")) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	b.shot("care")
	checkBundle(t, b.download(`form[action="/support"] button`, ".zip"))
	g.stop()

	g2 := startEmpty(t, second)
	code := g2.setupCode()
	b.base = "http://" + second
	b.open("/setup")
	b.fill("[name=code]", code)
	b.press("#instead summary")
	b.do(chromedp.SetUploadFiles("#restore [name=file]", []string{file}, chromedp.ByQuery))
	b.fill("#restore [name=passphrase]", "not the right one")
	b.press("#look")
	b.says("#rsaid", "口令不对")
	b.fill("#restore [name=passphrase]", carePassphrase)
	b.press("#look")
	b.says("#contents", "网关 gw-1")
	b.says("#contents", "摄像机 1")
	b.says("#contents", b.base)
	b.shot("restore")
	b.press("#replace")
	b.press("#replace")
	b.says("#restored", "已恢复")
	waitForSignIn(t, b.base)
	b.signIn()
	b.says("#lines", "摄像机 东门：在线")
	b.says("#alerts", "测试")
	if got := askWith(t, b.base, token, "alerts"); !strings.Contains(got, alert) {
		t.Errorf("the alert is not there after the restore: %s", got)
	}
	b.open("/audit")
	b.says("#entries", "恢复")
	b.open("/care")
	b.says("#usaid", "手工升级")
	b.until("nothing to go back to, since the box had no site", `old.hidden`)
	c, err := os.ReadFile(g2.config)
	if err != nil || !strings.Contains(string(c), "gw-1") {
		t.Errorf("the configuration: %s, %v", c, err)
	}
	undoInBrowser(t, b, g2, file)
}

// undoInBrowser restores once more, and takes that back.
func undoInBrowser(t *testing.T, b *browser, g *gateway, file string) {
	t.Helper()
	restored := func(n int) {
		t.Helper()
		for end := time.Now().Add(patience); strings.Count(g.log.String(), "the site is restored") < n; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not restored %d times", n)
			}
		}
		waitForSignIn(t, b.base)
		b.signIn()
	}
	const mine = "# by hand"
	c, err := os.ReadFile(g.config)
	if err = errors.Join(err, os.WriteFile(g.config, append(c, mine...), 0o600)); err != nil {
		t.Fatal(err)
	}
	b.open("/care")
	b.do(chromedp.SetUploadFiles("#restore [name=file]", []string{file}, chromedp.ByQuery))
	b.fill("#restore [name=passphrase]", carePassphrase)
	b.press("#look")
	b.says("#contents", "都保留")
	b.press("#replace")
	b.press("#replace")
	b.says("#restored", "已恢复")
	restored(2)
	if c, err := os.ReadFile(g.config); err != nil || strings.Contains(string(c), mine) {
		t.Errorf("the configuration is not the backup's: %s, %v", c, err)
	}
	b.open("/care")
	b.says("#oldtext", "gw-1")
	b.shot("undo")
	b.press("#undo")
	b.press("#undo")
	b.says("#undone", "正在换回")
	restored(3)
	if c, err := os.ReadFile(g.config); err != nil || !strings.Contains(string(c), mine) {
		t.Errorf("the configuration is not the one before: %s, %v", c, err)
	}
	b.says("#alerts", "测试")
}

// signIn signs in as who has set the box up.
func (b *browser) signIn() {
	b.t.Helper()
	b.open("/signin")
	b.fill("[name=name]", "王工")
	b.fill("[name=password]", pagePassword)
	b.press("button.main")
	b.says("h1", "概览")
}

// waitForSignIn waits until somebody can sign in, which nobody can on an empty box.
func waitForSignIn(t *testing.T, base string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/signin", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			continue // it begins again
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("nobody can sign in at the restored box")
}

// makeToken makes a token on the page, for looking.
func (b *browser) makeToken() string {
	b.t.Helper()
	b.open("/api")
	b.fill("#add [name=name]", "grafana")
	b.press("#add button.main")
	var token string
	b.until("a token", `secret.textContent.startsWith("sbx_")`)
	b.do(chromedp.Evaluate(`secret.textContent`, &token))
	b.says("#tokens", "grafana")
	b.do(chromedp.Evaluate(`secret.textContent = "sbx_…"`, nil))
	b.shot("api")
	return token
}

// askWith asks for the overview as a program does, and returns a part of it.
func askWith(t *testing.T, base, token, part string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/overview", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	return string(all[part])
}

// checkBundle looks into a support bundle with a program of others.
func checkBundle(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("unzip", "-p", file).CombinedOutput()
	if err != nil {
		t.Fatalf("unzip: %v", err)
	}
	for _, secret := range []string{camPass, pagePassword, carePassphrase, "p%40ss%3Aw%2Frd%2541%3F"} {
		if bytes.Contains(out, []byte(secret)) {
			t.Errorf("the support bundle has %s", secret)
		}
	}
	for _, want := range []string{"sentrybox runs", "integrity_check(20): ok", "support.goroutines(", "donghu"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the support bundle lacks %q", want)
		}
	}
}

// TestBackupByCommand backs a running gateway up, copies the site to another box by
// command, and has a running gateway take its own backup back.
func TestBackupByCommand(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	g := start(t, broker.URL(), `
gateway: {id: gw-1, street: donghu, community: meiyuan}
data: ${DATA}
web: {listen: ""}
uplink: {mqtt: [{url: "${BROKER}"}]}
`)
	old := g.mustRaise(2)
	dir := t.TempDir()
	pass, file := filepath.Join(dir, "pass"), filepath.Join(dir, "gw-1.sentrybox")
	if err := os.WriteFile(pass, []byte(carePassphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := sentrybox(args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		return string(out)
	}
	if got := run("backup", "--config", g.config, "--passphrase-file", pass, file); !strings.Contains(got, "1 alert (1 open)") {
		t.Errorf("backup says %s", got)
	}
	next := filepath.Join(dir, "next", "site.yaml")
	data := filepath.Join(dir, "next", "data")
	run("restore", "--config", next, "--data", data, "--passphrase-file", pass, "--yes", "--copy", "--gateway", "gw-2", "--street", "donghu", "--community", "taoyuan", file)
	if c, err := os.ReadFile(next); err != nil || !strings.Contains(string(c), "gw-2") || !strings.Contains(string(c), data) {
		t.Errorf("the copy: %s, %v", c, err)
	}
	run("check", "--config", next)
	later := g.mustRaise(1)
	if got := run("restore", "--config", g.config, "--passphrase-file", pass, "--yes", file); !strings.Contains(got, "its alerts stay") {
		t.Errorf("restore says %s", got)
	}
	hears(t, g.log, "the site is restored")
	g.mustRaise(3)
	again := filepath.Join(dir, "again.sentrybox")
	if got := run("backup", "--config", g.config, "--passphrase-file", pass, again); !strings.Contains(got, "3 alerts") {
		t.Errorf("an alert is lost: %s; there were %s and %s", got, old, later)
	}
	if out, err := sentrybox("restore", "--config", g.config, "--passphrase-file", g.config, "--show", file).CombinedOutput(); err == nil || !strings.Contains(string(out), "passphrase is wrong") {
		t.Errorf("a wrong passphrase: %v: %s", err, out)
	}
}

// TestLabelCode: a box that was made with a label is claimed with the code on it.
func TestLabelCode(t *testing.T) {
	dir := t.TempDir()
	file, serial := filepath.Join(dir, "label"), cmp.Or(boxid.Serial(""), "PF3XYZ")
	if out, err := sentrybox("label", "--file", file, "--serial", serial).Output(); err != nil || strings.Contains(string(out), "CODE") || !strings.Contains(string(out), "S/N "+serial) {
		t.Errorf("without a secret: %s, %v", out, err)
	}
	out, err := sentrybox("label", "--file", file, "--serial", serial, "--make").Output()
	_, code, ok := strings.Cut(string(out), "SET-UP CODE ")
	if err != nil || !ok || !strings.Contains(string(out), "https://sentrybox") {
		t.Fatalf("%s, %v", out, err)
	}
	if again, err := sentrybox("label", "--file", file).Output(); err != nil || !bytes.Equal(again, out) {
		t.Errorf("again: %s, %v", again, err)
	}
	at := freePort(t)
	g := &gateway{t: t, config: filepath.Join(dir, "config.yaml"), log: &logBuffer{}}
	t.Cleanup(g.stop)
	g.cmd = sentrybox("run", "--config", g.config, "--data", filepath.Join(dir, "data"), "--listen", at, "--label", file)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	console := g.setupCode()
	if strings.TrimSpace(code) == console || strings.Contains(g.log.String(), strings.TrimSpace(code)) {
		t.Errorf("the label's code is on the console: %s", g.log)
	}
	for given, want := range map[string]int{"AAAA-BBBB-CCCC": http.StatusForbidden, strings.TrimSpace(code): http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/setup/restore", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Setup-Code", given)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", given, res.StatusCode, want)
		}
	}
}
