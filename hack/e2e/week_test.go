//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestAWeekWithoutALine leaves a gateway a week's backlog, a million points and
// 500 alerts, and gives it its line back: the alerts are with Mosquitto before the
// metrics, and of these every reading is accounted for.
func TestAWeekWithoutALine(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "sentrybox-") // a week of files goes through it
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const minutes, sensors, alerts = 7 * 24 * 60, 100, 500
	d := newDay(t, filepath.Join(dir, "data"), time.Now().Add(-minutes*time.Minute))
	for m, done := 0, 0; m < minutes; m++ {
		d.minute(sensors, 0)
		for ; done < (m+1)*alerts/minutes; done++ {
			d.alert(done)
		}
	}
	d.close()
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	began := time.Now()
	g := start(t, mosquitto.URL(), strings.ReplaceAll(head, "${DATA}", filepath.Join(dir, "data")))
	var alertsAt time.Duration
	seen, readings := 0, 0
	got := sub.Wait(3*time.Minute, "arrival of every reading", func(got []mqtttest.Message) bool {
		readings += weekReadings(t, got[seen:])
		seen = len(got)
		if alertsAt == 0 && len(alertOrder(got)) >= alerts {
			alertsAt = time.Since(began)
		}
		return readings >= minutes*sensors
	})
	t.Logf("the alerts took %v, everything %v", alertsAt.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if readings != minutes*sensors {
		t.Errorf("%d readings arrived, want %d: some came twice", readings, minutes*sensors)
	}
	order := alertOrder(got)
	if early := order[alerts-1] - alerts; early > 2 { // the status, and what was on its way
		t.Errorf("%d other messages came before the last of the alerts", early)
	}
	g.stop()
}

// alertOrder returns where the first of each alert stands among the messages.
func alertOrder(messages []mqtttest.Message) (at []int) {
	seen := map[string]bool{}
	for i, m := range messages {
		if strings.Contains(m.Topic, "/alert/") && !seen[m.Topic] {
			seen[m.Topic] = true
			at = append(at, i)
		}
	}
	return at
}

// weekReadings returns how many readings of the sensors the metrics stand for.
func weekReadings(t testing.TB, messages []mqtttest.Message) (n int) {
	t.Helper()
	for _, m := range messages {
		if !strings.HasSuffix(m.Topic, "/metrics") {
			continue
		}
		var b struct {
			Series []struct {
				Name string
				V    []float64
				N    []int
			}
		}
		if err := json.Unmarshal(m.Payload, &b); err != nil {
			t.Fatalf("metrics %q: %v", m.Payload, err)
		}
		for _, s := range b.Series {
			switch {
			case s.Name != "temperature":
			case len(s.N) == 0:
				n += len(s.V)
			default:
				for _, c := range s.N {
					n += c
				}
			}
		}
	}
	return n
}
