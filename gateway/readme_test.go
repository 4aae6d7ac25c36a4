package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)(?: |$)`)
	helpFlag    = regexp.MustCompile(`--(?:\[no-\])?([a-z][a-z-]*)`)
	pageCommand = regexp.MustCompile("(?m)(?:^    |`)(?:sudo )?(?:build/)?sentrybox ([a-z]+)((?: [a-z|]+)?)")
)

// help returns what a command line's --help says in a language.
func help(t *testing.T, lang string, words ...string) string {
	t.Helper()
	t.Setenv("LC_ALL", lang)
	var out bytes.Buffer
	if code := run(t.Context(), append(words, "--help"), &out, &out); code != 0 {
		t.Fatalf("%q: status %d: %s", words, code, out.String())
	}
	return out.String()
}

// names returns what the first group of the pattern finds, each once and sorted.
func names(pattern *regexp.Regexp, s string) []string {
	var all []string
	for _, m := range pattern.FindAllStringSubmatch(s, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestReadmeCommands: the README lists every command and no others, with flags that they have. The help in Chinese
// has the same commands and flags as that in English.
func TestReadmeCommands(t *testing.T) {
	commands := names(helpCommand, help(t, "C"))
	if chinese := names(helpCommand, help(t, "zh_CN.UTF-8")); len(commands) < 15 || !slices.Equal(commands, chinese) {
		t.Fatalf("the commands are %q, in Chinese %q", commands, chinese)
	}
	flags := map[string][]string{}
	for _, c := range commands {
		flags[c] = names(helpFlag, help(t, "C", strings.Fields(c)...))
		if chinese := names(helpFlag, help(t, "zh_CN.UTF-8", strings.Fields(c)...)); !slices.Equal(chinese, flags[c]) {
			t.Errorf("the flags of %s are %q, in Chinese %q", c, flags[c], chinese)
		}
	}
	for _, page := range []string{"../README.md", "../README.zh-CN.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pageCommand.FindAllStringSubmatch(string(text), -1) {
			if len(meant(commands, m[1], m[2])) == 0 {
				t.Errorf("%s: there is no command %s", page, m[0])
			}
		}
		_, list, found := strings.Cut(string(text), "\n## Commands\n")
		if !found {
			continue
		}
		list, _, _ = strings.Cut(list, "\nThey speak")
		var told []string
		for entry := range strings.SplitSeq(list, "\n    sentrybox ") {
			m := pageCommand.FindStringSubmatch("    sentrybox " + entry)
			if m == nil { // what stands before the first
				continue
			}
			of := meant(commands, m[1], m[2])
			told = append(told, of...)
			for _, flag := range names(helpFlag, strings.ReplaceAll(entry, "`find --json`", "")) {
				if !slices.ContainsFunc(of, func(c string) bool { return slices.Contains(flags[c], flag) }) {
					t.Errorf("%s: %q have no --%s", page, of, flag)
				}
			}
		}
		for _, c := range commands {
			if !slices.Contains(told, c) {
				t.Errorf("%s does not list %s", page, c)
			}
		}
	}
}

// meant returns the commands that a word, and perhaps several of a second joined by |, stand for.
func meant(commands []string, first, second string) (all []string) {
	if slices.Contains(commands, first) {
		return []string{first}
	}
	for word := range strings.SplitSeq(strings.TrimSpace(second), "|") {
		if c := first + " " + word; slices.Contains(commands, c) {
			all = append(all, c)
		}
	}
	return all
}
