package health

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVitals(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"proc/loadavg":                         "1.25 0.80 0.50 2/300 4242\n",
		"proc/meminfo":                         "MemTotal:        2048 kB\nMemFree:   10 kB\nMemAvailable:    512 kB\n",
		"sys/class/thermal/thermal_zone0/temp": "41000\n",
		"sys/class/thermal/thermal_zone1/temp": "63500\n",
		"sys/class/thermal/thermal_zone2/temp": "nonsense\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := ReadVitals(root, root)
	if v.Temperature != 63.5 || v.Load != 1.25 || v.MemoryTotal != 2<<20 || v.MemoryFree != 512<<10 || v.Cores < 1 || v.DiskTotal == 0 {
		t.Errorf("%+v", v)
	}
	if v := ReadVitals(t.TempDir(), "/nonexistent"); v.Temperature != 0 || v.DiskTotal != 0 {
		t.Errorf("of nothing: %+v", v)
	}
}
