package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"sentrybox/gateway/board"
	"sentrybox/gateway/text"
)

// boardCmd tells which board this is, and bounds the system's log as fits it.
type boardCmd struct {
	List  bool   `xor:"what" help:"${help_board_list}"`
	Apply bool   `xor:"what" help:"${help_board_apply}"`
	JSON  bool   `help:"${help_json}"`
	Root  string `default:"/" hidden:"" type:"path"` // in front of /proc, /sys, /dev, /usr and /etc
	Arch  string `hidden:""`
}

func (c *boardCmd) Run(e *env) error {
	all, err := board.Profiles()
	if err != nil {
		return err
	}
	if c.List {
		return c.list(e, all)
	}
	if c.Arch == "" {
		c.Arch = runtime.GOARCH
	}
	m := board.Read(c.Root, c.Arch)
	p := board.Find(all, m)
	if c.Apply {
		return c.apply(e, p)
	}
	seen := board.Look(c.Root, m, p, e.lang)
	if c.JSON {
		return json.NewEncoder(e.out).Encode(seen)
	}
	_, err = fmt.Fprintln(e.out, strings.Join(boardLines(seen, e.lang), "\n"))
	return err
}

func (c *boardCmd) list(e *env, all []board.Profile) error {
	type entry struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	entries := make([]entry, 0, len(all))
	for _, p := range all {
		entries = append(entries, entry{p.ID, p.Name.In(e.lang)})
	}
	if c.JSON {
		return json.NewEncoder(e.out).Encode(entries)
	}
	for _, x := range entries {
		_, _ = fmt.Fprintf(e.out, "%-16s %s\n", x.ID, x.Name)
	}
	return nil
}

func (c *boardCmd) apply(e *env, p *board.Profile) error {
	if p == nil {
		return &sentence{"board.apply.unknown", nil}
	}
	changed, err := board.Apply(c.Root, p.Storage.Journal)
	if errors.Is(err, board.ErrForeign) {
		return &sentence{"board.foreign", []any{board.Dropin}}
	}
	if err != nil {
		return err
	}
	key := text.Key("board.same")
	if changed {
		key = "board.applied"
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, key, board.Dropin))
	return err
}

// boardLines writes what was seen for a person.
func boardLines(s board.Seen, l text.Lang) []string {
	model := s.Model
	if model == "" {
		model = text.T(l, "board.nomodel")
	}
	if s.ID == "" {
		return []string{text.T(l, "board.unknown", model)}
	}
	lines := []string{text.T(l, "board.is", s.Name, model)}
	part := func(p board.Part) {
		here := " [" + text.T(l, "board.absent") + "] "
		if p.Present {
			here = " [" + text.T(l, "board.here") + "] "
		}
		if p.Name == "none" {
			p.Name, here = "", ""
		}
		lines = append(lines, "  "+p.Name+here+p.What)
	}
	group := func(key text.Key, parts ...board.Part) {
		if len(parts) > 0 {
			lines = append(lines, text.T(l, key))
		}
		for _, p := range parts {
			part(p)
		}
	}
	group("board.serial", s.Serial...)
	group("board.watchdog", *s.Watchdog)
	group("board.leds", s.LEDs...)
	lines = append(lines, text.T(l, "board.thermal"))
	for _, h := range s.Thermal {
		said := text.T(l, "board.heat.absent", h.Limit)
		if h.Celsius != nil {
			said = text.T(l, "board.heat", *h.Celsius, h.Limit)
		}
		part(board.Part{Name: h.Zone, What: said, Present: h.Celsius != nil})
	}
	group("board.decoder", *s.Decoder)
	if len(s.Disks) > 0 {
		lines = append(lines, text.T(l, "board.disks"), "  "+strings.Join(s.Disks, " ")+": "+text.T(l, "board.disks.use"))
	}
	lines = append(lines, text.T(l, text.Key("board.journal."+s.Journal)), text.T(l, "board.config")+" "+text.T(l, "board.config.note"))
	for _, line := range s.Config {
		lines = append(lines, "  "+line)
	}
	return lines
}
