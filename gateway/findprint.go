package main

import (
	"fmt"
	"strings"

	"sentrybox/gateway/find"
	"sentrybox/gateway/text"
)

// printFound prints a table of devices, what their streams are, and what to write
// into a configuration.
func printFound(e *env, results []find.Result, templates []find.Template, signedIn bool) error {
	p := &printer{w: e.out, lang: e.lang}
	if len(results) == 0 {
		p.line("find.none")
		return p.err
	}
	for i := range results {
		results[i].Brand = find.BrandName(templates, results[i].Brand, e.lang)
	}
	p.table(deviceRows(e.lang, results, signedIn))
	for i := range results {
		p.device(&results[i])
	}
	if snippet := find.Snippet(results); snippet != "" {
		p.line("")
		p.line("find.snippet", "CAM_PASSWORD")
		p.line("")
		p.line(text.Key(strings.TrimRight(snippet, "\n")))
	}
	return p.err
}

func deviceRows(l text.Lang, results []find.Result, signedIn bool) [][]string {
	var head []string
	for _, key := range []text.Key{"address", "brand", "model", "speaks", "way", "result"} {
		head = append(head, text.T(l, "find.head."+key))
	}
	rows := [][]string{head}
	for _, r := range results {
		var speaks, ways []string
		if r.ONVIF != "" {
			speaks = append(speaks, "ONVIF")
		}
		for _, port := range r.RTSP {
			speaks = append(speaks, fmt.Sprint("RTSP ", port))
		}
		if r.DVRIP != 0 {
			speaks = append(speaks, "DVRIP")
		}
		for _, w := range r.Ways {
			ways = append(ways, text.T(l, text.Key("find.way."+string(w))))
		}
		result := "-"
		switch {
		case r.Failure != "":
			result = text.T(l, text.Key("find."+string(r.Failure)))
		case len(r.Cameras) > 0:
			result = text.T(l, "find.ok")
		}
		name := r.Model
		if name == "" {
			name = r.Name
		}
		rows = append(rows, []string{r.Addr.String(), r.Brand, name, strings.Join(speaks, ", "), strings.Join(ways, ", "), result})
	}
	if !signedIn {
		for i := range rows {
			rows[i] = rows[i][:len(rows[i])-1]
		}
	}
	return rows
}

// table prints rows in columns. A Chinese character is two columns of a terminal wide.
func (p *printer) table(rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], columns(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-columns(cell)+2))
			}
		}
		p.line(text.Key(strings.TrimRight(b.String(), " ")))
	}
}

func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xffdc) { // East Asian wide, Unicode TR 11
			n++
		}
	}
	return n
}

// device prints what is known beyond the table.
func (p *printer) device(r *find.Result) {
	for _, c := range r.Cameras {
		p.line("")
		p.line("find.camera", c.ID, c.Channel)
		for i := range c.Streams {
			p.stream(&c, i)
		}
		for _, n := range c.Notes {
			p.line(text.Key("  " + text.T(p.lang, "find.note", n.Text(p.lang))))
		}
	}
	trouble := r.Failure != "" || len(r.Notes) > 0 || r.Elsewhere != ""
	if trouble && len(r.Cameras) == 0 {
		p.line("")
		p.line(text.Key(r.Addr.String() + ":"))
	}
	if r.Elsewhere != "" {
		p.line("find.note", text.T(p.lang, "find.elsewhere", r.Elsewhere))
	}
	for _, n := range r.Notes {
		p.line("find.note", n.Text(p.lang))
	}
	if r.Failure == "" {
		return
	}
	for _, a := range r.Attempts {
		if !a.Well {
			p.line("find.tried", a.Way, a.Reason)
		}
	}
	if hint := r.Hint(p.lang); hint != "" {
		p.line("find.hint", hint)
	}
}

func (p *printer) stream(c *find.Camera, i int) {
	s := &c.Streams[i]
	every := "-"
	if s.Keyframe > 0 {
		every = fmt.Sprintf("%.1f s", s.Keyframe.Seconds())
	}
	line := "  " + text.T(p.lang, "find.stream", s.Codec, s.Width, s.Height, s.FPS, s.Bitrate/1000, every)
	switch {
	case i == c.Main && c.Detect < 0:
		line += "  " + text.T(p.lang, "find.use.both")
	case i == c.Main:
		line += "  " + text.T(p.lang, "find.use.main")
	case i == c.Detect:
		line += "  " + text.T(p.lang, "find.use.detect")
	}
	p.line(text.Key(line))
	p.line(text.Key("    " + s.Shown))
	for _, n := range s.Notes {
		p.line(text.Key("    " + text.T(p.lang, "find.note", n.Text(p.lang))))
	}
}
