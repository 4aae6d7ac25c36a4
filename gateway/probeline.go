package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"sentrybox/drivers/modbus"
	"sentrybox/drivers/port"
	"sentrybox/gateway/probe"
	"sentrybox/gateway/profile"
	"sentrybox/gateway/text"
)

// lineFlags are what probe takes for lines and buses.
type lineFlags struct {
	Baud      int    `placeholder:"N" help:"${help_baud}"`
	Parity    string `default:"none" enum:"none,even,odd" help:"${help_parity}"`
	Addresses string `placeholder:"1-247" help:"${help_units}"`
	library
}

// lines returns the settings to try.
func (c *lineFlags) lines() []profile.Line {
	if c.Baud == 0 {
		return probe.Usual()
	}
	return []profile.Line{{Baud: c.Baud, DataBits: 8, Parity: c.Parity, StopBits: 1}}
}

// profiles returns all profiles that can be read; the others are told about.
func (c *lineFlags) profiles(e *env) ([]*profile.Profile, error) {
	ids, err := profile.Library{Folder: c.Folder}.IDs()
	if err != nil {
		return nil, err
	}
	var all []*profile.Profile
	for _, id := range ids {
		if p, err := c.open(id); err != nil {
			e.complain(err)
		} else {
			all = append(all, p)
		}
	}
	return all, nil
}

// listen says what a serial line sounds like.
func (c *probeCmd) listen(e *env, address string) error {
	profiles, err := c.profiles(e)
	if err != nil {
		return err
	}
	l := &probe.Listener{Address: address, Lines: c.lines(), Profiles: profiles}
	l.Trying = func(line profile.Line) { c.progress(e, "probe.listening", setting(line)) }
	h, err := l.Run(e.ctx)
	switch {
	case err != nil:
		return lineError(address, err)
	case h == nil:
		return &sentence{"probe.silent", nil}
	case c.JSON:
		return json.NewEncoder(e.out).Encode(heardJSON(h))
	}
	p := &printer{w: e.out, lang: e.lang}
	p.line("probe.line", setting(h.Line), text.T(e.lang, text.Key("probe.kind."+h.Kind)))
	switch h.Kind {
	case probe.Modbus:
		p.line("probe.unit", h.Unit)
	case probe.Fixed, probe.Framed:
		p.line("probe.frame", h.Frame.Fixed, spaced(h.Frame.Start))
	}
	if c := h.Frame.Checksum; h.Kind == probe.Framed {
		p.line("probe.checksum", string(c.Kind), c.From)
	}
	for _, b := range h.Bursts[:min(3, len(h.Bursts))] {
		p.line("probe.sample", sample(b))
	}
	for _, m := range h.Matches {
		p.line("probe.match", m.Profile.ID, m.Profile.Name.In(e.lang), values(e, m.Values))
	}
	return p.err
}

// setting writes a line's settings as technicians do: 9600 8N1.
func setting(l profile.Line) string {
	return fmt.Sprintf("%d %d%s%d", l.Baud, l.DataBits, strings.ToUpper(l.Parity[:1]), l.StopBits)
}

func spaced(b []byte) string { return strings.ToUpper(strings.TrimSpace(fmt.Sprintf("% x", b))) }

// sample shows the beginning of a burst, as digits and as text.
func sample(b []byte) string {
	b = b[:min(len(b), 32)]
	return spaced(b) + "  " + strconv.Quote(string(b))
}

func values(e *env, all []profile.Value) string {
	var parts []string
	for _, v := range all[:min(len(all), 8)] {
		parts = append(parts, v.Field.Title(e.lang)+" "+v.Format(e.lang))
	}
	return strings.Join(parts, text.T(e.lang, "profile.comma"))
}

// few addresses are asked slowly.
const few = 8

