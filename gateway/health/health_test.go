package health

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/store"
	"sentrybox/uplink/outbox"
)

func monitor(t *testing.T) *Monitor {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Migration{Component: "outbox", Steps: outbox.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	box, err := outbox.New(t.Context(), st.DB(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Monitor{Store: st, Outbox: box, Now: time.Now, Started: time.Now(),
		Uplinks: func() []Uplink { return []Uplink{{Name: "4g", Online: true, Sent: 17}} },
		More: func(_ context.Context, add func(map[string]string, string, float64)) error {
			add(map[string]string{"device": `th "1"`, "quantity": "温度"}, "reading", 21.5)
			return nil
		}}
}

// TestEveryNameIsKnown: what is sampled is described.
func TestEveryNameIsKnown(t *testing.T) {
	m := monitor(t)
	m.Delivery.Observe(time.Second)
	points, err := m.Points(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if strings.HasPrefix(p.Name, Delivery+"_") || strings.HasPrefix(p.Name, Decision+"_") {
			continue
		}
		i := slices.IndexFunc(Metrics(), func(k Metric) bool { return k.Name == p.Name })
		if i < 0 {
			t.Errorf("%s is not described", p.Name)
			continue
		}
		for l := range p.Labels {
			if !slices.Contains(Metrics()[i].Labels, l) {
				t.Errorf("%s has the label %s", p.Name, l)
			}
		}
	}
}

func TestPage(t *testing.T) {
	m := monitor(t)
	for _, d := range []time.Duration{-time.Second, 90 * time.Millisecond, 4 * time.Second, 48 * time.Hour} {
		m.Delivery.Observe(d)
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	page, _ := io.ReadAll(w.Body)
	for _, want := range []string{
		"# TYPE sentrybox_alerts_open gauge\nsentrybox_alerts_open 0\n",
		"# TYPE sentrybox_uplink_sent_bytes counter\nsentrybox_uplink_sent_bytes{uplink=\"4g\"} 17\n",
		`sentrybox_outbox_depth{lane="alert"} 0`, `sentrybox_reading{device="th \"1\"",quantity="温度"} 21.5`,
		"# TYPE sentrybox_alert_delivery_seconds histogram\n", `sentrybox_alert_delivery_seconds_bucket{le="0.1"} 2`,
		`sentrybox_alert_delivery_seconds_bucket{le="5"} 3`, `sentrybox_alert_delivery_seconds_bucket{le="+Inf"} 4`, "sentrybox_alert_delivery_seconds_count 4",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestDashboard: every metric that the Grafana dashboard names exists, and every
// metric that exists is on it.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile("../../hack/grafana/sentrybox.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	exists := []string{Delivery + "_bucket", Decision + "_bucket"}
	for _, k := range Metrics() {
		exists = append(exists, k.Name)
	}
	named, shown := regexp.MustCompile(Prefix+`([a-z_]+)`), map[string]bool{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, found := range named.FindAllStringSubmatch(target.Expr, -1) {
				shown[found[1]] = true
				if !slices.Contains(exists, found[1]) {
					t.Errorf("the dashboard names %s, which does not exist", found[0])
				}
			}
		}
	}
	for _, name := range exists {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

func TestReadings(t *testing.T) {
	var r Readings
	now := time.Unix(1_770_000_000, 0)
	for topic, payload := range map[string]string{
		"sensors/th-1/temperature": "21.5", "sensors/door": `{"open":true,"battery":3.1,"name":"x","deep":{"a":1}}`, "sensors/a/b": "nan", "sensors/a/c": "hello",
		"sensors/a/b/c": "1", "sensors/x": "[1]", "sensors/lamp/on": "OFF",
	} {
		r.Take(topic, []byte(payload), now)
	}
	got := map[string]float64{}
	r.Each(now, func(device, quantity string, _ bool, v float64) { got[device+" "+quantity] = v })
	if len(got) != 4 || got["th-1 temperature"] != 21.5 || got["door open"] != 1 || got["door battery"] != 3.1 || got["lamp on"] != 0 {
		t.Errorf("got %v", got)
	}
	for i := range 3 * maxReadings {
		r.put("d", string(rune('a'+i%26))+le(float64(i)), true, 1, now)
	}
	if len(r.last) != maxReadings {
		t.Errorf("%d readings are kept", len(r.last))
	}
	later := now.Add(2 * readingsFresh)
	r.put("new", "q", true, 1, later)
	n := 0
	r.Each(later, func(string, string, bool, float64) { n++ })
	if n != 1 || len(r.last) != 1 {
		t.Errorf("%d fresh of %d", n, len(r.last))
	}
}
