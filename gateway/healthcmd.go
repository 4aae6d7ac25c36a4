package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/text"
)

// healthCmd asks the running gateway whether its main job works, for a container's
// health check and for a technician at the box.
type healthCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
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
	for _, part := range s.Stuck {
		_, _ = fmt.Fprintln(e.out, part)
	}
	for _, camera := range s.Blind { // one that goes wrong is no reason to begin the whole box anew
		_, _ = fmt.Fprintln(e.out, text.T(e.lang, "health.blind", camera))
	}
	for _, uplink := range slices.Sorted(maps.Keys(s.Contested)) { // starting anew would not help
		_, _ = fmt.Fprintln(e.out, text.T(e.lang, text.Key("health."+s.Contested[uplink]), uplink))
	}
	if len(s.Stuck) > 0 {
		return &sentence{"health.stuck", []any{len(s.Stuck)}}
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "health.works", s.Version))
	return err
}
