package config

import "testing"

func TestHomeAssistant(t *testing.T) {
	if c := mustParse(t, head+"home_assistant: {prefix: homeassistant}\n"); c.HomeAssistant.Prefix != "homeassistant" {
		t.Errorf("got %+v", c.HomeAssistant)
	}
	for _, bad := range []string{"a//b", "a/#", "$SYS", "/a"} {
		if _, err := Parse("a.yaml", []byte(head+"home_assistant: {prefix: "+bad+"}\n"), nil); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
