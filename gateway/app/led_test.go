package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	boards "sentrybox/gateway/board"
	"sentrybox/gateway/health"
	"sentrybox/gateway/led"
)

func TestLEDState(t *testing.T) {
	up, down := health.Uplink{Online: true}, health.Uplink{}
	for _, c := range []struct {
		stuck   []string
		uplinks []health.Uplink
		want    led.State
	}{
		{nil, nil, led.Well},
		{nil, []health.Uplink{down, up}, led.Well},
		{nil, []health.Uplink{down, down}, led.Away},
		{[]string{"store: x"}, []health.Uplink{up}, led.Stuck},
	} {
		if got := ledState(c.stuck, c.uplinks); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestBoardOfTree: the LED and the serial ports are those of the board that is there.
func TestBoardOfTree(t *testing.T) {
	root, log := t.TempDir(), slog.New(slog.DiscardHandler)
	for file, s := range map[string]string{
		"proc/device-tree/compatible": "raspberrypi,5-model-b\x00brcm,bcm2712\x00", "sys/class/leds/ACT/brightness": "0",
		"dev/ttyAMA0": "", "dev/ttyAMA10": "", "dev/ttyUSB0": "",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := ledName(root, "auto", log); got != "ACT" {
		t.Errorf("auto is %q", got)
	}
	if got := ledName(root, "", log); got != "" {
		t.Errorf("off is %q", got)
	}
	p := thisBoard(root, log)
	if got := heatLimits(p)["cpu-thermal"]; got != 80 {
		t.Errorf("slowed down at %d °C", got)
	}
	base := []string{"/dev/ttyAMA0", "/dev/ttyAMA10", "/dev/serial/by-id/usb-1"}
	if got := withBoard(base, root, p); !slices.Equal(got, []string{"/dev/serial/by-id/usb-1", "/dev/ttyAMA0"}) {
		t.Errorf("the board's ports: %v", got)
	}
	if got := withBoard(base, root, boards.Profile{}); len(got) != len(base) {
		t.Errorf("of a board that is not known: %v", got)
	}
}
