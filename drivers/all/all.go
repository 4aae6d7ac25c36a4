// Package all lists the drivers of sensors and outputs, and the sources of calls.
package all

import (
	"sentrybox/drivers/analogue"
	"sentrybox/drivers/call"
	"sentrybox/drivers/chirpstack"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/gpio"
	"sentrybox/drivers/homebrew"
	"sentrybox/drivers/isapi"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/lora/rak"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/mmdvm"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/mqttsensor"
	"sentrybox/drivers/onvif"
	"sentrybox/drivers/sip"
	"sentrybox/drivers/uart"
)

// Sources returns every source of calls by its name. Each takes the Config of its package.
func Sources() call.Registry {
	return call.Registry{
		"homebrew": call.Make(homebrew.New),
		"analogue": call.Make(analogue.New),
		"sip":      call.Make(sip.New),
		"isapi":    call.Make(isapi.New),
		"onvif":    call.Make(onvif.NewListener),
		"mmdvm":    call.Make(mmdvm.New),
	}
}

// Drivers returns every driver by what a bus of its kind is called. Each takes the
// Config of its package.
func Drivers() driver.Registry {
	return driver.Registry{
		"modbus":     driver.Make(modbus.New),
		"serial":     driver.Make(uart.New),
		"e22":        driver.Make(ebyte.New),
		"e32":        driver.Make(ebyte.New),
		"rak3172":    driver.Make(rak.New),
		"lorawan":    driver.Make(lorawan.New),
		"chirpstack": driver.Make(chirpstack.New),
		"mqtt":       driver.Make(mqttsensor.New),
		"gpio":       driver.Make(gpio.New),
	}
}
