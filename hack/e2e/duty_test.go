//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"sentrybox/gateway/password"
	"sentrybox/uplink/mqtt/mqtttest"
)

const dutyPassword = "值班室的密码"

// console is a running `sentrybox duty`.
type console struct {
	t      testing.TB
	config string
	url    string
	cmd    *exec.Cmd
	log    *logBuffer
}

// startConsole runs a console on a config, whose ${DATA}, ${HASH} and ${PORT} are replaced.
func startConsole(t testing.TB, doc string) *console {
	t.Helper()
	dir := t.TempDir()
	port := mqtttest.FreePort(t)
	doc = strings.NewReplacer("${DATA}", filepath.Join(dir, "data"), "${HASH}", password.New(dutyPassword), "${PORT}", fmt.Sprint(port)).Replace(doc)
	c := &console{t: t, config: filepath.Join(dir, "duty.yaml"), url: fmt.Sprintf("http://127.0.0.1:%d", port), log: &logBuffer{}}
	if err := os.WriteFile(c.config, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("the console said:\n%s", c.log)
		}
	})
	c.run()
	return c
}

func (c *console) run() {
	c.t.Helper()
	c.cmd = sentrybox("duty", "--config", c.config)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.await("the console listens", func() bool {
		res, err := http.Get(c.url + "/signin")
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode == http.StatusOK
	})
}

func (c *console) await(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("not in time: %s", what)
		}
	}
}

// kill is kill -9.
func (c *console) kill() {
	if c.cmd != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

// dutyClient is a browser without a page.
type dutyClient struct {
	*http.Client
	c    *console
	csrf string
}

func (c *console) signIn() *dutyClient {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	d := &dutyClient{Client: &http.Client{Jar: jar, Timeout: patience}, c: c}
	res, err := d.PostForm(c.url+"/signin", url.Values{"name": {"duty"}, "password": {dutyPassword}})
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(res.Body); err != nil {
		c.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(buf.String(), `name="csrf" content="`)
	d.csrf, _, _ = strings.Cut(rest, `"`)
	if res.StatusCode != http.StatusOK || d.csrf == "" {
		c.t.Fatalf("sign in: %s", res.Status)
	}
	return d
}

// call asks the console's API and decodes its answer.
func (d *dutyClient) call(method, path string, body, into any) int {
	d.c.t.Helper()
	var buf bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&buf).Encode(body); err != nil {
			d.c.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, d.c.url+path, &buf)
	if err != nil {
		d.c.t.Fatal(err)
	}
	req.Header.Set("X-CSRF-Token", d.csrf)
	res, err := d.Do(req)
	if err != nil {
		d.c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			d.c.t.Fatalf("%s: %s: %v", path, res.Status, err)
		}
	}
	return res.StatusCode
}

type dutyAlert struct {
	ID, State, What, By string
	Severity            int
	Pending             []struct{ ID, Action string }
}

func (d *dutyClient) open() (all []dutyAlert) {
	d.c.t.Helper()
	var state struct{ Cards []dutyAlert }
	if code := d.call("GET", "/api/state", nil, &state); code != http.StatusOK {
		d.c.t.Fatalf("state: %d", code)
	}
	return state.Cards
}

func (d *dutyClient) state(id string) string {
	for _, a := range d.open() {
		if a.ID == id {
			return a.State
		}
	}
	return ""
}

const dutyConfig = `name: 梅苑社区值班室
data: ${DATA}
listen: 127.0.0.1:${PORT}
timezone: Asia/Shanghai
level: community
brokers: [{url: "BROKER"}]
users: [{name: duty, role: supervisor, hash: "${HASH}"}]
people: [王阿姨, 李叔]
`

const dutyGateway = `gateway: {id: gw-1, street: 东湖街道, community: 梅苑社区}
data: ${DATA}
web: {listen: "127.0.0.1:0"}
uplink: {mqtt: [{url: "${BROKER}"}]}
plans:
  any: {call: [{name: 物业, phone: 027-88880000}, {name: 派出所, phone: "110"}], steps: [先看有没有人受伤, 再打电话给物业]}
`

