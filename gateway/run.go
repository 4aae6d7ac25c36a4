package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sentrybox/gateway/app"
	"sentrybox/gateway/config"
	"sentrybox/gateway/recent"
)

type runCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
	Data   string `env:"STATE_DIRECTORY" default:"/var/lib/sentrybox" placeholder:"DIR" help:"${help_data}"`
	Listen string `default:"${first_listen}" placeholder:"HOST:PORT" help:"${help_listen}"`
	Label  string `default:"${label_file}" type:"path" placeholder:"FILE" help:"${help_label_file}"`
}

// load reads the configuration. One that is blank, or not there, is a first start.
func (c *runCmd) load() (cfg *config.Config, blank bool, err error) {
	if blank, err = config.Blank(c.Config); err != nil {
		return nil, false, err
	}
	if !blank {
		cfg, err = config.Load(c.Config)
		return cfg, false, err
	}
	if err := os.MkdirAll(filepath.Dir(c.Config), 0o700); err != nil {
		return nil, true, fmt.Errorf("make the configuration's folder: %w", err)
	}
	cfg, err = config.Unconfigured(c.Config, c.Data, c.Listen)
	return cfg, true, err
}

func (c *runCmd) Run(e *env) error {
	cfg, blank, err := c.load()
	if err != nil {
		return err
	}
	kept := new(recent.Log)
	a := &app.App{Config: cfg, Path: c.Config, Log: slog.New(kept.Handler(e.log(cfg.Log.Slog()).Handler())), Recent: kept, Version: programVersion(), Label: c.Label}
	if blank {
		a.Log.Warn("the configuration says nothing yet: this is a first start", "config", c.Config, "data", cfg.Data)
	}
	if len(cfg.Cameras) > 0 {
		if _, err = app.FindVision(cfg.Vision.Path); err != nil {
			return err
		}
	}
	return a.Run(e.ctx)
}
