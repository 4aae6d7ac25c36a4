package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	configs "sentrybox/firmware-configs"
	"sentrybox/gateway/strict"
)

// Guide says how a radio or an intercom is set up, for a technician, and what stands in the configuration for it.
type Guide struct {
	Format int      `yaml:"format"` // 1
	ID     string   `yaml:"id"`
	Name   Words    `yaml:"name"`
	Kind   string   `yaml:"kind"` // hotspot, repeater, base, set or intercom
	Models []string `yaml:"models"`
	Steps  []Words  `yaml:"steps"`
	// Config is a list as it stands below radios:.
	Config string   `yaml:"config"`
	Source []Source `yaml:"source"`
}

// GuideIDs returns the ids of all guides in order.
func GuideIDs() ([]string, error) {
	names, err := fs.Glob(configs.Radios(), "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list guides: %w", err)
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".yaml")
	}
	slices.Sort(names)
	return names, nil
}

// GetGuide reads the guide with an id. The error is fs.ErrNotExist if there is none.
func GetGuide(id string) (*Guide, error) {
	if !profileID.MatchString(id) {
		return nil, fmt.Errorf("guide %q: %w", id, fs.ErrNotExist)
	}
	data, err := fs.ReadFile(configs.Radios(), id+".yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("guide %q: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("guide %s: %w", id, err)
	}
	d := &document{Document: strict.New(id+".yaml", nil)}
	g := new(Guide)
	if d.Read(data, g) {
		d.finishGuide(g)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return g, nil
}

func (d *document) finishGuide(g *Guide) {
	d.Between("format", g.Format, Format, Format)
	d.Required("id", g.ID == "")
	d.words("name", g.Name)
	d.OneOf("kind", g.Kind, "hotspot", "repeater", "base", "set", "intercom")
	d.Required("steps", len(g.Steps) == 0)
	for i, s := range g.Steps {
		d.words(strict.Element("steps", i), s)
	}
	d.Required("config", g.Config == "")
	d.Required("source", len(g.Source) == 0)
}
