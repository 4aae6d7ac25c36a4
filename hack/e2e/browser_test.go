//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sentrybox/uplink/mqtt/mqtttest"
)

// browser is a real one, without a window.
type browser struct {
	t    testing.TB
	ctx  context.Context
	base string
}

// startBrowser starts a browser that looks at base. What a page says on its console as an
// error fails the test: a policy that is violated and a script that breaks are told there.
func startBrowser(t testing.TB, base string) *browser {
	t.Helper()
	// The browser is killed with the thread that started it (prctl(2), PR_SET_PDEATHSIG),
	// and threads that were in another network namespace end early.
	goruntime.LockOSThread()
	dir, err := os.MkdirTemp(programs, "browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its children write for a little after it has ended
		eventually(t, "an end of what the browser keeps", func() bool { return os.RemoveAll(dir) == nil })
	})
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(dir),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(patience))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, base: base}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("a script breaks: %s", e.ExceptionDetails.Error())
		case *cdplog.EventEntryAdded:
			// A connection that ends with the gateway is no fault of the page.
			if e.Entry.Level == cdplog.LevelError && !strings.Contains(e.Entry.Text, "net::ERR_") && !strings.Contains(e.Entry.Text, "status of 4") {
				t.Errorf("the browser complains: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	})
	if err := chromedp.Run(ctx); err != nil { // the browser lives as long as the context of the first Run
		t.Fatalf("start Chromium: %v", err)
	}
	b.do(cdplog.Enable(), emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		text := ""
		if errors.Is(err, context.DeadlineExceeded) {
			_ = chromedp.Run(b.ctx, chromedp.Evaluate("document.body.innerText", &text))
		}
		b.t.Fatalf("the browser: %v; the page says: %s", err, text)
	}
}

// open opens a page.
func (b *browser) open(path string) {
	b.t.Helper()
	b.visit(b.base+path, "#main")
}

// visit goes to a URL and waits until an element is shown. Everything is asked of the page's
// JavaScript: chromedp's own waits hold on to nodes of the page before and can hang.
func (b *browser) visit(url, selector string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`document.left = true`, nil), chromedp.ActionFunc(func(ctx context.Context) error {
		_, _, problem, _, err := page.Navigate(url).Do(ctx)
		if err == nil && problem != "" {
			err = errors.New(problem)
		}
		return err
	}))
	b.until("the page "+url, `!document.left && document.readyState === "complete"`)
	b.shows(selector)
}

// shown is JavaScript for the element of a selector if it is to be seen, and else null.
func shown(selector string) string {
	quoted, _ := json.Marshal(selector)
	return `(e => e && e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible" ? e : null)(document.querySelector(` + string(quoted) + `))`
}

// shows waits until the first element of a selector is to be seen.
func (b *browser) shows(selector string) {
	b.t.Helper()
	b.until(selector, shown(selector))
}

// fill types into a field that has been emptied.
func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.until(selector, `(e => { if (!e || e.disabled || !(`+ready+`)) return false; e.focus(); e.value = ""; return document.activeElement === e; })(`+shown(selector)+`)`)
	b.do(chromedp.KeyEvent(text))
}

// ready is true of a page whose scripts have run, so that they hear of what is done to it.
const ready = `performance.getEntriesByType("navigation")[0]?.domContentLoadedEventEnd > 0`

// place says where an element is, once nothing lies over it, and has the page remember whether it is clicked.
const place = `((find, e = find()) => {
	if (!e || e.disabled || !(` + ready + `)) return null;
	e.scrollIntoViewIfNeeded();
	const r = e.getClientRects()[0], X = r.x + r.width / 2, Y = r.y + r.height / 2, hit = document.elementFromPoint(X, Y);
	const is = (e, t) => e && t && (e.contains(t) || t.closest?.("label")?.control === e);
	if (!hit || !is(e, hit) && !hit.contains(e)) return null;
	document.clicked = false;
	document.addEventListener("click", ev => { document.clicked ||= ev.target === hit || is(e, ev.target) || is(find(), ev.target); }, {capture: true, once: true});
	return [X, Y];
})`

// press clicks with the mouse at an element that can be reached there.
func (b *browser) press(selector string) {
	b.t.Helper()
	b.pressOn(selector, shown(selector))
}

// pressOn clicks at the element that an expression finds, as soon as there is one. What moves or is made anew while
// the mouse is on its way is clicked at again.
func (b *browser) pressOn(what, element string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var at []float64
		if b.do(chromedp.Evaluate(place+`(() => `+element+`)`, &at)); len(at) != 2 {
			continue
		}
		b.do(chromedp.MouseClickXY(at[0], at[1]))
		clicked := true // of another page: the click has led there
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(`document.clicked !== false`, &clicked)); err != nil || clicked {
			return
		}
	}
	b.t.Fatalf("%s cannot be pressed; the page says:\n%s", what, eval[string](b, "document.body.innerText"))
}

// until waits until an expression is true of the page.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		got := false
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err := chromedp.Run(ctx, chromedp.Evaluate("Boolean("+expression+")", &got))
		cancel()
		if err == nil && got {
			return
		}
		if time.Now().After(end) {
			text := ""
			_ = chromedp.Run(b.ctx, chromedp.Evaluate("document.body.innerText", &text))
			b.t.Fatalf("the page never has %s (%v); it says:\n%s", what, err, text)
		}
	}
}

// says waits until an element has a text.
func (b *browser) says(selector, text string) {
	b.t.Helper()
	s, _ := json.Marshal(selector)
	w, _ := json.Marshal(text)
	b.until(text, "[...document.querySelectorAll("+string(s)+")].some(e => e.innerText.includes("+string(w)+"))")
}

// shot takes a picture of the page into the folder that SCREENSHOTS names, if it does.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	b.do(chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// onPhone looks at the page on a small screen, where nothing may stick out, and comes back.
func (b *browser) onPhone(name string) {
	b.t.Helper()
	b.do(emulation.SetDeviceMetricsOverride(390, 844, 1, true))
	b.until("a page as wide as a phone", `document.documentElement.clientWidth === 390 && document.documentElement.scrollWidth <= 390`)
	b.shot(name)
	b.do(emulation.SetDeviceMetricsOverride(1280, 900, 1, false))
}

// freePort returns an address that nobody listens on, by TCP or UDP, and that the kernel gives to nobody.
func freePort(t testing.TB) string { return fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t)) }

// setupCode waits for the one-time code that the gateway says on its console.
func (g *gateway) setupCode() string {
	g.t.Helper()
	code := regexp.MustCompile(`code=([A-Z0-9-]{14})`)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if m := code.FindStringSubmatch(g.log.String()); m != nil {
			return m[1]
		}
	}
	g.t.Fatal("no one-time code on the console")
	return ""
}
