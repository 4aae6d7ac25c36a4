package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sentrybox/gateway/disk"
)

// UploadName is how files begin that come to be restored, in the data folder.
const UploadName = "restore-upload"

// writable tries whether a file can be made in a folder.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// syncTree has the names in a folder and in those below it on the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return disk.SyncDir(at)
	})
}

// Tidy removes what was under way when the power was cut, but nothing that another
// process may be at.
func Tidy(data string, now time.Time) {
	_ = os.RemoveAll(filepath.Join(data, doneFolder))
	for _, form := range []string{unpackFolder, "backup-new-*", "restore-look-*", UploadName + "*"} {
		found, err := filepath.Glob(filepath.Join(data, form))
		if err != nil {
			return
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && (now.Sub(info.ModTime()) > time.Hour || now.Before(info.ModTime())) {
				_ = os.RemoveAll(path)
			}
		}
	}
}

// Sweep removes the site that was before a restore when its time has come, or when
// there is no room for it.
func Sweep(data string, now time.Time, room bool) error {
	old := filepath.Join(data, oldFolder)
	info, err := os.Stat(old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || room && now.Sub(info.ModTime()) < keepOld*24*time.Hour {
		return err
	}
	return os.RemoveAll(old)
}
