//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/mqtt/mqtttest"
)

// victoria starts VictoriaMetrics, which takes InfluxDB's writes.
func victoria(t *testing.T) (addr string) {
	t.Helper()
	addr = fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "victoria-metrics", "-httpListenAddr="+addr, "-storageDataPath="+t.TempDir(), "-search.latencyOffset=1s")
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("VictoriaMetrics said:\n%s", log)
		}
	})
	return addr
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// until asks for a page until it has what is wanted.
func until(t *testing.T, d time.Duration, url string, wanted ...string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		got = fetch(t, url)
		ok := true
		for _, w := range wanted {
			ok = ok && strings.Contains(got, w)
		}
		if ok {
			return
		}
	}
	t.Fatalf("no %q at %s, but\n%s", wanted, url, got)
}

// TestMetrics: the same names at /metrics and, written as to InfluxDB, in
// VictoriaMetrics; no secret in either.
func TestMetrics(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	db, listen := victoria(t), fmt.Sprintf("127.0.0.1:%d", mqtttest.FreePort(t))
	g := start(t, broker.URL(), head+fmt.Sprintf(`
metrics:
  listen: %q
  influx: {url: "http://%s", org: o, bucket: b, token: s3cret-token}
`, listen, db))
	g.mustRaise(2)
	page := "http://" + listen + "/metrics"
	until(t, patience, page, "sentrybox_alerts_open 1", `sentrybox_alert_delivery_seconds_bucket{le="+Inf"} 1`,
		`sentrybox_outbox_depth{lane="alert"} 0`, `sentrybox_uplink_online{uplink="mqtt-1"} 1`)
	query := "http://" + db + "/api/v1/query?query=" + url.QueryEscape(`sentrybox_alerts_open{gateway="gw-1",street="donghu"}`)
	until(t, patience, query, `"sentrybox_alerts_open"`)
	eventually(t, "ten names in VictoriaMetrics", func() bool {
		var names struct{ Data []string }
		return json.Unmarshal([]byte(fetch(t, "http://"+db+"/api/v1/label/__name__/values")), &names) == nil && len(names.Data) >= 10
	})
	if page := fetch(t, page); strings.Contains(page, "s3cret") || strings.Contains(g.log.String(), "s3cret") {
		t.Error("the token is on the page or in the log")
	}
}
