package overlay

import (
	"fmt"
	"strings"

	"sentrybox/analytics/wire"
)

const (
	maxTrackRows = 8
	maxNoteRows  = 6 // of one rule, while there is room
	rowHeight    = lineHeight + 1
)

// row is a line of the panel.
type row struct {
	s   string
	col colour
}

// drawPanel writes the tracks, the rules' opinions and the events, and leaves
// out what there is no room for, saying so.
func (r *Renderer) drawPanel(remark string) {
	room := (r.canvas.img.Rect.Dy() - 2*panelMargin) / rowHeight
	rows := r.head(remark)
	events := r.eventRows()
	room -= len(rows) + len(events)
	tracks := r.trackRows()
	rules := make([][]row, len(r.cfg.Rules))
	need := len(tracks)
	for i := range rules {
		rules[i] = r.ruleRows(i)
		need += len(rules[i])
	}
	for most := maxNoteRows; need > room && most >= 1; most-- {
		tracks = cut(tracks, most+2)
		need = len(tracks)
		for i := range rules {
			rules[i] = cut(rules[i], most+1)
			need += len(rules[i])
		}
	}
	rows = append(rows, tracks...)
	for _, rule := range rules {
		rows = append(rows, rule...)
	}
	rows = append(rows, events...)
	x, y := r.view.Max.X+panelMargin, panelMargin
	for _, row := range rows {
		r.canvas.text(x, y, clip(row.s), row.col)
		y += rowHeight
	}
	if len(r.cfg.Rules) == 0 {
		r.canvas.text(x, y, "no rules", grey())
	}
}

// cut leaves at most n rows, of which the last says that there are more.
func cut(rows []row, n int) []row {
	if len(rows) <= n {
		return rows
	}
	rows = rows[:n]
	rows[n-1] = row{rows[n-1].s + " ...", rows[n-1].col}
	return rows
}

func clip(s string) string {
	if r := []rune(s); len(r) > panelChars {
		return string(r[:panelChars-3]) + "..."
	}
	return s
}

// wrap breaks a text into rows at its spaces, those after the first indented.
func wrap(s, indent string, col colour) []row {
	var rows []row
	for len(s) > panelChars {
		at := strings.LastIndexByte(s[:panelChars+1], ' ')
		if at <= len(indent) {
			break
		}
		rows = append(rows, row{s[:at], col})
		s = indent + s[at+1:]
	}
	return append(rows, row{s, col})
}

func (r *Renderer) head(remark string) []row {
	rows := []row{{fmt.Sprintf("%8.2f s  %s", r.now.Seconds(), latin(r.cfg.Camera)), white()}}
	s := fmt.Sprintf("foreground %.1f %%, %d blobs, %d tracks", 100*r.last.Foreground, len(r.last.Blobs), len(r.last.Tracks))
	col := grey()
	if r.last.Settling {
		s, col = s+", settling: nothing new is believed", yellow()
	}
	rows = append(rows, row{s, col})
	if remark != "" {
		rows = append(rows, row{remark, red()})
	}
	return rows
}

func (r *Renderer) trackRows() []row {
	if len(r.last.Tracks) == 0 {
		return nil
	}
	rows := []row{{"tracks", white()}}
	for i := range r.last.Tracks {
		t := &r.last.Tracks[i]
		s := fmt.Sprintf("  #%d %s, %.1f s", t.ID, t.Nature, t.Age)
		if t.Hidden {
			s += ", hidden"
		}
		if t.Shared {
			s += ", shared"
		}
		if t.Nature != wire.Person && t.Why != "" {
			s += ": " + saidAs(t.Why) + " (" + measures(t.Measures) + ")"
		}
		rows = append(rows, wrap(s, "     ", natureColour(t.Nature))...)
	}
	return cut(rows, 1+2*maxTrackRows)
}

// ruleRows says what a rule thinks: its name and, below, its notes.
func (r *Renderer) ruleRows(rule int) []row {
	c := &r.cfg.Rules[rule]
	s := fmt.Sprintf("%d %s %s", rule+1, words(string(c.Kind)), r.zoneOf(c.Zone))
	if c.People > 0 {
		s += fmt.Sprintf(", %d people", c.People)
	}
	if c.After > 0 {
		s += fmt.Sprintf(", after %s s", short(c.After))
	}
	head := row{s, white()}
	if rule < len(r.last.Armed) && !r.last.Armed[rule] {
		head = row{s + " (disarmed)", grey()}
	}
	for i := range r.events {
		if e := &r.events[i]; e.Rule == rule && e.open {
			head.col = red()
		}
	}
	rows := []row{head}
	for i := range r.last.Notes {
		if n := &r.last.Notes[i]; n.Rule == rule {
			rows = append(rows, wrap("  "+r.said(i, n), "     ", stanceColour(n.Stance))...)
		}
	}
	return rows
}

func (r *Renderer) zoneOf(name string) string {
	for i := range r.cfg.Zones {
		if r.cfg.Zones[i].Name == name {
			return r.names[i]
		}
	}
	return latin(name)
}

// said returns a note in words.
func (r *Renderer) said(i int, n *wire.Note) string {
	var parts []string
	switch letter, ok := r.letters[i]; {
	case n.Track != 0:
		parts = append(parts, fmt.Sprintf("#%d", n.Track))
	case ok:
		parts = append(parts, string(rune(letter)))
	}
	if len(n.Measures) > 0 {
		parts = append(parts, measures(n.Measures))
	}
	s := strings.Join(parts, " ")
	switch {
	case n.Why == wire.NotPerson:
		s += ": " + saidAs(n.Why) + r.doubt(n.Track)
	case n.Why != "" && n.Stance == wire.Refused:
		s += ": refused, " + saidAs(n.Why)
	case n.Why != "":
		s += ": " + saidAs(n.Why)
	}
	return s
}

// doubt returns why a track is no person yet.
func (r *Renderer) doubt(id uint64) string {
	for i := range r.last.Tracks {
		if t := &r.last.Tracks[i]; t.ID == id && t.Why != "" {
			return ", " + saidAs(t.Why)
		}
	}
	return ""
}

func (r *Renderer) eventRows() []row {
	if len(r.events) == 0 {
		return nil
	}
	rows := []row{{"events", white()}}
	for i := range r.events {
		e := &r.events[i]
		s, col := fmt.Sprintf("  %.1f s %s %s, from %.1f", e.Detected, words(string(e.Kind)), r.zoneOf(e.Zone), e.Start), grey()
		if !e.open {
			s += fmt.Sprintf(" to %.1f", e.End)
		}
		s += fmt.Sprintf(" s, %.2f", e.Confidence)
		if e.Floor != "" {
			s += ", floor " + latin(e.Floor)
		}
		if e.open || r.fresh(e) > 0 {
			col = red()
		}
		rows = append(rows, wrap(s, "     ", col)...)
	}
	return rows
}
