package main

import (
	"sentrybox/gateway/config"
	"sentrybox/gateway/duty"
)

type dutyCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
}

func (c *dutyCmd) Run(e *env) error {
	cfg, err := config.LoadDuty(c.Config)
	if err != nil {
		return err
	}
	console := &duty.Console{Config: cfg, Log: e.log(cfg.Log.Slog())}
	return console.Run(e.ctx)
}
