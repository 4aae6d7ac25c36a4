package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// File is a Store in a file, a JSON object of base64 by device. It is written anew,
// synced and renamed at each Save, so that there is always a whole one.
type File struct {
	path string

	mu    sync.Mutex
	state map[string][]byte // guarded by mu
}

// OpenFile reads the file, if there is one. A file that cannot be read is an error:
// without it, what was recorded on the air before would be new again.
func OpenFile(path string) (*File, error) {
	f := &File{path: path, state: map[string][]byte{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &f.state)
	}
	if err != nil {
		return nil, fmt.Errorf("counters of sensors: %s: %w", path, err)
	}
	if f.state == nil { // the file says null
		f.state = map[string][]byte{}
	}
	return f, nil
}

// Load returns what was saved.
func (f *File) Load(device string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state[device], nil
}

// Save writes the file.
func (f *File) Save(state map[string][]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := maps.Clone(f.state)
	maps.Copy(all, state)
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := replace(f.path, b); err != nil {
		return err
	}
	f.state = all
	return nil
}

// replace writes a file of which there is the old or the new one at any time.
func replace(path string, b []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Memory is a Store for tests, and for who needs none. The zero value is empty.
type Memory struct {
	mu    sync.Mutex
	state map[string][]byte // guarded by mu
	fail  bool              // guarded by mu
	saves int               // guarded by mu
}

var errFail = errors.New("the store fails, as it was told to")

// Load returns what was saved.
func (m *Memory) Load(device string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return nil, errFail
	}
	return m.state[device], nil
}

// Save keeps state.
func (m *Memory) Save(state map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return errFail
	}
	if m.state == nil {
		m.state = map[string][]byte{}
	}
	maps.Copy(m.state, state)
	m.saves++
	return nil
}

// Fail makes every call fail, or ends that.
func (m *Memory) Fail(fail bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// Saves returns how often something was saved.
func (m *Memory) Saves() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves
}
