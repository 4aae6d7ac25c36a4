package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/uplink/mqtt/mqtttest"
)

// TestDamagedDatabase: what was raised without a line is sent although the
// database was destroyed meanwhile, and the duty room hears of that.
func TestDamagedDatabase(t *testing.T) {
	data := t.TempDir()
	stop := runApp(t, parse(t, data, "mqtt://127.0.0.1:1"))
	ids := []string{raise(t, data, 2), raise(t, data, 3)}
	stop()
	if err := os.WriteFile(filepath.Join(data, "sentrybox.db"), []byte("SQLite format 4, or whatever this is"), 0o600); err != nil {
		t.Fatal(err)
	}
	broker := startBroker(t)
	sub := mqtttest.Subscribe(t, broker, "sentrybox/#")
	runApp(t, parse(t, data, broker))
	for _, id := range ids {
		sub.WaitTopic(patience, "sentrybox/v1/donghu/梅园/岗-1/alert/community/"+id)
	}
	sub.Wait(patience, "the alert about the database", func(got []mqtttest.Message) bool {
		for _, m := range got {
			var a struct{ Kind, Code string }
			if strings.Contains(m.Topic, "/alert/") && json.Unmarshal(m.Payload, &a) == nil && a.Kind == "system" && a.Code == "store_restored" {
				return true
			}
		}
		return false
	})
	if aside, err := filepath.Glob(filepath.Join(data, "sentrybox.db.corrupt-*")); err != nil || len(aside) == 0 {
		t.Errorf("nothing was set aside, %v", err)
	}
}
