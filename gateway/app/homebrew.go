package app

import (
	"fmt"
	"log/slog"
	"strconv"

	"sentrybox/drivers/homebrew"
	"sentrybox/gateway/config"
	"sentrybox/gateway/radio"
)

// homebrewConfig is what the master of DMR repeaters takes.
func homebrewConfig(h *config.Homebrew, log *slog.Logger) (any, error) {
	c := homebrew.Config{Listen: h.Listen, Repeaters: map[uint32]string{}, Log: log}
	for id, r := range h.Repeaters {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("repeater %s: not a number", id)
		}
		c.Repeaters[uint32(n)] = r.Password.Reveal()
	}
	return c, nil
}

// nameStations gives the stations of a system, which are no units, their names.
func nameStations(s *radio.System, r *config.Radio) {
	if r.Homebrew == nil {
		return
	}
	for id, x := range r.Homebrew.Repeaters {
		if _, known := s.Units[id]; !known && x.Name != "" {
			s.Units[id] = radio.Unit{Name: x.Name}
		}
	}
}
