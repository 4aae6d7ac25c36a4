package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SyncDir brings a folder's names to the disk: a file that was made, renamed or removed in it is so after a
// power cut, too (fsync(2)).
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// WriteFile has data take the place of the file at path, with mode perm whatever the umask. After an error, and
// after a power cut at any moment, there is the old file or the new one, and whole.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return SyncDir(filepath.Dir(path))
}

// Private makes a file that only its owner may read, empty if it is not there, and has one that is
// there be so: for databases, whose folder may be somebody else's. SQLite gives the files beside a
// database the same mode. A file system without modes is let pass.
func Private(path string) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		_ = f.Chmod(0o600)
		_ = f.Close() // nothing was written
	}
}
