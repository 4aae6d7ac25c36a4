package health

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadProcess(t *testing.T) {
	root := t.TempDir()
	self := filepath.Join(root, "proc/self")
	if err := os.MkdirAll(filepath.Join(self, "fd"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"status": "Name:\tsentrybox\nVmRSS:\t   48132 kB\nThreads:\t14\n", "fd/0": "", "fd/1": "", "fd/7": ""} {
		if err := os.WriteFile(filepath.Join(self, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := ReadProcess(root)
	if p.Resident != 48132<<10 || p.Threads != 14 || p.Files != 2 || p.Goroutines < 1 {
		t.Errorf("%+v", p)
	}
	if p := ReadProcess(t.TempDir()); p.Resident != 0 || p.Threads != 0 || p.Files != 0 || p.Goroutines < 1 {
		t.Errorf("of nothing: %+v", p)
	}
}
