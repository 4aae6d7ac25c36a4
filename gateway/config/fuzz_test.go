package config

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// TestTime has files that took the parser seconds to hours when their form had
// no bounds. Now each is read in a fraction of a second; the limit is wide for a
// busy machine and the race detector.
func TestTime(t *testing.T) {
	const n, tokens = 1 << 18, strict.MaxTokens / 8
	for name, s := range map[string]string{
		"blank lines in a block text": "a: |\n" + strings.Repeat(strings.Repeat(" \n", strict.MaxBlank+1)+"b: |\n", n/2/strict.MaxBlank),
		"blank lines, fewer":          strings.Repeat("a: |\n"+strings.Repeat("\n", strict.MaxBlank), n/8/strict.MaxBlank),
		"blank lines at the end":      "a: |\n" + strings.Repeat(" \n", n/2),
		"lists":                       "a: [" + strings.Repeat("[],", tokens/3-1),
		"elements":                    "cameras: [" + strings.Repeat("0,", tokens/2-5) + "]",
		"keys":                        keys(n / 4),
		"keys in lists":               strings.Repeat("- "+strings.Repeat("a:\n  ", strict.MaxKeys)+"\n", 4),
		"keys of one name":            strings.Repeat("a:\n", n/3),
		"aliases":                     "a: &a 1\nb: [" + strings.Repeat("*a,", tokens/3-5) + "]",
		"dashes":                      strings.Repeat("- ", n/2),
		"comments":                    strings.Repeat("#\n", n/2),
		"lines":                       strings.Repeat("-\n", tokens-1),
		"carriage returns":            "a: |\n" + strings.Repeat(" \r", n/2),
		"one long key":                strings.Repeat("k", n) + ": 1",
	} {
		start := time.Now()
		_, err := Parse("a.yaml", []byte(s), nil)
		_ = problems(t, err)
		took := time.Since(start)
		t.Logf("%s: %v", name, took)
		if took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		if len(m.config) < 4096 {
			f.Add([]byte(m.config))
		}
	}
	f.Add([]byte(design))
	f.Add([]byte(content(f, "testdata/mistakes.yaml")))
	name := at(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		// Every variable is set to the marker, which the data cannot have itself.
		env := func(string) (string, bool) { return secret, true }
		if bytes.Contains(data, []byte(secret)) {
			return
		}
		c, err := Parse(name, data, env)
		_, errCamera := ParseCamera(name, data, env)
		for _, err := range []error{err, errCamera} {
			if err == nil {
				continue
			}
			p := problems(t, err)
			for _, l := range []text.Lang{text.English, text.Chinese} {
				if s := p.Text(l); strings.Contains(s, secret) || strings.Contains(s, "%!") {
					t.Errorf("a secret or a bad form in %s", s)
				}
			}
			for i, q := range p.List {
				if q.Line < 1 || q.Column < 1 || i > 0 && q.Line < p.List[i-1].Line {
					t.Errorf("no place, or out of order: %+v", q)
				}
			}
		}
		if err == nil {
			if c.Gateway.ID == "" || c.Data == "" || len(c.Uplink.MQTT) == 0 {
				t.Errorf("incomplete: %+v", c)
			}
		}
	})
}
