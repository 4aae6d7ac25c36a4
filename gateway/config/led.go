package config

import "sentrybox/gateway/board"

// LEDAuto is the board's own LED that is fit to tell how the gateway is.
const LEDAuto = "auto"

func (d *document) finishLED(name string) {
	if name != "" && d.Sound("led") && !board.LEDName(name) {
		d.Fault("led", "config.led")
	}
}
