package probe

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/port"
	"sentrybox/gateway/profile"
)

// Bus is a Modbus bus to be looked through, which nobody else uses meanwhile.
type Bus struct {
	Open     func(profile.Line) (port.Open, time.Duration, error) // and how long a character takes
	Framing  modbus.Framing
	Lines    []profile.Line // to try in turn; one for Modbus TCP
	First    byte           // addresses to ask, all of 1 to 247 if 0
	Last     byte
	Timeout  time.Duration // of a unit that is not there, 150 ms if 0
	Profiles []*profile.Profile
	Trying   func(line profile.Line, address byte) // before each address; it may be nil
}

// Unit is a device on the bus.
type Unit struct {
	Line    profile.Line
	Address byte
	Answer  string  // as Scan has it
	Matches []Match // profiles whose registers can be read and make sense
}

// Run looks for units, at the first setting of the line with which any answers, and
// reads each by every profile. With many settings to try it first asks the
// addresses that devices come with.
func (b *Bus) Run(ctx context.Context) ([]Unit, error) {
	for _, line := range b.Lines {
		if len(b.Lines) > 1 && b.First == 0 {
			if any, err := b.quick(ctx, line); err != nil || !any {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		found, err := b.scan(ctx, line, b.First, b.Last)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		var units []Unit
		for _, f := range found {
			u := Unit{Line: line, Address: f.Address, Answer: f.Answer}
			for _, p := range b.Profiles {
				if m, ok := b.read(ctx, line, f.Address, p); ok {
					u.Matches = append(u.Matches, m)
				}
			}
			slices.SortStableFunc(u.Matches, func(x, y Match) int { return cmp.Compare(y.sure(), x.sure()) })
			units = append(units, u)
		}
		return units, ctx.Err()
	}
	return nil, nil
}

// usual is the last of the low addresses that devices come with.
const usual = 8

// quick asks the addresses that devices come with from the factory.
func (b *Bus) quick(ctx context.Context, line profile.Line) (bool, error) {
	found, err := b.scan(ctx, line, 1, usual)
	if err != nil || len(found) > 0 {
		return len(found) > 0, err
	}
	asked := map[byte]bool{}
	for _, p := range b.Profiles {
		if p.Modbus == nil || p.Modbus.Address <= usual || asked[byte(p.Modbus.Address)] {
			continue
		}
		a := byte(p.Modbus.Address)
		asked[a] = true
		if found, err = b.scan(ctx, line, a, a); err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}

func (b *Bus) scan(ctx context.Context, line profile.Line, first, last byte) ([]modbus.Found, error) {
	open, char, err := b.Open(line)
	if err != nil {
		return nil, err
	}
	told := func(a byte) {
		if b.Trying != nil {
			b.Trying(line, a)
		}
	}
	return modbus.Scan(ctx, modbus.ScanConfig{
		Open: open, CharTime: char, Framing: b.Framing, First: first, Last: last, Timeout: b.Timeout,
	}, told)
}

// readFor is how long a unit may take for everything that a profile reads, besides its time to think and
// what the line takes.
const readFor = 3 * time.Second

// patience is how long the reading of a unit by a profile may take on a line with that time of a character.
func patience(m *profile.Modbus, char time.Duration) time.Duration {
	all := readFor
	for _, r := range m.Reads {
		all += cmp.Or(time.Duration(m.Timeout), 2*time.Second) + time.Duration(m.Pause) + time.Duration(2*r.Count+13)*char
	}
	return all
}

// sure is how likely a match is, in bits. Devices mostly keep the speed that they
// came with.
func (m Match) sure() float64 {
	if m.SetSo {
		return m.Bits + 8
	}
	return m.Bits
}

// read reads a unit by a profile.
func (b *Bus) read(ctx context.Context, line profile.Line, address byte, p *profile.Profile) (Match, bool) {
	if p.Modbus == nil || len(p.Modbus.Reads) == 0 {
		return Match{}, false
	}
	open, char, err := b.Open(line)
	if err != nil {
		return Match{}, false
	}
	unit := modbus.Unit{Address: address, Quirks: modbus.Quirks{Delay: time.Duration(p.Modbus.Pause)}}
	for _, r := range p.Modbus.Reads {
		unit.Sections = append(unit.Sections, modbus.Section{
			Name: r.Name, Table: modbus.TableOf(r.Function), Start: uint16(r.Register), Count: uint16(r.Count), Every: time.Second,
		})
	}
	d, err := modbus.New(modbus.Config{
		Open: open, CharTime: char, Framing: b.Framing, Timeout: time.Duration(p.Modbus.Timeout), Units: []modbus.Unit{unit},
	})
	if err != nil {
		return Match{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, patience(p.Modbus, char))
	defer cancel()
	answers := map[string][]byte{}
	_ = d.Run(ctx, func(m driver.Message) {
		if answers[m.Section] = m.Data; len(answers) == len(unit.Sections) {
			cancel()
		}
	})
	if len(answers) < len(unit.Sections) {
		return Match{}, false
	}
	return sense(p, answers, p.Modbus.Line == line)
}

// sense decodes the answers and holds every value against what the profile knows
// of it.
func sense(p *profile.Profile, answers map[string][]byte, setSo bool) (Match, bool) {
	m := Match{Profile: p, SetSo: setSo}
	d, err := p.NewDecoder(nil)
	if err != nil {
		return m, false
	}
	got := map[string]bool{}
	for _, r := range p.Modbus.Reads {
		values, _, err := d.Decode(nil, profile.Input{Section: r.Name, Data: answers[r.Name]})
		if err != nil {
			return m, false
		}
		m.Values = append(m.Values, values...)
		for _, v := range values {
			got[v.Field.Name] = true
			if len(v.Field.Labels) > 0 && !v.Labelled() {
				return m, false
			}
			if v.Number != 0 { // an unused register is 0
				m.Bits += v.Field.Selects()
			}
		}
	}
	for _, f := range p.Fields() {
		if f.Range.Set && !got[f.Name] { // read, and out of its range
			return m, false
		}
	}
	return m, true
}
