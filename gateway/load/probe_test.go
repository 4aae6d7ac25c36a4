package load

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree lays out files as they are on a box and returns its root, to be put in front of /.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, files)
	return root
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func zoneFiles(temp string) map[string]string {
	const z = "sys/class/thermal/thermal_zone0/"
	return map[string]string{z + "type": "cpu-thermal", z + "temp": temp,
		z + "trip_point_0_type": "active", z + "trip_point_0_temp": "50000",
		z + "trip_point_1_type": "passive", z + "trip_point_1_temp": "80000",
		z + "trip_point_2_type": "critical", z + "trip_point_2_temp": "110000"}
}

func TestHotProbe(t *testing.T) {
	const cool, freq, pi = "sys/class/thermal/cooling_device", "sys/devices/system/cpu/cpufreq/policy0/", "sys/devices/platform/soc/soc:firmware/get_throttled"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing there":     {nil, ""},
		"warm":              {zoneFiles("79900"), ""},
		"hot":               {zoneFiles("83250"), "cpu-thermal is at 83 °C"},
		"no number":         {zoneFiles("much"), ""},
		"a fan":             {map[string]string{cool + "0/type": "pwm-fan", cool + "0/cur_state": "3"}, ""},
		"cooling, idle":     {map[string]string{cool + "0/type": "thermal-cpufreq-0", cool + "0/cur_state": "0"}, ""},
		"cooling":           {map[string]string{cool + "0/type": "pwm-fan", cool + "0/cur_state": "3", cool + "1/type": "thermal-cpufreq-0", cool + "1/cur_state": "2"}, "thermal-cpufreq-0 slows it down"},
		"cooling by ACPI":   {map[string]string{cool + "4/type": "Processor", cool + "4/cur_state": "1"}, "Processor slows it down"},
		"an administrator":  {map[string]string{freq + "scaling_max_freq": "1200000", freq + "cpuinfo_max_freq": "1800000"}, ""},
		"a Raspberry Pi":    {map[string]string{pi: "0x0"}, ""},
		"one that is slow":  {map[string]string{pi: "0x50005"}, "the firmware slows it down (0x5)"},
		"one that was once": {map[string]string{pi: "0x50000"}, ""},
	} {
		p := &Probe{Root: tree(t, c.files), Now: time.Now}
		if got := p.Hot(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	root := tree(t, map[string]string{freq + "scaling_max_freq": "1800000"})
	p := &Probe{Root: root, Now: time.Now}
	for _, step := range []struct{ limit, want string }{{"1800000", ""}, {"1400000", "its clock is held at 1400 MHz"}, {"1800000", ""}} {
		write(t, root, map[string]string{freq + "scaling_max_freq": step.limit})
		if got := p.Hot(); got != step.want {
			t.Errorf("at %s kHz: %q, want %q", step.limit, got, step.want)
		}
	}
}

func TestPressure(t *testing.T) {
	const file, rest = "proc/pressure/cpu", "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0"
	now := time.Unix(1_770_000_000, 0)
	root := tree(t, map[string]string{file: "some avg10=9.50 avg60=3.61 avg300=4.46 total=1000000" + rest})
	p := &Probe{Root: root, Now: func() time.Time { return now }}
	if got := p.Pressure(); got != -1 {
		t.Errorf("the first look: %v", got)
	}
	now = now.Add(2 * time.Second)
	write(t, root, map[string]string{file: "some avg10=9.50 avg60=3.61 avg300=4.46 total=1500000" + rest})
	if got := p.Pressure(); got != 0.25 {
		t.Errorf("half a second of two: %v", got)
	}
	for _, odd := range []string{"", "some", "some total=x", "full total=3"} {
		write(t, root, map[string]string{file: odd})
		if got := p.Pressure(); got != -1 {
			t.Errorf("%q: %v", odd, got)
		}
	}
	if (&Probe{Root: t.TempDir(), Now: time.Now}).Pressure() != -1 {
		t.Error("a kernel without it was taken at its word")
	}
}

// TestOwnBox: what is there is read without trouble.
func TestOwnBox(t *testing.T) {
	p := &Probe{Now: time.Now}
	p.Pressure()
	if v := p.Pressure(); v > 1 || v < -1 {
		t.Errorf("pressure %v", v)
	}
	t.Logf("hot: %q", p.Hot())
	if _, err := os.Stat("/proc/pressure/cpu"); err == nil && strings.Contains(p.Root, "/") {
		t.Error("the root is not /")
	}
}
