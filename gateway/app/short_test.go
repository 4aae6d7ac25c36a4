package app

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"sentrybox/gateway/config"
	"sentrybox/uplink/shortform"
)

// TestSMSText: what happened, when and the end of the id are there however long
// the names are, in two parts at most.
func TestSMSText(t *testing.T) {
	w := &smsWay{cfg: config.SMS{}, number: "+8613800138000", location: time.FixedZone("CST", 8*3600)}
	a := shortform.Alert{
		ID: "01KB2S3T4V5W6X7Y8Z9ABCDEFG", Kind: "intrusion", Device: "gate-east", Zone: "gate", Severity: 1,
		Detected: time.Date(2026, 3, 1, 12, 30, 5, 0, time.UTC), Synced: true,
	}
	if got, want := w.text(a), "【岗亭】闯入，1级，gate-east gate，03-01 20:30:05，编号9ABCDEFG"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a.Synced, a.Zone = false, config.AllZones
	if got, want := w.text(a), "【岗亭】闯入，1级，gate-east，?，编号9ABCDEFG"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	a.Device, a.Zone = strings.Repeat("东", 100), strings.Repeat("门", 100)
	got := w.text(a)
	if n := len(utf16.Encode([]rune(got))); n > maxText || n < maxText-2 || !strings.HasSuffix(got, "编号9ABCDEFG") || !strings.Contains(got, "闯入") {
		t.Errorf("%d units: %q", n, got)
	}
}
