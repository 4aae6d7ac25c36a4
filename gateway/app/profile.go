package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	boards "sentrybox/gateway/board"
)

// thisBoard returns what is known of the board that this is, below root, which is / but in
// tests; of one that is not known a profile that says nothing.
func thisBoard(root string, log *slog.Logger) boards.Profile {
	all, err := boards.Profiles()
	if err != nil {
		log.Error("the boards are not known", "error", err)
		return boards.Profile{}
	}
	if p := boards.Find(all, boards.Read(root, runtime.GOARCH)); p != nil {
		return *p
	}
	return boards.Profile{}
}

// heatLimits returns at what temperatures the board slows down, in °C by the type of zone.
func heatLimits(p boards.Profile) map[string]int {
	all := make(map[string]int, len(p.Thermal))
	for _, z := range p.Thermal {
		all[z.Zone] = z.Limit
	}
	return all
}

// withBoard adds the serial ports of the board that are there to others, and takes the
// system's own console away, in order.
func withBoard(ports []string, root string, p boards.Profile) []string {
	for _, s := range p.Serial {
		ports = slices.DeleteFunc(ports, func(name string) bool { return name == s.Port })
		if s.Console {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, s.Port)); err == nil {
			ports = append(ports, s.Port)
		}
	}
	slices.Sort(ports)
	return ports
}
