package camera

import (
	"os"
	"slices"
	"testing"
)

// TestInherited: a legacy has its own descriptor, however many models there are.
func TestInherited(t *testing.T) {
	l, err := NewLegacy()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	model := os.Stderr
	for n := range 3 {
		p := &Process{cfg: ProcessConfig{Legacy: l}}
		if files := p.inherited(os.Stdin, os.Stdout, slices.Repeat([]*os.File{model}, n)); len(files) != 5 || files[4] != l.file || (files[2] != nil) != (n > 0) {
			t.Errorf("%d models: %v", n, files)
		}
	}
	if err := l.file.Truncate(0); err == nil {
		t.Error("its end can be moved")
	}
}
