package config

import (
	"strings"
	"testing"
)

var ledMistakes = []mistake{
	{"LED's path", head + "led: ../x\n", `4: led: must be auto, or a name in /sys/class/leds`},
}

func TestLEDConfig(t *testing.T) {
	for _, name := range []string{"auto", "ACT", "blue:user"} {
		c, err := Parse("x.yaml", []byte(minimal("gw-1")+"led: "+name+"\n"), nil)
		if err != nil || c.LED != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"../x", "a/b", "..", `"a b"`} {
		if _, err := Parse("x.yaml", []byte(minimal("gw-1")+"led: "+name+"\n"), nil); err == nil || !strings.Contains(err.Error(), "led") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
