package config

import "strings"

// HomeAssistant says whether Home Assistant is told of the devices, by its MQTT
// discovery.
type HomeAssistant struct {
	Prefix string `yaml:"prefix"` // its discovery prefix, mostly homeassistant; it is not told when empty
}

func (d *document) finishHomeAssistant(h *HomeAssistant) {
	const path = "home_assistant.prefix"
	if h.Prefix == "" || !d.Sound(path) {
		return
	}
	if !validTopicFilter(h.Prefix) || strings.ContainsAny(h.Prefix, "+#") || strings.HasPrefix(h.Prefix, "$") {
		d.Fault(path, "config.prefix", 1024)
	}
}
