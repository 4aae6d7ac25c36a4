package config

import "strings"

// MMDVM is what MMDVMHost publishes of a DMR hotspot at an MQTT broker.
type MMDVM struct {
	// Broker is mqtt:// or mqtts://. Without one MMDVMHost publishes at the gateway's own broker, and its
	// name is PREFIX/STREET/COMMUNITY/GATEWAY/sensors/ID, ID being the radio's.
	Broker URL `yaml:"broker"`
	// Name is MMDVMHost's own, as in its ini file; mmdvm when empty.
	Name         string `yaml:"name"`
	Username     string `yaml:"username"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	CA           string `yaml:"ca"`
}

const mmdvmName = "mmdvm"

func (d *document) finishMMDVM(c *Config, r *Radio, path string) {
	m := r.MMDVM
	if m.Broker.IsZero() && d.Sound(path+".broker") {
		for key, given := range map[string]bool{
			"name": m.Name != "", "username": m.Username != "", "password": m.Password.Reveal() != "", "password_file": m.PasswordFile != "", "ca": m.CA != "",
		} {
			if given && d.Sound(path+"."+key) {
				d.Fault(path+"."+key, "config.radio.broker")
			}
		}
		if c.Broker.Listen == "" && d.Sound("broker") && d.Sound("broker.listen") {
			d.Fault(path+".broker", "config.radio.local")
		}
		return
	}
	got := d.address(path+".broker", m.Broker, "mqtts", "mqtt")
	d.secretFile(path, "password", &m.Password, "password_file", &m.PasswordFile)
	if got != nil && got.User != nil && m.Username != "" {
		d.Fault(path+".username", "config.mqtt.credentials")
	}
	if m.CA != "" {
		if got != nil && got.Scheme == "mqtt" {
			d.Fault(path+".ca", "config.mqtt.plain")
		} else {
			m.CA = d.authority(path+".ca", m.CA)
		}
	}
	if m.Name == "" {
		m.Name = mmdvmName
	}
	if d.Sound(path+".name") && (!validTopicFilter(m.Name) || strings.ContainsAny(m.Name, "+#")) {
		d.Fault(path+".name", "config.sensor.topic")
	}
}
