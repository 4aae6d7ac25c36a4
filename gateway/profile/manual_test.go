package profile

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

// TestManualIsRight tries what the manual shows: its smallest profile, its frames,
// and the fields, messages and alerts among its hints.
func TestManualIsRight(t *testing.T) {
	for _, name := range []string{"../../docs/profiles.md", "../../docs/profiles.zh.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		manual := string(data)
		blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(manual, -1)
		p, err := Parse(name, []byte(blocks[0][1]))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Test() {
			for _, w := range o.Wrong {
				t.Errorf("%s: %s", name, w.Text(text.English))
			}
		}
		example := "examples: [{bytes: '01', values: {a: 1}}]\n"
		for _, b := range blocks[1:] {
			source := b[1]
			switch {
			case strings.HasPrefix(source, "fields:"), strings.HasPrefix(source, "items:"):
				source = "messages:\n- " + strings.ReplaceAll(strings.TrimRight(source, "\n"), "\n", "\n  ") + "\n"
			case strings.HasPrefix(source, "- form:"):
				source = "messages:\n" + source
			case strings.HasPrefix(source, "parameters:"):
				source += fields("{name: distance, type: u16}")
			}
			onlyExample(t, name, source+"lorawan: {}\n"+example)
		}
		_, frames, _ := strings.Cut(manual, "| `FF ")
		frames, _, _ = strings.Cut(frames, "\n\n")
		found := regexp.MustCompile("\\| `({.*})` \\|").FindAllStringSubmatch(frames, -1)
		if len(found) != 12 {
			t.Errorf("%s: %d frames", name, len(found))
		}
		for _, f := range found {
			onlyExample(t, name, "serial: {frame: "+f[1]+"}\n"+fields("{name: a, type: u8}")+example)
		}
		hints := manual[strings.LastIndex(manual, "\n## "):]
		for _, f := range regexp.MustCompile("`({(?:name|type|at)[^`]*})`").FindAllStringSubmatch(hints, -1) {
			field := f[1]
			if !strings.Contains(field, "name:") && !strings.Contains(field, "skip") {
				field = "{name: a, " + field[1:]
			}
			onlyExample(t, name, "lorawan: {}\n"+fields("{name: n, type: u8}", "{name: e, type: u8}", "{name: s, type: u8}", "{name: frac, type: u8}", "{name: h, type: u8}",
				strings.Replace(strings.Replace(field, "{name: e,", "{name: e2,", 1), "{name: s,", "{name: s2,", 1))+example)
		}
	}
}

// onlyExample reports every problem of a profile but that of its example, which
// has other values.
func onlyExample(t *testing.T, name, source string) {
	t.Helper()
	_, err := Parse(name, []byte(head+source))
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.Contains(line, "examples[0].values.a: there is no value") {
			t.Errorf("%s\n%s", line, source)
		}
	}
}
