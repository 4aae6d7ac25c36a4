package app

import (
	"context"
	"log/slog"

	"sentrybox/gateway/config"
	"sentrybox/gateway/health"
	"sentrybox/gateway/led"
)

// runLED has an LED tell how the gateway is, until ctx ends. Without one nothing else is lacking.
func (a *App) runLED(ctx context.Context) error {
	if name := ledName("/", a.Config.LED, a.Log); name != "" {
		lamp, err := led.Open("/", name)
		if err == nil {
			err = lamp.Run(ctx, func() led.State { return ledState(a.stuck(), a.uplinkHealth()) })
		}
		if err != nil && ctx.Err() == nil {
			a.Log.Error("no LED tells how the gateway is", "led", name, "error", err)
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// ledName returns the LED that the configuration means; empty for none.
func ledName(root, configured string, log *slog.Logger) string {
	if configured != config.LEDAuto {
		return configured
	}
	p := thisBoard(root, log)
	name := p.StateLED(root)
	if name == "" {
		log.Warn("the board has no LED to tell how the gateway is", "board", p.ID)
	}
	return name
}

// ledState is what a LED tells. A gateway without a broker has none that could be away.
func ledState(stuck []string, uplinks []health.Uplink) led.State {
	if len(stuck) > 0 {
		return led.Stuck
	}
	for _, u := range uplinks {
		if u.Online {
			return led.Well
		}
	}
	if len(uplinks) > 0 {
		return led.Away
	}
	return led.Well
}
