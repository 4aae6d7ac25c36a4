package config

import (
	"strings"
	"testing"
)

func TestWatchdogConfig(t *testing.T) {
	c, err := Parse("x.yaml", []byte(minimal("gw-1")+"watchdog: {device: /dev/watchdog, timeout: 15s}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Watchdog; w.Device != "/dev/watchdog" || w.Timeout != 15e9 || w.Patience != 120e9 {
		t.Errorf("%+v", w)
	}
	_, err = Parse("x.yaml", []byte(minimal("gw-1")+"watchdog: {timeout: 1s, patience: 1s}\n"), nil)
	if err == nil || strings.Count(err.Error(), "watchdog.") != 2 {
		t.Errorf("%v", err)
	}
}
