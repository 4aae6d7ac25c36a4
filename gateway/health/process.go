package health

import (
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
)

// Process is what the gateway's own process holds. A month alone shows in it: none of
// it may grow. What cannot be read is 0.
type Process struct {
	Resident   uint64 // bytes of memory, libraries and files it maps included
	Heap       uint64 // bytes that were live when garbage was last collected
	Goroutines uint64
	Threads    uint64
	Files      int // open descriptors
}

// ReadProcess reads it from the system files below root (proc(5)) and from Go's runtime.
func ReadProcess(root string) Process {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	p := Process{Heap: samples[0].Value.Uint64(), Goroutines: samples[1].Value.Uint64()}
	self := filepath.Join(root, "proc/self")
	if b, err := os.ReadFile(filepath.Join(self, "status")); err == nil {
		p.Resident = statusField(string(b), "VmRSS:") << 10
		p.Threads = statusField(string(b), "Threads:")
	}
	if names, err := os.ReadDir(filepath.Join(self, "fd")); err == nil {
		p.Files = len(names) - 1 // the one that reads the folder
	}
	return p
}

func statusField(status, name string) uint64 {
	_, rest, _ := strings.Cut(status, "\n"+name)
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(f[0], 10, 54)
	return n
}

func (p Process) points(add func(labels map[string]string, name string, v float64)) {
	add(nil, "gateway_resident_bytes", float64(p.Resident))
	add(nil, "gateway_heap_live_bytes", float64(p.Heap))
	add(nil, "gateway_goroutines", float64(p.Goroutines))
	add(nil, "gateway_threads", float64(p.Threads))
	add(nil, "gateway_open_files", float64(p.Files))
}
