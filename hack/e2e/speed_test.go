//go:build e2e

package e2e

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"sentrybox/drivers/rtsp/rtsptest"
)

// TestPagesAreFast loads every page without a cache and prints how long it takes, from loopback, until all
// that it is made of is there. It bounds only what no machine excuses.
func TestPagesAreFast(t *testing.T) {
	b := sightPage(t, rtsptest.Camera{Clip: rtsptest.File(walker(t, "h264"))}, "")
	b.do(network.Enable(), network.SetCacheDisabled(true))
	for _, path := range []string{"/", "/cameras", "/camera/" + url.PathEscape("东门"), "/settings", "/config", "/users", "/audit", "/logs", "/me"} {
		best := time.Hour
		var said struct{ Wait, Load, Bytes, Files float64 }
		for range 3 {
			var got string
			b.open(path)
			b.until("its load", `performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
			b.do(chromedp.Evaluate(`(() => { const n = performance.getEntriesByType("navigation")[0], all = performance.getEntriesByType("resource").filter(r => r.name.includes("/assets/"));
				return JSON.stringify({Wait: n.responseStart - n.requestStart, Load: n.loadEventEnd - n.startTime,
					Bytes: n.encodedBodySize + all.reduce((s, r) => s + r.encodedBodySize, 0), Files: all.length}); })()`, &got))
			one := said
			if err := json.Unmarshal([]byte(got), &one); err != nil {
				t.Fatal(err)
			}
			if took := time.Duration(one.Load * float64(time.Millisecond)); took < best {
				best, said = took, one
			}
		}
		t.Logf("%-28s %4.0f ms until loaded, %3.0f ms of them the server's, %3.0f KB in %.0f files", path, said.Load, said.Wait, said.Bytes/1000, said.Files)
		if best > time.Minute {
			t.Errorf("%s takes %v", path, best)
		}
	}
}
