package find

import (
	"fmt"
	"strings"

	"sentrybox/gateway/text"
)

// recommend chooses the streams for evidence and analysis, and notes what is not as it
// should be.
func (c *Camera) recommend() {
	c.Main, c.Detect = 0, -1
	for i, s := range c.Streams {
		if s.pixels() > c.Streams[c.Main].pixels() {
			c.Main = i
		}
	}
	// The largest that suits; of the others, the one that is nearest to.
	for i := range c.Streams {
		if i != c.Main && c.better(i, c.Detect) {
			c.Detect = i
		}
	}
	main := &c.Streams[c.Main]
	switch {
	case c.Detect < 0 && main.suits():
		// One stream that serves for both.
	case c.Detect < 0:
		c.Notes = append(c.Notes, Note{Key: "find.note.no_sub"})
	case !c.Streams[c.Detect].suits():
		c.Notes = append(c.Notes, c.Streams[c.Detect].wishes()...)
	}
}

// better says whether stream i is a better one for analysis than j, -1 for none.
func (c *Camera) better(i, j int) bool {
	a := &c.Streams[i]
	if a.Width < detectWidth || a.pixels() >= c.Streams[c.Main].pixels() {
		return false
	}
	if j < 0 {
		return true
	}
	b := &c.Streams[j]
	if a.suits() != b.suits() {
		return a.suits()
	}
	if a.suits() {
		return a.pixels() > b.pixels()
	}
	if h := a.Codec == "H.264"; h != (b.Codec == "H.264") {
		return h
	}
	return a.pixels() < b.pixels()
}

// wishes are what should be changed in the settings of a substream.
func (s *Stream) wishes() []Note {
	var notes []Note
	if s.Codec != "H.264" {
		notes = append(notes, Note{"find.note.sub_codec", []any{s.Codec}})
	}
	if s.pixels() > detectPixels {
		notes = append(notes, Note{"find.note.sub_size", []any{s.Width, s.Height}})
	}
	if s.FPS < detectFPS-0.5 {
		notes = append(notes, Note{"find.note.sub_rate", []any{s.FPS}})
	}
	if s.Keyframe == 0 || s.Keyframe > detectKeyframe {
		notes = append(notes, Note{Key: "find.note.sub_keyframes"})
	}
	return notes
}

// Hint is what is known of the brand, for a device that did not let us in; "" if
// nothing is.
func (r *Result) Hint(l text.Lang) string {
	if r.hint == nil {
		return ""
	}
	return strings.TrimSpace(r.hint.Hint(l == text.Chinese))
}

// Snippet writes cameras as a configuration has them, with the variable in place of
// the password. It is empty if there are none.
func Snippet(results []Result) string {
	var b strings.Builder
	for _, r := range results {
		for _, c := range r.Cameras {
			if b.Len() == 0 {
				b.WriteString("cameras:\n")
			}
			fmt.Fprintf(&b, "  - id: %s\n    url: %s\n", c.ID, quoted(c.Streams[c.Main].snippet))
			if c.Detect >= 0 {
				fmt.Fprintf(&b, "    detect_url: %s\n", quoted(c.Streams[c.Detect].snippet))
			}
		}
	}
	return b.String()
}

// quoted makes a text a double-quoted scalar of YAML.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
