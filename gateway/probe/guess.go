package probe

import (
	"bytes"
	"strings"

	"sentrybox/drivers/modbus"
	"sentrybox/drivers/uart"
	"sentrybox/gateway/profile"
)

// Kind is what a line looks like.
type Kind string

// The kinds.
const (
	Noise   Kind = "noise"  // nothing that makes sense
	Fixed   Kind = "fixed"  // frames of one length
	Lines   Kind = "lines"  // lines of text
	Framed  Kind = "framed" // frames with a checksum
	Modbus  Kind = "modbus" // Modbus RTU between others
	Profile Kind = "profile"
)

// Guess is what was made of a line.
type Guess struct {
	Kind  Kind
	Score float64 // 0 nothing, 3 and more without doubt
	// Frame is the framing of Fixed, Lines and Framed.
	Frame uart.Framing
	// Unit is the first address that was heard on a line of Modbus.
	Unit byte
	// Matches are profiles that make sense of it, the best first.
	Matches []Match
}

// Match is a profile that makes sense of what was heard.
type Match struct {
	Profile *profile.Profile
	Frames  int
	Share   float64 // of all bytes that were in frames of the profile
	Values  []profile.Value
	SetSo   bool // the line is set as the profile has it
	// Bits is, on Modbus, how little of it all would come about by chance.
	Bits float64
}

const certain = 3

// guess looks at what was heard.
func guess(bursts [][]byte, line profile.Line, profiles []*profile.Profile) Guess {
	g := Guess{Kind: Noise}
	if unit, share := modbusTraffic(bursts); share > 0.5 {
		g = Guess{Kind: Modbus, Score: 2.5 * share, Unit: unit}
	} else if f, ok := framed(bursts); ok {
		g = Guess{Kind: Framed, Score: 2.2, Frame: f}
	} else if end := lines(bursts); end != nil {
		g = Guess{Kind: Lines, Score: 2, Frame: uart.Framing{End: end, Text: true}}
	} else if f, ok := fixed(bursts); ok {
		g = Guess{Kind: Fixed, Score: 1, Frame: f}
	}
	for _, p := range profiles {
		if p.Serial == nil {
			continue
		}
		m := match(bursts, p)
		if m.Frames == 0 || m.Share < 0.5 {
			continue
		}
		m.SetSo = p.Serial.Line == line
		g.Matches = insert(g.Matches, m)
	}
	if len(g.Matches) > 0 && g.Matches[0].strong() {
		g.Kind, g.Score = Profile, 2+g.Matches[0].Share
		if g.Matches[0].SetSo {
			g.Score++
		}
	}
	return g
}

// strong reports whether the frames would hardly come about by chance.
func (m Match) strong() bool {
	f := m.Profile.Serial.Framing()
	return m.Frames >= 2 && (f.Checksum.Kind != uart.None || f.Text) || m.Frames >= 5
}

// insert puts m among matches, the best first.
func insert(all []Match, m Match) []Match {
	i := 0
	for i < len(all) && all[i].weight() >= m.weight() {
		i++
	}
	all = append(all, Match{})
	copy(all[i+1:], all[i:])
	all[i] = m
	return all
}

func (m Match) weight() float64 {
	w := m.Share
	if m.SetSo {
		w += 0.2
	}
	if m.strong() {
		w++
	}
	return w
}

// match reads the bursts by a profile.
func match(bursts [][]byte, p *profile.Profile) Match {
	m := Match{Profile: p}
	d, err := p.NewDecoder(nil)
	if err != nil {
		return m
	}
	split := uart.NewSplitter(p.Serial.Framing())
	split.Reset()
	total, used := 0, 0
	take := func(frames []uart.Frame) {
		for _, f := range frames {
			values, _, err := d.Decode(nil, profile.Input{Data: f.Data})
			if err != nil {
				continue
			}
			m.Frames++
			used += len(f.Raw)
			if len(values) > 0 {
				m.Values = values
			}
		}
	}
	for _, b := range bursts {
		total += len(b)
		take(split.Push(b))
	}
	take(split.Idle())
	m.Share = float64(used) / float64(max(total, 1))
	return m
}

// modbusTraffic returns the first address in frames of Modbus RTU, and which part
// of all bursts are such.
func modbusTraffic(bursts [][]byte) (unit byte, share float64) {
	n := 0
	for _, b := range bursts {
		if len(b) < 5 || len(b) > 256 || b[0] > 247 || b[1]&0x7f == 0 || b[1]&0x7f > 0x2b {
			continue
		}
		if crc := modbus.CRC(b[:len(b)-2]); b[len(b)-2] == byte(crc) && b[len(b)-1] == byte(crc>>8) {
			if n++; n == 1 {
				unit = b[0]
			}
		}
	}
	return unit, float64(n) / float64(len(bursts))
}

// lines returns what ends lines, if the bursts are text.
func lines(bursts [][]byte) []byte {
	all := bytes.Join(bursts, nil)
	odd := 0
	for _, c := range all {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			odd++
		}
	}
	if odd*20 > len(all) {
		return nil
	}
	for _, end := range []string{"\r\n", "\n", "\r"} {
		if bytes.Contains(all, []byte(end)) {
			return []byte(end)
		}
	}
	return nil
}

// fixed looks for bursts that mostly have one length and one beginning.
func fixed(bursts [][]byte) (uart.Framing, bool) {
	same := common(bursts)
	if len(same) < atLeast || len(same)*10 < len(bursts)*6 {
		return uart.Framing{}, false
	}
	n := len(same[0])
	f := uart.Framing{Fixed: n}
	for f.Start = same[0][:min(n-1, 4)]; len(f.Start) > 0; f.Start = f.Start[:len(f.Start)-1] {
		alike := true
		for _, b := range same {
			alike = alike && bytes.HasPrefix(b, f.Start)
		}
		if alike {
			break
		}
	}
	return f, n > 1
}

// common returns the bursts of the most common length.
func common(bursts [][]byte) [][]byte {
	byLength := map[int][][]byte{}
	best := 0
	for _, b := range bursts {
		byLength[len(b)] = append(byLength[len(b)], b)
		if len(byLength[len(b)]) > len(byLength[best]) {
			best = len(b)
		}
	}
	return byLength[best]
}

// framed looks for a checksum at the end of bursts that are not all the same.
func framed(bursts [][]byte) (uart.Framing, bool) {
	f, ok := fixed(bursts)
	if !ok {
		return f, false
	}
	same := common(bursts)
	different := map[string]bool{}
	for _, b := range same {
		different[string(b)] = true
	}
	if len(different) < 2 || f.Fixed < 3 {
		return f, false
	}
	for _, kind := range uart.Kinds() {
		if kind == uart.Custom {
			continue
		}
		for option := range 3 * 2 * 3 {
			c := uart.Checksum{
				Kind: kind, From: option % 3, Little: option/3%2 == 1,
				Negate: []uart.Negation{uart.NoNegation, uart.TwosComplement, uart.OnesComplement}[option/6],
			}
			if strings.HasPrefix(string(kind), "crc") && c.Negate != uart.NoNegation {
				continue
			}
			if holds(c, same) {
				f.Checksum = c
				return f, true
			}
		}
	}
	return f, false
}

// holds reports whether all frames end with the checksum.
func holds(c uart.Checksum, frames [][]byte) bool {
	for _, b := range frames {
		empty, _ := c.Append(nil, make([]byte, c.From))
		at := len(b) - len(empty)
		if at <= c.From {
			return false
		}
		if want, ok := c.Append(nil, b[:at]); !ok || !bytes.Equal(want, b[at:]) {
			return false
		}
	}
	return true
}
