package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/text"
)

// healthCmd asks the running gateway whether its main job works, for a container's
// health check and for a technician at the box.
type healthCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
	Strict bool   `help:"${help_strict}"`
	Data   string `env:"STATE_DIRECTORY" default:"/var/lib/sentrybox" placeholder:"DIR" help:"${help_data}"`
}

func (c *healthCmd) Run(e *env) error {
	dir := c.Data // as of a box that is not set up yet
	blank, err := config.Blank(c.Config)
	if err != nil {
		return err
	}
	if !blank {
		cfg, err := dataOf(c.Config)
		if err != nil {
			return err
		}
		dir = cfg.Data
	}
	s, err := control.Health(e.ctx, dir)
	if errors.Is(err, control.ErrNotRunning) && blank {
		return &sentence{"health.blank", []any{c.Config, dir}}
	}
	if errors.Is(err, control.ErrNotRunning) {
		return &sentence{"control.none", []any{dir}}
	}
	if err != nil {
		return err
	}
	unwell := tellHealth(e.out, e.lang, &s)
	switch {
	case len(s.Stuck) > 0:
		return &sentence{"health.stuck", []any{len(s.Stuck)}}
	case unwell > 0 && c.Strict:
		return &sentence{"health.unwell", []any{unwell}}
	case unwell > 0:
		_, err = fmt.Fprintln(e.out, text.T(e.lang, "health.except", s.Version, unwell))
		return err
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "health.works", s.Version))
	return err
}

// tellHealth says what does not work, a line each, and returns of how many things that another start of the
// gateway would not help.
func tellHealth(w io.Writer, lang text.Lang, s *control.State) int {
	say := func(key text.Key, args ...any) { _, _ = fmt.Fprintln(w, text.T(lang, key, args...)) }
	for _, part := range s.Stuck {
		_, _ = fmt.Fprintln(w, part)
	}
	for _, camera := range s.Blind {
		say("health.blind", camera)
	}
	for _, uplink := range slices.Sorted(maps.Keys(s.Contested)) {
		say(text.Key("health."+s.Contested[uplink]), uplink)
	}
	for _, a := range s.Away {
		since := a.Since.Local().Format(time.DateTime)
		if a.Camera != "" {
			say("health.camera", a.Camera, text.State(lang, a.Phase), since)
		} else {
			say("health.uplink", a.Uplink, text.T(lang, text.Key("uplink."+a.Phase)), since)
		}
		if a.Reason != "" {
			_, _ = fmt.Fprintln(w, "  "+a.Reason)
		}
	}
	return len(s.Blind) + len(s.Contested) + len(s.Away)
}
