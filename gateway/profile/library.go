package profile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	configs "sentrybox/firmware-configs"
	"sentrybox/gateway/strict"
)

// Library is the profiles that come with Sentrybox, and those of a folder, which
// go before them.
type Library struct {
	Folder string // none when empty
}

// IDs returns the ids of all profiles in order.
func (l Library) IDs() ([]string, error) {
	var ids []string
	for _, layer := range l.layers() {
		names, err := fs.Glob(layer.files, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("list profiles: %w", err)
		}
		for _, name := range names {
			ids = append(ids, strings.TrimSuffix(name, ".yaml"))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Get reads the profile with an id. The error is fs.ErrNotExist if there is none,
// and *strict.Problems if there is something wrong with it.
func (l Library) Get(id string) (*Profile, error) {
	if !profileID.MatchString(id) {
		return nil, fmt.Errorf("profile %q: %w", id, fs.ErrNotExist)
	}
	for _, layer := range l.layers() {
		name := id + ".yaml"
		data, err := read(layer.files, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("profile %s: %w", id, err)
		}
		return Parse(filepath.Join(layer.folder, name), data)
	}
	return nil, fmt.Errorf("profile %q: %w", id, fs.ErrNotExist)
}

func read(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, strict.MaxFile+1))
}

// A layer is a place where profiles are.
type layer struct {
	files  fs.FS
	folder string // empty for those that come with Sentrybox
}

func (l Library) layers() []layer {
	ours := layer{files: configs.Sensors()}
	if l.Folder == "" {
		return []layer{ours}
	}
	return []layer{{os.DirFS(l.Folder), l.Folder}, ours}
}
