package veil

import (
	"regexp"
	"strings"
)

// What looks like a secret where there is no schema to ask.
var (
	named = regexp.MustCompile(`(?i)((?:[\w-]*(?:pass(?:word|wd|phrase)?|pwd|psw|secret|token|cred\w*|psk|key|hash))["']?(?:\s*:|\s+=)[ \t]*)` +
		`("(?:[^"\\]|\\.)*"|'[^']*'|\S.*)`)
	opens   = regexp.MustCompile(`(?i)^[\s-]*["']?[\w-]*(?:pass(?:word|wd|phrase)?|pwd|psw|secret|token|cred\w*|psk|key|hash)["']?\s*:`)
	open    = regexp.MustCompile(`(?i)(?:pass(?:word|wd|phrase)?|pwd|psw|secret|token|cred\w*|psk|key|hash)["']?\s*:\s*(?:[|>][-+0-9]*)?\s*$`)
	address = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)
)

// comment hides what looks like a secret in a line that means nothing.
func comment(line string, mark func(secret) string) string {
	line = named.ReplaceAllStringFunc(line, func(m string) string {
		parts := named.FindStringSubmatch(m)
		value, quote := strings.TrimSpace(parts[2]), ""
		if q := value[:1]; (q == `"` || q == "'") && len(value) > 1 && strings.HasSuffix(value, q) {
			quote, value = q, value[1:len(value)-1]
		}
		if !hides(value) {
			return m
		}
		return parts[1] + quote + mark(secret{value, false}) + quote + parts[2][len(strings.TrimRight(parts[2], " \t")):]
	})
	line = address.ReplaceAllStringFunc(line, func(a string) string { return veiled(a, pieces(a), mark) })
	return veiled(line, pieces(line), mark)
}

// byLines hides what looks like a secret in a text that is no YAML.
func byLines(body string, mark func(secret) string) string {
	lines, below := strings.Split(body, "\n"), -1 // below hides what is indented more
	for i, line := range lines {
		text := strings.TrimLeft(line, " \t")
		if text == "" {
			continue
		}
		if in := len(line) - len(text); below >= 0 && in > below {
			if value := strings.TrimSpace(text); hides(value) {
				lines[i] = line[:in] + mark(secret{value, false})
			}
			continue
		}
		below = -1
		if opens.MatchString(line) || open.MatchString(line) {
			below = len(line) - len(strings.TrimLeft(line, " \t-"))
			if open.MatchString(line) {
				below = len(line) - len(text)
			}
		}
		lines[i] = comment(line, mark)
	}
	return strings.Join(lines, "\n")
}
