package board

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// classOf says as which the service's unit allows a device: the class of its driver in /proc/devices
// (Documentation/admin-guide/devices.txt), or a number or a path.
func classOf(device string) string {
	name := strings.TrimRight(filepath.Base(device), "0123456789")
	switch {
	case device == "/dev/watchdog": // 10:130, of the miscellaneous devices, whatever the driver
		return "/dev/char/10:130"
	case name == "video":
		return "char-video4linux"
	case name == "mpp_service":
		return device
	}
	return "char-" + name
}

// modules are the drivers that are there only once somebody needs them, by class.
var modules = map[string]string{
	"char-ttyUSB": "usbserial", "char-ttyACM": "cdc_acm", "char-alsa": "snd", "char-hidraw": "hid", "char-video4linux": "videodev",
	"char-media": "mc", "char-watchdog": "watchdog",
}

// TestUnit: what the boards have may be opened by the service as it is installed, and what is plugged in while it
// runs, too: systemd allows a class only if its driver is there when the service starts.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("../../packaging/sentrybox.service")
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]bool{}
	for line := range strings.Lines(string(unit)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "DeviceAllow" {
			says[value] = true
			continue
		}
		for word := range strings.FieldsSeq(value) {
			says[key+" "+word] = true
		}
	}
	all, err := Profiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		devices := []string{p.Watchdog.Device}
		if p.Decoder.Device != "" {
			devices = append(devices, p.Decoder.Device)
		}
		for _, s := range p.Serial {
			if !s.Console {
				devices = append(devices, s.Port)
			}
		}
		for _, d := range devices {
			if !says[classOf(d)+" rw"] {
				t.Errorf("%s: the unit does not allow %s as %s", p.ID, d, classOf(d))
			}
		}
	}
	for class, module := range modules {
		if !says[class+" rw"] || !says["Wants modprobe@"+module+".service"] || !says["After modprobe@"+module+".service"] {
			t.Errorf("the unit does not see to it that there is %s when it allows %s", module, class)
		}
	}
	rules, err := os.ReadFile("../../packaging/60-sentrybox.rules")
	if err != nil || !strings.Contains(string(rules), `SUBSYSTEM=="misc|watchdog", KERNEL=="watchdog*", GROUP="sentrybox"`) {
		t.Errorf("/dev/watchdog, of the miscellaneous devices, is not the service's: %v", err)
	}
}
