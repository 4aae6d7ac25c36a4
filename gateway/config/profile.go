package config

import (
	"errors"
	"io/fs"
	"path/filepath"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/strict"
)

// profile returns the profile called id, or nil, with a problem where there is none.
func (d *document) profile(path, id string) *profile.Profile {
	if id == "" || !d.Sound(path) || !d.Sound("profiles") {
		return nil
	}
	p, err := profile.Library{Folder: d.profiles}.Get(id)
	var problems *strict.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Fault(path, "config.profile.none", d.Shown(path, id))
	case errors.As(err, &problems):
		first := problems.List[0]
		first.File = filepath.Base(first.File)
		d.Fault(path, "config.profile.broken", first)
	case err != nil:
		d.Fault(path, "config.file.unreadable")
	}
	return p
}
