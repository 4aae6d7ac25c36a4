package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"

	"sentrybox/gateway/profile"
	"sentrybox/gateway/strict"
)

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// profile returns the profile called id, or nil, with a problem where there is none.
func (d *document) profile(path, id string) *profile.Profile {
	if id == "" || !d.Sound(path) || !d.Sound("profiles") {
		return nil
	}
	err := fs.ErrNotExist
	var p *profile.Profile
	if d.profiles != "" && profileName.MatchString(id) {
		p, err = profile.Load(filepath.Join(d.profiles, id+".yaml"))
	}
	var problems *strict.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Fault(path, "config.profile.none", d.Shown(path, id))
	case errors.As(err, &problems):
		first := problems.List[0]
		first.File = filepath.Base(first.File)
		d.Fault(path, "config.profile.broken", first)
	}
	return p
}