// TestDutyPage: an alert is on the page, is acknowledged in two presses, and a second browser follows; the page
// says so when the broker is gone.
func TestDutyPage(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	c := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1))
	g := start(t, m.URL(), dutyGateway)
	b := startBrowser(t, c.url)
	b.signInDuty(c)
	b.shot("duty-shift")
	b.pressText("#shift", "王阿姨")
	b.until("no alerts yet", `!document.getElementById('none').hidden`)
	other := startBrowser(t, c.url)
	other.signInDuty(c)
	other.pressText("#shift", "李叔")

	g.mustRaise(2)
	b.until("the alert", `document.querySelectorAll('.card').length === 1`)
	if text := eval[string](b, `document.querySelector('.card').innerText`); !strings.Contains(text, "测试") || !strings.Contains(text, "027-88880000") || !strings.Contains(text, "应答还剩") {
		t.Errorf("the card says %q", text)
	}
	if size := eval[float64](b, `Math.min(...[...document.querySelectorAll('.card .act')].map(e => e.getBoundingClientRect().height))`); size < 60 {
		t.Errorf("a button is %v px high", size)
	}
	if sound := eval[bool](b, `!tone.silent() && document.getElementById('mute').hidden`); !sound {
		t.Error("the page is silent")
	}
	b.shot("duty-alert")
	b.pressText(".card", "收到") // the one press of two that are allowed
	for _, w := range []*browser{b, other} {
		w.until("acknowledged", `document.querySelector('.card').innerText.includes('已收到') && document.querySelector('.card').innerText.includes('王阿姨')`)
	}
	other.pressText(".card", "已派人")
	other.until("asks whom", `!!document.querySelector('.draft input')`)
	other.fill(".draft input", "小赵")
	other.pressText(".draft", "已派人")
	b.until("dispatched", `document.querySelector('.card').innerText.includes('小赵')`)
	b.pressText(".card", "已处理")
	b.pressText(".draft", "已处理")
	b.until("can be taken back", `(undo => undo && (undo.click(), true))([...document.querySelectorAll('.pending button')].find(b => b.textContent.startsWith('撤回')))`)
	b.until("taken back", `!document.querySelector('.pending')`)
	b.pressText(".card", "已处理")
	b.pressText(".draft", "已处理")
	b.until("handled", `document.querySelectorAll('.card').length === 0`)
	other.until("handled", `document.querySelectorAll('.card').length === 0`)

	m.Stop()
	b.until("the broker is gone", `!document.getElementById('banner').hidden && document.getElementById('banner').innerText.includes('收不到告警')`)
	if bad := eval[bool](b, `document.getElementById('icon').getAttribute('href').includes('bad')`); !bad {
		t.Error("the icon does not say so")
	}
	b.shot("duty-lost")
	m.Start()
	b.until("it is back", `document.getElementById('banner').hidden`)
	c.kill()
	b.until("the console is gone", `!document.getElementById('banner').hidden && document.getElementById('banner').innerText.includes('旧消息')`)
	c.run()
	b.until("the console is back", `document.getElementById('banner').hidden`)

	g.mustRaise(1)
	g.mustRaise(3)
	b.until("two alerts", `document.querySelectorAll('.card').length === 2`)
	b.size(390, 844)
	b.shot("duty-phone")
	if wide := eval[bool](b, `document.documentElement.scrollWidth > window.innerWidth`); wide {
		t.Error("the page is wider than a phone")
	}
	b.size(1366, 900)
	b.visit(c.url+"/?lang=en", "#shift")
	b.pressText("#shift", "王阿姨")
	b.until("two alerts", `document.querySelectorAll('.card').length === 2`)
	b.shot("duty-english")
	b.visit(c.url+"/report?lang=zh", "table")
	b.shot("duty-report")
	b.onPhone("duty-report-phone")
	var pdf []byte
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if !bytes.HasPrefix(pdf, []byte("%PDF")) || !bytes.Contains(pdf, []byte("/MediaBox [0 0 595")) && !bytes.Contains(pdf, []byte("/MediaBox [0 0 594")) {
		t.Errorf("the report is not printed on A4: %d bytes", len(pdf))
	}
	b.visit(c.url+"/card", "ol")
	b.shot("duty-card")
	b.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n != 1 {
		t.Errorf("the card has %d pages", n)
	}
	b.visit(c.url+"/history", "#rows tr")
	b.pressText("#rows tr:first-child", "查看")
	b.until("what became of it", `document.querySelectorAll('#one li').length > 0`)
	b.until("one is counted as one", `(texts.probe = '{0} {0|alert|alerts}, {1} {1|card|cards}', t('probe', 1, 2) === '1 alert, 2 cards' && t('probe', 2, 1) === '2 alerts, 1 card')`)
	b.shot("duty-history")
	b.onPhone("duty-history-phone")
}

