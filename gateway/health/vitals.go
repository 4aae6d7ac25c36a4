package health

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"sentrybox/gateway/disk"
)

// Vitals is how the box itself is doing. What cannot be read is 0.
type Vitals struct {
	Temperature             float64 // °C, of the warmest zone
	Load                    float64 // tasks that run or wait to, over a minute
	Cores                   int
	MemoryFree, MemoryTotal uint64 // bytes; free is what programs could have
	DiskFree, DiskTotal     uint64 // bytes, of the data folder's disk
}

// ReadVitals reads the vitals from the system files below root, and the disk that
// dir lies on.
func ReadVitals(root, dir string) Vitals {
	v := Vitals{Cores: runtime.NumCPU(), Temperature: temperature(root)}
	if b, err := os.ReadFile(filepath.Join(root, "proc/loadavg")); err == nil {
		first, _, _ := strings.Cut(string(b), " ")
		v.Load, _ = strconv.ParseFloat(first, 64)
	}
	if b, err := os.ReadFile(filepath.Join(root, "proc/meminfo")); err == nil {
		v.MemoryTotal, v.MemoryFree = memory(b)
	}
	if space, err := disk.Of(dir); err == nil {
		v.DiskFree, v.DiskTotal = uint64(space.Free), uint64(space.Total) // not below 0
	}
	return v
}

func temperature(root string) float64 {
	zones, _ := filepath.Glob(filepath.Join(root, "sys/class/thermal/thermal_zone*/temp")) // the pattern is good
	warmest := 0.0
	for _, z := range zones {
		b, err := os.ReadFile(z)
		if err != nil {
			continue // a zone that is off
		}
		milli, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err == nil && milli < 200_000 {
			warmest = max(warmest, float64(milli)/1000)
		}
	}
	return warmest
}

// memory reads /proc/meminfo (proc(5)).
func memory(b []byte) (total, free uint64) {
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseUint(fields[1], 10, 53)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			total = kib << 10
		case "MemAvailable:":
			free = kib << 10
		}
	}
	return total, free
}
