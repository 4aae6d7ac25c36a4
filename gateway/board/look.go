package board

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"sentrybox/gateway/text"
)

// Seen is what a board has, and what of it is there.
type Seen struct {
	ID       string   `json:"id,omitempty"` // empty for a board that is not known
	Name     string   `json:"name,omitempty"`
	Model    string   `json:"model,omitempty"`
	Serial   []Part   `json:"serial"`
	Watchdog *Part    `json:"watchdog,omitempty"`
	LEDs     []Part   `json:"leds"`
	Thermal  []Heat   `json:"thermal"`
	Decoder  *Part    `json:"decoder,omitempty"`
	Disks    []string `json:"disks"` // besides memory cards and eMMC
	Config   []string `json:"config"`
	Journal  string   `json:"journal,omitempty"`
}

// Part is a part of a board.
type Part struct {
	Name    string `json:"name"`
	What    string `json:"what"`
	Present bool   `json:"present"`
}

// Heat is a temperature.
type Heat struct {
	Zone    string   `json:"zone"`
	Limit   int      `json:"limit"`             // °C
	Celsius *float64 `json:"celsius,omitempty"` // nil if the zone is not there
}

// Look looks for what a board should have, below root, which is / but in tests. p may be nil.
func Look(root string, m Machine, p *Profile, l text.Lang) Seen {
	s := Seen{Model: m.Model, Serial: []Part{}, LEDs: []Part{}, Thermal: []Heat{}, Disks: disks(root), Config: []string{}}
	if p == nil {
		return s
	}
	s.ID, s.Name, s.Journal = p.ID, p.Name.In(l), p.Storage.Journal
	for _, x := range p.Serial {
		s.Serial = append(s.Serial, Part{x.Port, x.What.In(l), exists(root, x.Port)})
	}
	for _, x := range p.LEDs {
		s.LEDs = append(s.LEDs, Part{x.Name, x.What.In(l), exists(root, "sys/class/leds", x.Name)})
	}
	heat := temperatures(root)
	for _, x := range p.Thermal {
		h := Heat{Zone: x.Zone, Limit: x.Limit}
		if c, ok := heat[x.Zone]; ok {
			h.Celsius = &c
		}
		s.Thermal = append(s.Thermal, h)
	}
	w := p.Watchdog
	s.Watchdog = &Part{w.Device, text.T(l, "board.watchdog.what", w.Driver, w.Longest), exists(root, w.Device)}
	s.Decoder = &Part{p.Decoder.Name, p.Decoder.What.In(l), p.Decoder.Device != "" && exists(root, p.Decoder.Device)}
	s.Config = p.suggest(root, s)
	return s
}

// usual is for how long the watchdog waits when nothing is said.
const usual = 30

// suggest returns lines of a configuration that fit what is there.
func (p *Profile) suggest(root string, s Seen) (lines []string) {
	if s.Watchdog.Present {
		lines = append(lines, fmt.Sprintf("watchdog: {device: %s, timeout: %ds}", p.Watchdog.Device, min(p.Watchdog.Longest, usual)))
	}
	hardware := p.Decoder.Hardware
	if !s.Decoder.Present {
		hardware = "off"
	}
	lines = append(lines, fmt.Sprintf("vision: {hardware: %q}", hardware))
	if led := p.StateLED(root); led != "" {
		lines = append(lines, "led: "+led)
	}
	lookback, evidence := p.Storage.Lookback, p.Storage.Evidence
	if lookback == "disk" {
		lines = append(lines, "lookback: {on: disk, bytes: 4GiB}")
	} else {
		lines = append(lines, "lookback: {on: memory, bytes: 64MiB}")
	}
	return append(lines, fmt.Sprintf("evidence: {bytes: %s}", evidence), "log: {level: info}")
}

// temperatures returns the temperatures below root in °C, by the zone's type.
func temperatures(root string) map[string]float64 {
	all := map[string]float64{}
	zones, _ := filepath.Glob(filepath.Join("/"+root, "sys/class/thermal/thermal_zone[0-9]*")) // the pattern is good
	for _, zone := range zones {
		name, milli := strings.TrimSpace(string(read(zone, "type"))), strings.TrimSpace(string(read(zone, "temp")))
		if n, err := strconv.Atoi(milli); err == nil && name != "" && n < 200_000 && n > -100_000 {
			all[name] = float64(n) / 1000
		}
	}
	return all
}

// disks returns disks that bear many writes.
func disks(root string) []string {
	all := []string{}
	for _, pattern := range []string{"nvme*n*", "sd[a-z]*", "vd[a-z]*"} {
		found, _ := filepath.Glob(filepath.Join("/"+root, "sys/block", pattern)) // the pattern is good
		for _, dir := range found {
			if strings.TrimSpace(string(read(dir, "removable"))) != "1" {
				all = append(all, filepath.Base(dir))
			}
		}
	}
	return all
}
