//go:build e2e

package e2e

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sentrybox/gateway/config"
	"sentrybox/uplink/linetest"
)

// into lets whoever connects to the returned address, on the loopback, reach one inside a
// host's network.
func into(t *testing.T, host *linetest.Host, addr string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := host.Dial(ctx, "tcp", addr)
			if err != nil { // the gateway begins again
				near.Close()
				continue
			}
			both := func(to, from net.Conn) { _, _ = io.Copy(to, from); to.Close(); from.Close() }
			go both(near, far)
			go both(far, near)
		}
	}()
	return l.Addr().String()
}

// startEmpty runs the gateway on the box without a configuration.
func (s *neighbourhood) startEmpty(t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	g := &gateway{t: t, config: filepath.Join(dir, "etc", "config.yaml"), log: &logBuffer{}}
	g.cmd = s.box.Command(filepath.Join(programs, "sentrybox"), "run", "--config", g.config, "--data", filepath.Join(dir, "data"))
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.stop()
		if strings.Contains(g.log.String(), findPassword) {
			t.Error("the cameras' password is in the log")
		}
		if t.Failed() {
			t.Logf("the gateway said:\n%s", g.log)
		}
	})
	return g
}

// mark marks or unmarks a device in the list.
func (b *browser) mark(address string) { b.press(`#found input[value="` + address + `"]`) }

// TestFirstCamera goes from an empty box to live pictures by the page alone: the first
// start, cameras found, a wrong password in words, several signed in to at once and added,
// and what is shown of one that the browser cannot play, and of one that stops.
func TestFirstCamera(t *testing.T) {
	s := newNeighbourhood(t)
	g := s.startEmpty(t)
	b := startBrowser(t, "https://"+into(t, s.box, "10.78.0.1:8443"))
	code := g.setupCode()
	b.open("/")
	b.says("h1", "第一次使用")
	b.fill("[name=code]", code)
	b.fill("[name=name]", "王工")
	b.fill("[name=password]", pagePassword)
	b.fill("[name=repeat]", pagePassword)
	b.fill("[name=street]", "东湖街道")
	b.fill("[name=community]", "梅园社区")
	b.until("the browser's timezone", `timezone.value !== ""`)
	b.shot("setup")
	b.press("button.main")
	b.says("h1", "添加摄像机")

	b.says("#found", "还没有设备")                                                          // the page's script runs
	for end, all := time.Now().Add(patience), false; !all && time.Now().Before(end); { // who answers has seconds, and may stand still
		b.do(chromedp.Evaluate(`$("jobtext").textContent = ""`, nil))
		b.press("#search")
		b.says("#jobtext", "完成")
		all = eval[bool](b, `["10.78.0.2", "10.78.0.4", "门口录像机"].every(s => $("found").innerText.includes(s))`)
	}
	b.says("#found", "10.78.0.2")
	b.says("#found", "门口录像机")
	b.press(`#found [aria-label$="10.78.0.4"]`) // ignored
	b.until("one device less", `!$("found").innerText.includes("10.78.0.4") && !$("ignoredbox").hidden`)
	b.mark("10.78.0.2")
	b.mark("10.78.0.3")
	b.fill("#signin [name=password]", "wrong-one")
	b.press("#go")
	b.says("#found .tried", "ONVIF, HTTP Digest：用户名或密码不对")
	b.says("#found .tried", "DVRIP, 0/0：用户名或密码不对")
	b.says("#jobtext", "完成")
	b.shot("refused")

	b.fill("#signin [name=password]", findPassword)
	b.press("#go")
	b.says("#cams", "640×360")
	b.says("#cams", "H.265")
	b.until("a picture of the camera, and of both channels of the recorder", `[...document.querySelectorAll("#cams img")].filter(i => i.naturalWidth > 0).length === 3`)
	var chosen string
	b.do(chromedp.Evaluate(`[...document.querySelectorAll("#cams > li")].map(l => l.querySelectorAll("select")[1].selectedOptions[0].text).join("; ")`, &chosen))
	if !strings.Contains(chosen, "320×240") || !strings.Contains(chosen, "推荐") {
		t.Errorf("chosen for analysis: %s", chosen)
	}
	b.fill("#cams > li:nth-child(1) [name=id]", "东门")
	b.fill("#cams > li:nth-child(2) [name=id]", "门口")
	b.press("#cams > li:nth-child(3) [name=add]") // not this one
	b.shot("add")
	b.onPhone("add-phone")
	b.press("#plan")
	b.says("#diff", "东门")
	b.says("#problems", "没有问题")
	b.press("#save")
	b.says("#said", "给 东门 画区域")
	c, err := config.Load(g.config)
	if err != nil || len(c.Cameras) != 2 || c.Gateway.Street != "东湖街道" {
		t.Fatalf("%+v, %v", c, err)
	}
	if info, err := os.Stat(g.config); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	// One that the browser plays: a still first, then live; when it stops, that is said.
	b.open("/camera/" + url.PathEscape("东门"))
	b.until("a still or video", `jpeg.naturalWidth > 0 || video.videoWidth > 0`)
	b.until("video", `video.videoWidth > 0 && video.currentTime > 0`)
	b.says("#live", "实时")
	s.streams.Close()
	b.says("#live", "画面已停")
	b.until("the mark on the picture", `!frozen.hidden`)
	if err := s.devices.Do(s.streams.Start); err != nil {
		t.Fatal(err)
	}
	b.says("#live", "实时")
	b.until("video again", `frozen.hidden && video.currentTime > 0`)
	b.shot("live")
	// One that it cannot play: stills, with their age.
	b.open("/camera/" + url.PathEscape("门口"))
	b.says("#live", "这个浏览器不能播放 H.265：改为静态画面")
	var first string
	b.until("a still", `jpeg.naturalWidth > 0`)
	b.do(chromedp.Evaluate(`jpeg.src`, &first))
	b.until("the next one", `jpeg.src !== `+strconv.Quote(first))
	b.shot("stills")
	b.open("/")
	b.says("#lines", "还没有通往值班室的线路")
	b.says("#lines", "摄像机 门口：在线")
}
