package main

import (
	"errors"
	"io/fs"
	"strings"

	"sentrybox/gateway/profile"
)

type profileRadioCmd struct {
	ID string `arg:"" optional:"" help:"${help_profile_radio_id}"`
}

// Run lists the guides for radios and intercoms, or shows one.
func (c *profileRadioCmd) Run(e *env) error {
	p := &printer{w: e.out, lang: e.lang}
	if c.ID == "" {
		ids, err := profile.GuideIDs()
		if err != nil {
			return err
		}
		for _, id := range ids {
			g, err := profile.GetGuide(id)
			if err != nil {
				return err
			}
			p.line("profile.entry", id, g.Kind, g.Name.In(e.lang), strings.Join(g.Models, ", "))
		}
		return p.err
	}
	g, err := profile.GetGuide(c.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return &sentence{"profile.radio.absent", []any{c.ID}}
	}
	if err != nil {
		return err
	}
	p.line("profile.head", g.ID, g.Name.In(e.lang))
	for i, s := range g.Steps {
		p.line("profile.radio.step", i+1, s.In(e.lang))
	}
	p.line("profile.radio.config", "radios:\n"+strings.TrimRight(g.Config, "\n"))
	for _, s := range g.Source {
		p.line("profile.source", s.Title+" ("+s.Revision+") "+s.URL)
	}
	return p.err
}
