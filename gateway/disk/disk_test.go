package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestOf(t *testing.T) {
	dir := t.TempDir()
	s, err := Of(dir)
	if err != nil || s.Free <= 0 || s.Total < s.Free || s.ReadOnly {
		t.Errorf("a folder that takes files is on %+v, %v", s, err)
	}
	if s, err = Of("/proc"); err != nil || s.Free != 0 || s.Total != 0 {
		t.Errorf("a file system without blocks holds %+v, %v", s, err)
	}
	if _, err = Of(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