func (b *browser) signInDuty(c *console) {
	b.t.Helper()
	b.visit(c.url+"/", "input[name=password]")
	b.fill("input[name=name]", "duty")
	b.fill("input[name=password]", dutyPassword)
	b.press("form[action='/signin'] button")
	b.shows("#shift .person")
}

// pressText clicks the button with a text, within what a selector finds.
func (b *browser) pressText(within, text string) {
	b.t.Helper()
	// Pressed as a person does: a page may sound only then.
	b.pressOn("the button "+text, fmt.Sprintf(`[...document.querySelectorAll(%q)].find(b => b.textContent.trim() === %q && b.getClientRects().length)`, within+" button", text))
}

// eval returns what JavaScript says.
func eval[T any](b *browser, expression string) (v T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

// size makes the window as large as a screen.
func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do(emulation.SetDeviceMetricsOverride(width, height, 1, width < 600))
}

// TestUnanswered: an alert that nobody answers is at the street's level when its time is over, though the
// gateway was killed and the line was down meanwhile; and the street's console answers it, also while
// the gateway is off.
func TestUnanswered(t *testing.T) {
	m := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	street := startConsole(t, strings.NewReplacer("BROKER", m.URL(), "level: community", "level: street").Replace(dutyConfig)).signIn()
	community := startConsole(t, strings.Replace(dutyConfig, "BROKER", m.URL(), 1)).signIn()
	line := mqtttest.NewLine(t, m.Addr())
	const within = 12 * time.Second
	g := start(t, "mqtt://"+line.Addr(), dutyGateway+"alerts: {respond_within: 12s, handle_within: 30m}\n")
	before := time.Now()
	id := g.mustRaise(2)
	raised := time.Now()
	wait := func(what string, ok func() bool) {
		t.Helper()
		community.c.await(what, ok)
	}
	wait("the community has it", func() bool { return community.state(id) == "raised" })
	line.Down(true)
	line.Cut()
	if got := street.state(id); got != "" && time.Since(before) < within-time.Second { // else the machine was slow
		t.Errorf("the street has it too early: %s", got)
	}
	g.kill()
	time.Sleep(2 * time.Second)
	g.run()
	time.Sleep(within + time.Second - time.Since(raised)) // it is over, without a line
	line.Down(false)
	wait("the street has it", func() bool { return street.state(id) == "raised" })

	g.kill()
	if code := street.call("POST", "/api/answer", map[string]any{"alerts": []string{id}, "action": "ack"}, nil); code != http.StatusOK {
		t.Fatalf("answer: %d", code)
	}
	time.Sleep(2 * time.Second)
	if got := street.state(id); got != "raised" {
		t.Errorf("it looks answered before its gateway knows: %s", got)
	}
	g.run()
	for _, d := range []*dutyClient{street, community} {
		wait("both rooms see the answer", func() bool { return d.state(id) == "acknowledged" })
	}
}
