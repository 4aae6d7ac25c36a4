package device

import (
	"math"
	"testing"

	"sentrybox/drivers/driver"
)

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		topic, payload string
		values         int
		first          float64
	}{
		{"sensors/th-1/temperature", " 21.5\n", 1, 21.5}, {"sensors/th-1/door", "OPEN", 1, 1}, {"sensors/th-1/door", "off", 1, 0},
		{"sensors/th-1", `{"rh":40,"name":"x","deep":{"a":1}}`, 1, 40}, {"sensors/th-1", `{"on":true}`, 1, 1},
		{"sensors/th-1", `{"name":"x"}`, 0, 0}, {"sensors/th-1", `[1]`, 0, 0}, {"sensors/th-1/x", "NaN", 0, 0}, {"sensors/a/b/c", "1", 0, 0},
	} {
		got, err := Plain(driver.Message{Section: c.topic, Data: []byte(c.payload)})
		if len(got) != c.values || (err == nil) != (c.values > 0) || len(got) > 0 && got[0].Number != c.first {
			t.Errorf("%s on %s: %v, %v", c.payload, c.topic, got, err)
		}
	}
}

// FuzzPlain: what strangers publish is a number, or an error.
func FuzzPlain(f *testing.F) {
	f.Add("sensors/a", []byte(`{"x":1,"y":true}`))
	f.Add("sensors/a/x", []byte("1e400"))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		got, err := Plain(driver.Message{Section: topic, Data: payload})
		if err == nil && (len(got) == 0 || len(got) > maxPlain) {
			t.Errorf("%d values", len(got))
		}
		for _, v := range got {
			if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
				t.Errorf("%v", v)
			}
		}
	})
}
