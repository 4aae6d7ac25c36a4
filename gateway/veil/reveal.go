package veil

import (
	"regexp"
	"strings"

	"sentrybox/gateway/config"
	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// reveal puts the secrets back that the markers of a text stand for, line by line the same. It
// returns a *config.Problems where one stands for nothing, or where a secret would show. What is no
// YAML stays as it is: reading it tells why.
func reveal(name, body string, known func(marker string) (secret, bool)) (string, error) {
	if !anyMarker.MatchString(body) {
		return body, nil
	}
	body = strings.ReplaceAll(strings.TrimPrefix(body, "\ufeff"), "\r\n", "\n")
	src, problems := newSource(body), config.Problems{}
	report := func(at int, key text.Key) {
		line, column := src.place(at)
		problems.List = append(problems.List, config.Problem{File: name, Line: line, Column: column, Key: key})
	}
	for _, m := range anyMarker.FindAllStringIndex(body, -1) {
		if _, ok := known(body[m[0]:m[1]]); !ok {
			report(m[0], "config.secret.unknown")
		}
	}
	root, anchors, ok := strict.Tree([]byte(body))
	if !ok {
		return body, nil
	}
	var edits []edit
	for _, n := range find(root, anchors).order {
		value := valueOf(n)
		if !anyMarker.MatchString(value) {
			continue
		}
		from, to, ok := src.span(n)
		if !ok {
			report(from, "config.secret.place")
			continue
		}
		edits = append(edits, edit{from, to, write(src.text[from:to], put(value, known))})
	}
	if len(problems.List) > 0 {
		return "", &problems
	}
	out := put(src.apply(edits), known)
	if at, ok := shows(body, out); ok {
		report(src.lines[min(at, len(src.lines)-1)], "config.secret.place")
		return "", &problems
	}
	return out, nil
}

// put puts the secrets into a text.
func put(value string, known func(string) (secret, bool)) string {
	var b strings.Builder
	at := 0
	for _, m := range anyMarker.FindAllStringIndex(value, -1) {
		b.WriteString(value[at:m[0]])
		if s, ok := known(value[m[0]:m[1]]); ok {
			b.WriteString(s.in(inAddress.MatchString(value[:m[0]])))
		} else {
			b.WriteString(value[m[0]:m[1]])
		}
		at = m[1]
	}
	return b.String() + value[at:]
}

// inAddress is what stands before a secret in an address.
var inAddress = regexp.MustCompile(`://[^\s]*$|(?i)(?:password|passwd|pass|pwd|psw|token|secret)=$`)

// shows reports whether a secret that was put into a text would show there, as in a name or in
// words, and in which line, from 0: what hides it again has to be what it was.
func shows(before, after string) (line int, yes bool) {
	dots := func(secret) string { return Dots }
	a, b := strings.Split(conceal(before, dots), "\n"), strings.Split(conceal(after, dots), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || alike(a[i]) != alike(b[i]) {
			return i, true
		}
	}
	return 0, false
}

// alike is a line whose secrets are dots, without quotes that may differ.
func alike(line string) string {
	if line = anyMarker.ReplaceAllString(line, Dots); strings.Contains(line, Dots) {
		line = strings.NewReplacer(`"`, "", "'", "", `\`, "").Replace(line)
	}
	return line
}