// scan looks for units on a Modbus bus: on a line, or modbus://host:502.
func (c *probeCmd) scan(e *env, url string) error {
	profiles, err := c.profiles(e)
	if err != nil {
		return err
	}
	b := &probe.Bus{Framing: modbus.RTU, Lines: c.lines(), Profiles: profiles}
	scheme, address, _ := strings.Cut(url, "://")
	if !strings.HasPrefix(address, "/") {
		if scheme == "modbus" {
			b.Framing = modbus.TCP
			if _, _, err := net.SplitHostPort(address); err != nil {
				address = net.JoinHostPort(address, "502")
			}
		}
		address = "tcp://" + address
		b.Lines = b.Lines[:1] // its server sets the line
	}
	if c.Addresses != "" {
		if b.First, b.Last, err = addresses(c.Addresses); err != nil {
			return err
		}
		if b.Last-b.First < few { // then each may take its time
			b.Timeout = 2 * time.Second
		}
	}
	b.Open = func(l profile.Line) (port.Open, time.Duration, error) {
		cfg := port.Config{Address: address, Baud: l.Baud, DataBits: l.DataBits, Parity: port.Parity(l.Parity), StopBits: l.StopBits}
		open, err := port.New(cfg)
		return open, cfg.CharTime(), err
	}
	b.Trying = func(l profile.Line, a byte) { c.progress(e, "probe.asking", setting(l), a) }
	units, err := b.Run(e.ctx)
	switch {
	case err != nil:
		return lineError(address, err)
	case len(units) == 0:
		return &sentence{"probe.nobody", nil}
	case c.JSON:
		return json.NewEncoder(e.out).Encode(unitsJSON(units))
	}
	p := &printer{w: e.out, lang: e.lang}
	for _, u := range units {
		p.line("probe.found", u.Address, setting(u.Line), u.Answer)
		for _, m := range u.Matches {
			p.line("probe.match", m.Profile.ID, m.Profile.Name.In(e.lang), values(e, m.Values))
		}
	}
	return p.err
}

func addresses(s string) (first, last byte, err error) {
	from, to, two := strings.Cut(s, "-")
	if !two {
		to = from
	}
	a, err1 := strconv.ParseUint(from, 10, 8)
	b, err2 := strconv.ParseUint(to, 10, 8)
	if err1 != nil || err2 != nil || a < 1 || a > b || b > 247 {
		return 0, 0, &sentence{"probe.addresses", []any{s}}
	}
	return byte(a), byte(b), nil
}

// progress shows on a terminal what is being tried.
func (c *probeCmd) progress(e *env, key text.Key, args ...any) {
	if isTerminal(e.errOut) {
		_, _ = fmt.Fprintf(e.errOut, "\r\x1b[K%s\r", text.T(e.lang, key, args...))
	}
}

// lineError says in the user's language why a line cannot be opened.
func lineError(address string, err error) error {
	switch {
	case errors.Is(err, port.ErrBusy):
		return &sentence{"probe.busy", []any{address}}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, port.ErrUnplugged):
		return &sentence{"probe.absent", []any{address}}
	case errors.Is(err, fs.ErrPermission):
		return &sentence{"probe.denied", []any{address}}
	}
	return err
}

// matchJSON is a match for programs.
type matchJSON struct {
	Profile string         `json:"profile"`
	Values  map[string]any `json:"values"`
}

func matchesJSON(all []probe.Match) []matchJSON {
	out := make([]matchJSON, 0, len(all))
	for _, m := range all {
		j := matchJSON{m.Profile.ID, map[string]any{}}
		for _, v := range m.Values {
			if j.Values[v.Field.Name] = v.Number; v.Field.IsText() {
				j.Values[v.Field.Name] = v.Text
			}
		}
		out = append(out, j)
	}
	return out
}

func heardJSON(h *probe.Heard) any {
	out := struct {
		Baud     int         `json:"baud"`
		DataBits int         `json:"data_bits"`
		Parity   string      `json:"parity"`
		StopBits int         `json:"stop_bits"`
		Kind     probe.Kind  `json:"kind"`
		Size     int         `json:"size,omitempty"`
		Start    string      `json:"start,omitempty"`
		Checksum string      `json:"checksum,omitempty"`
		Unit     int         `json:"unit,omitempty"`
		Samples  []string    `json:"samples"`
		Matches  []matchJSON `json:"matches"`
	}{
		Baud: h.Line.Baud, DataBits: h.Line.DataBits, Parity: h.Line.Parity, StopBits: h.Line.StopBits, Kind: h.Kind,
		Size: h.Frame.Fixed, Start: spaced(h.Frame.Start), Checksum: string(h.Frame.Checksum.Kind), Unit: int(h.Unit), Matches: matchesJSON(h.Matches),
	}
	for _, b := range h.Bursts[:min(5, len(h.Bursts))] {
		out.Samples = append(out.Samples, hex.EncodeToString(b[:min(len(b), 64)]))
	}
	return out
}

func unitsJSON(units []probe.Unit) any {
	type unit struct {
		Address int         `json:"address"`
		Baud    int         `json:"baud"`
		Parity  string      `json:"parity"`
		Answer  string      `json:"answer"`
		Matches []matchJSON `json:"matches"`
	}
	out := make([]unit, 0, len(units))
	for _, u := range units {
		out = append(out, unit{int(u.Address), u.Line.Baud, u.Line.Parity, u.Answer, matchesJSON(u.Matches)})
	}
	return out
}
