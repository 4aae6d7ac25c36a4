// Package board knows the boards that Sentrybox runs on: by what a board is known, its serial
// ports, watchdog, LEDs, temperatures and decoder, and where on it things are best kept. What is known
// stands in firmware-configs/boards; what of it is there is looked up in /dev and /sys.
package board

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	yaml "github.com/goccy/go-yaml"

	configs "sentrybox/firmware-configs"
	"sentrybox/gateway/text"
)

// Profile is what is known of a kind of board, a file of firmware-configs/boards.
type Profile struct {
	ID       string   `yaml:"-"` // the file's name without .yaml
	Name     Words    `yaml:"name"`
	Match    Match    `yaml:"match"`
	Serial   []Serial `yaml:"serial"`
	Watchdog Watchdog `yaml:"watchdog"`
	LEDs     []LED    `yaml:"leds"`
	Thermal  []Zone   `yaml:"thermal"`
	Decoder  Decoder  `yaml:"decoder"`
	Storage  Storage  `yaml:"storage"`
	Sources  []string `yaml:"sources"` // where this is from
}

// Words is something in both languages.
type Words struct {
	Zh string `yaml:"zh"`
	En string `yaml:"en"`
}

// In returns the words in a language.
func (w Words) In(l text.Lang) string {
	if l == text.Chinese {
		return w.Zh
	}
	return w.En
}

// Match is by what a board is known.
type Match struct {
	Compatible []string `yaml:"compatible"` // of the device tree's root, whole
	Arch       []string `yaml:"arch"`       // as Go calls it; of machines without a device tree
}

// Serial is a serial port of the board itself, which adapters on USB are not.
type Serial struct {
	Port    string `yaml:"port"`
	What    Words  `yaml:"what"`    // and where it is
	Console bool   `yaml:"console"` // the system's own, not for sensors
}

// Watchdog is the timer that resets the board.
type Watchdog struct {
	Device  string `yaml:"device"`
	Driver  string `yaml:"driver"`  // in Linux
	Longest int    `yaml:"longest"` // seconds for which it can wait
}

// LED is one that programs can switch, by its name in /sys/class/leds.
type LED struct {
	Name  string `yaml:"name"`
	What  Words  `yaml:"what"`
	State bool   `yaml:"state"` // fit to tell how the gateway is
}

// Zone is a temperature, by its type in /sys/class/thermal.
type Zone struct {
	Zone  string `yaml:"zone"`
	Limit int    `yaml:"limit"` // °C at which the processor is slowed down
}

// Decoder is the board's own for video.
type Decoder struct {
	Name     string `yaml:"name"` // as of libavcodec: v4l2m2m, rkmpp or none
	Device   string `yaml:"device"`
	Hardware string `yaml:"hardware"` // what vision.hardware should be: auto or off
	What     Words  `yaml:"what"`
}

// Storage is how to spare the board's memory card or eMMC, or that a disk need not be.
type Storage struct {
	Journal  string `yaml:"journal"`  // volatile, in memory, or persistent
	Lookback string `yaml:"lookback"` // what lookback.on should be: memory or disk
	Evidence string `yaml:"evidence"` // what evidence.bytes should be
}

const maxProfile = 64 << 10

// Profiles returns the boards that come with the program, in order of their ids.
func Profiles() ([]Profile, error) {
	files := configs.Boards()
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list boards: %w", err)
	}
	all := make([]Profile, 0, len(names))
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read board: %w", err)
		}
		p, err := Parse(strings.TrimSuffix(path.Base(name), ".yaml"), b)
		if err != nil {
			return nil, fmt.Errorf("board %s: %w", name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// Parse reads and checks one profile.
func Parse(id string, b []byte) (Profile, error) {
	p := Profile{ID: id}
	if len(b) > maxProfile {
		return p, fmt.Errorf("%d bytes, at most %d are taken", len(b), maxProfile)
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(&p); err != nil {
		return p, err
	}
	return p, p.check()
}

func (p *Profile) check() error {
	words := []Words{p.Name, p.Decoder.What}
	for _, s := range p.Serial {
		if words = append(words, s.What); !device(s.Port) {
			return fmt.Errorf("serial: %q is no device", s.Port)
		}
	}
	for _, l := range p.LEDs {
		if words = append(words, l.What); !LEDName(l.Name) {
			return fmt.Errorf("leds: %q is no name", l.Name)
		}
	}
	for _, z := range p.Thermal {
		if z.Zone == "" || z.Limit < 40 || z.Limit > 125 {
			return fmt.Errorf("thermal: %q at %d °C", z.Zone, z.Limit)
		}
	}
	for _, w := range words {
		if w.Zh == "" || w.En == "" {
			return errors.New("something is not said in both languages")
		}
	}
	one := func(s string, of ...string) bool { return slices.Contains(of, s) }
	switch {
	case len(p.Match.Compatible)+len(p.Match.Arch) == 0:
		return errors.New("match: missing")
	case len(p.Sources) == 0:
		return errors.New("sources: missing: say where this is from")
	case !device(p.Watchdog.Device) || p.Watchdog.Longest < 10 || p.Watchdog.Longest > 600:
		return errors.New("watchdog: a device and the longest time, 10 to 600 s, are needed")
	case !one(p.Decoder.Name, "v4l2m2m", "rkmpp", "none") || !one(p.Decoder.Hardware, "auto", "off"):
		return errors.New("decoder: name or hardware is not known")
	case (p.Decoder.Name == "none") != (p.Decoder.Device == ""):
		return errors.New("decoder: name and device go together")
	case !one(p.Storage.Journal, Volatile, Persistent) || !one(p.Storage.Lookback, "memory", "disk") || p.Storage.Evidence == "":
		return errors.New("storage: journal, lookback or evidence is not known")
	}
	return nil
}

// Where the system's log can be.
const (
	Volatile   = "volatile"
	Persistent = "persistent"
)

func device(s string) bool { return strings.HasPrefix(s, "/dev/") && path.Clean(s) == s }

// LEDName says whether s can be a name in /sys/class/leds.
func LEDName(s string) bool {
	return s != "" && len(s) <= 64 && s != "." && s != ".." &&
		strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }) < 0
}

// StateLED returns the name of the LED of the board that is there and fit to tell how the gateway
// is; empty if there is none. root is in front of /sys, for tests.
func (p *Profile) StateLED(root string) string {
	for _, l := range p.LEDs {
		if l.State && exists(root, "sys/class/leds", l.Name) {
			return l.Name
		}
	}
	return ""
}
