package homeassistant

import (
	"database/sql"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/store"
)

func messages(t *testing.T, p *Projection, devices ...Device) (all []Message) {
	t.Helper()
	err := p.Store.Tx(t.Context(), func(tx *sql.Tx) (err error) {
		all, err = p.Messages(t.Context(), tx, devices)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestMessages: each device is announced, and taken away when it is no more.
func TestMessages(t *testing.T) {
	st, err := store.Open(t.Context(), t.TempDir(), Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p := &Projection{Root: "homeassistant", Prefix: "sentrybox/v1/东湖/梅园/gw-1", Gateway: "gw-1", Store: st}
	gate, gw := Device{ID: "门-east", Kind: "camera"}, Device{ID: "gw-1", Kind: "gateway"}
	sensor := Device{ID: "th-1", Kind: "sensor", Quantities: []Quantity{{Name: "温度"}, {Name: `o'clock\`}}}
	own := Device{ID: "th-2", Kind: "sensor", Quantities: []Quantity{{Name: "rh", Own: true}}}
	all := messages(t, p, gw, gate, sensor)
	if len(all) != 3 {
		t.Fatalf("%d messages", len(all))
	}
	for i, m := range all {
		if !regexp.MustCompile(`^homeassistant/device/[A-Za-z0-9_]+/config$`).MatchString(m.Topic) {
			t.Errorf("topic %s", m.Topic)
		}
		var got struct {
			Dev  map[string]any `json:"dev"`
			O    map[string]any `json:"o"`
			Cmps map[string]map[string]string
			Avty string `json:"avty_t"`
		}
		if err := json.Unmarshal(m.Payload, &got); err != nil || got.Avty != p.Prefix+"/status" || got.O["name"] != "sentrybox" || len(got.Cmps) != 2 {
			t.Errorf("%s: %v", m.Payload, err)
		}
		if _, via := got.Dev["via_device"]; via != (i > 0) {
			t.Errorf("device %d: %v", i, got.Dev)
		}
		for _, c := range got.Cmps {
			if c["p"] == "" || c["uniq_id"] == "" || !strings.HasPrefix(c["stat_t"], p.Prefix+"/") || c["val_tpl"] == "" {
				t.Errorf("component %v", c)
			}
		}
	}
	if got := string(all[2].Payload); !strings.Contains(got, `value_json['温度']`) || !strings.Contains(got, `value_json['o\\'clock\\\\']`) {
		t.Errorf("templates of %s", got)
	}
	if m := messages(t, p, gw, gate, sensor, own); !strings.Contains(string(m[3].Payload), `/sensors/th-2/rh","val_tpl":"{{ value }}"`) {
		t.Errorf("%s", m[3].Payload)
	}
	own.Quantities = nil // it has not said anything since the start
	if m := messages(t, p, gw, gate, sensor, own, Device{ID: "silent", Kind: "sensor"}); len(m) != 3 {
		t.Errorf("%d messages", len(m))
	}
	again := messages(t, p, gw, sensor, own)
	if i := slices.IndexFunc(again, func(m Message) bool { return len(m.Payload) == 0 }); len(again) != 3 || i < 0 || again[i].Topic != p.Topic(gate.ID) {
		t.Errorf("%d messages, the empty one is %d", len(again), i)
	}
	off := &Projection{Prefix: p.Prefix, Gateway: "gw-1", Store: st}
	if roots, err := off.Roots(t.Context()); err != nil || !slices.Equal(roots, []string{"homeassistant"}) {
		t.Errorf("roots %v, %v", roots, err)
	}
	if gone := messages(t, off, gw); len(gone) != 3 || len(gone[0].Payload)+len(gone[1].Payload)+len(gone[2].Payload) != 0 {
		t.Errorf("after it was switched off: %v", gone)
	}
	if left := messages(t, off); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
