package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sentrybox/gateway/disk"
)

// Forget reports whether the site that was before a restore may have anything of the time from a moment on, and removes
// it if it is asked to: somebody's pictures are not to outlive their deletion there.
func Forget(data string, from time.Time, remove bool) (there bool, err error) {
	old := filepath.Join(data, oldFolder)
	info, err := os.Stat(old)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().Before(from) {
		return false, nil
	}
	if err == nil && remove {
		err = errors.Join(os.RemoveAll(old), disk.SyncDir(data))
	}
	if err != nil {
		return true, fmt.Errorf("remove the site that was before the last restore: %w", err)
	}
	return true, nil
}
