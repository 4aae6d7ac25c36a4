package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Save puts data in the place of the configuration at path, and keeps what was
// there as path.bak. It refuses what does not Parse, with the *Problems. After
// an error, and after a power cut at any moment, the file at path is the old or
// the new one and whole. It is readable for its owner only. If path is a
// symbolic link, what it points to is replaced.
func Save(path string, data []byte) error {
	if _, err := Parse(path, data, Environment(path)); err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = path
	case err != nil:
		return fmt.Errorf("save configuration: %w", err)
	}
	if err := replace(disk{}, target, data); err != nil {
		return fmt.Errorf("save configuration: %w", err)
	}
	return nil
}

// files is what replace asks of a file system. A test counts and fails the calls.
type files interface {
	// write makes a new file beside path with data in it, on the disk and not
	// only on its way there, and returns its name.
	write(path string, data []byte) (string, error)
	rename(from, to string) error
	syncDir(dir string) error
}

func replace(f files, path string, data []byte) error {
	old, err := os.ReadFile(path)
	if err == nil {
		err = put(f, path, path+".bak", old)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	if err := put(f, path, path, data); err != nil {
		return err
	}
	return f.syncDir(filepath.Dir(path))
}

// put gives the name to a new file beside path with data in it.
func put(f files, path, name string, data []byte) error {
	temp, err := f.write(path, data)
	if err != nil {
		return err
	}
	if err := f.rename(temp, name); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return nil
}

type disk struct{}

func (disk) write(path string, data []byte) (name string, err error) {
	// CreateTemp makes it with mode 0600.
	t, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.new")
	if err != nil {
		return "", err
	}
	_, err = t.Write(data)
	err = errors.Join(err, t.Sync(), t.Close())
	if err != nil {
		_ = os.Remove(t.Name())
		return "", err
	}
	return t.Name(), nil
}

func (disk) rename(from, to string) error { return os.Rename(from, to) }

func (disk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
