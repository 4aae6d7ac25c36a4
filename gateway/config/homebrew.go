package config

import (
	"strconv"

	"sentrybox/gateway/strict"
)

// Homebrew is a master that DMR repeaters and hotspots log in to.
type Homebrew struct {
	Listen string `yaml:"listen"` // host:port, UDP; :62031 when empty
	// Repeaters may log in, by their ids.
	Repeaters map[string]Repeater `yaml:"repeaters"`
	// Password is for those that have none of their own.
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// Repeater is a DMR repeater or hotspot.
type Repeater struct {
	Name         string `yaml:"name"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

const (
	homebrewListen = ":62031"
	maxRepeaters   = 64
)

func (d *document) finishHomebrew(_ *Config, r *Radio, path string) {
	h := r.Homebrew
	if h.Listen == "" {
		h.Listen = homebrewListen
	}
	if d.Sound(path+".listen") && !validListen(h.Listen) {
		d.Fault(path+".listen", "config.listen")
	}
	d.secretFile(path, "password", &h.Password, "password_file", &h.PasswordFile)
	at := path + ".repeaters"
	if !d.Required(at, len(h.Repeaters) == 0) {
		return
	}
	if len(h.Repeaters) > maxRepeaters {
		d.Fault(at, "config.many", len(h.Repeaters), maxRepeaters)
		return
	}
	for _, id := range names(h.Repeaters) {
		x, at := h.Repeaters[id], strict.Member(at, id)
		if n, err := strconv.ParseUint(id, 10, 32); d.Sound(at) && (err != nil || n < 1000 || id[0] == '0') {
			d.Fault(at, "config.radio.repeater")
		}
		if x.Name != "" {
			d.unitName(at+".name", x.Name)
		}
		d.secretFile(at, "password", &x.Password, "password_file", &x.PasswordFile)
		if x.Password.Reveal() == "" && d.Sound(path+".password") && d.Sound(path+".password_file") {
			x.Password = h.Password
			d.Required(at+".password", x.Password.Reveal() == "")
		}
		h.Repeaters[id] = x
	}
}
