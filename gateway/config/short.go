package config

import (
	"encoding/hex"
	"net"
	"regexp"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// Short is the way of an alert of severity 1 or 2 that no MQTT uplink has
// delivered in time.
type Short struct {
	After Duration `yaml:"after"` // how long MQTT has
	SMS   SMS      `yaml:"sms"`
	LoRa  LoRa     `yaml:"lora"`
}

// SMS is a modem with AT commands.
type SMS struct {
	Port string `yaml:"port"` // serial device; no SMS when empty
	Baud int    `yaml:"baud"`
	// Numbers is whom to tell, in the form of E.164: +8613800138000.
	Numbers []string `yaml:"numbers"`
	// Hour bounds what one number gets in an hour, and Day what all get in a day.
	Hour int `yaml:"per_number_hour"`
	Day  int `yaml:"per_day"`
}

// LoRa is a modem that sends what is written to it.
type LoRa struct {
	Port    string `yaml:"port"` // serial device; no LoRa when empty
	Baud    int    `yaml:"baud"`
	Gateway int    `yaml:"gateway"` // the number by which receivers know the gateway
	Key     Secret `yaml:"key"`     // 32 hexadecimal digits or more
	KeyFile string `yaml:"key_file"`
	Repeat  int    `yaml:"repeat"` // how often each frame is sent, since nobody answers
}

func defaultShort() Short {
	return Short{
		After: Duration(time.Minute),
		SMS:   SMS{Baud: 115200, Hour: 10, Day: 60},
		LoRa:  LoRa{Baud: 9600, Repeat: 3},
	}
}

// Budget bounds what a line carries.
type Budget struct {
	Rate  Rate `yaml:"rate"`  // of what is not urgent; unlimited when 0
	Month Size `yaml:"month"` // of a calendar month, both directions; unlimited when 0
}

// Metered reports whether any uplink has a budget.
func (u *Uplink) Metered() bool {
	for _, m := range u.MQTT {
		if m.Budget != (Budget{}) {
			return true
		}
	}
	return false
}

var (
	e164      = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	ifaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
)

func (d *document) finishShort(s *Short) {
	const path, least = "uplink.short", Duration(10 * time.Second)
	d.Span(path+".after", s.After, least, Duration(time.Hour))
	if len(s.SMS.Numbers) == 0 {
		s.SMS.Numbers = nil // as when nothing is given
	}
	if s.SMS.Port != "" {
		at := path + ".sms"
		d.Between(at+".baud", s.SMS.Baud, 1200, 921600)
		d.Between(at+".per_number_hour", s.SMS.Hour, 1, 1000)
		d.Between(at+".per_day", s.SMS.Day, 1, 10000)
		d.Required(at+".numbers", len(s.SMS.Numbers) == 0)
		for i, n := range s.SMS.Numbers {
			if !e164.MatchString(n) {
				d.Fault(strict.Element(at+".numbers", i), "config.number")
			}
		}
	}
	if s.LoRa.Port != "" {
		at := path + ".lora"
		d.Between(at+".baud", s.LoRa.Baud, 1200, 921600)
		d.Between(at+".gateway", s.LoRa.Gateway, 1, 65535)
		d.Between(at+".repeat", s.LoRa.Repeat, 1, 10)
		d.secretFile(at, "key", &s.LoRa.Key, "key_file", &s.LoRa.KeyFile)
		key := strings.TrimSpace(s.LoRa.Key.Reveal())
		if !d.Required(at+".key", key == "") {
			return
		}
		if b, err := hex.DecodeString(key); (err != nil || len(b) < 16 || len(b) > 64) && d.Sound(at+".key") {
			d.Fault(at+".key", "config.lora.key")
		}
	}
}

// secretFile puts the content of a file, without the end of its line, in the
// place of a secret that is not given itself.
func (d *document) secretFile(path, key string, secret *Secret, fileKey string, file *string) {
	if *file == "" {
		return
	}
	if secret.Reveal() != "" {
		d.Fault(path+"."+fileKey, "config.secret.twice", key)
		return
	}
	*file = d.absolute(*file)
	b := d.readable(path+"."+fileKey, *file)
	if s := strings.TrimRight(string(b), "\r\n"); s != "" {
		*secret = NewSecret(s)
	} else if b != nil {
		d.Fault(path+"."+fileKey, "config.yaml.empty")
	}
}

// interfaceName checks the way that an uplink leaves by.
func (d *document) interfaceName(path, s string) {
	if s != "" && net.ParseIP(s) == nil && !ifaceName.MatchString(s) {
		d.Fault(path, "config.interface")
	}
}
