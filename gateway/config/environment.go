package config

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sentrybox/gateway/seal"
	"sentrybox/gateway/strict"
)

// environmentExt is added to the name of a configuration for the name of the file
// with its variables.
const environmentExt = ".env"

// EnvironmentFile returns the path of the file with variables of the configuration
// at path: lines of NAME=value, or of NAME="value", quoted as in Go. It need not exist.
func EnvironmentFile(path string) string { return path + environmentExt }

// Environment returns what looks a variable up for the configuration at path: in the
// process's environment, and then in the file with its variables, which a restored
// backup has brought. A sealed text is opened with the keys that seal.Paths leads to, which are read
// when they are first needed.
func Environment(path string) func(string) (string, bool) {
	var known map[string]string
	keys := sync.OnceValue(func() []*seal.Key { return seal.All(seal.Paths(path, os.Getenv)) })
	return func(name string) (string, bool) {
		if text, ok := strings.CutPrefix(name, seal.Prefix); ok {
			for _, k := range keys() { // a text that none opens is a problem with its line
				if v, err := k.Open(text); err == nil {
					return v, true
				}
			}
		}
		if v, ok := os.LookupEnv(name); ok {
			return v, true
		}
		if known == nil {
			data, err := strict.ReadFile(EnvironmentFile(path))
			if err != nil {
				data = nil // a variable that is not set is a problem with its line
			}
			known = ParseEnvironment(data)
		}
		v, ok := known[name]
		return v, ok
	}
}

// Lenient returns what looks a variable up with lookup, and has a word for those that are
// not set: for who needs none of the passwords.
func Lenient(lookup func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := lookup(name); ok {
			return v, true
		}
		return "unset", true
	}
}

// ParseEnvironment reads the lines of a file with variables. What is no such line is
// passed over.
func ParseEnvironment(data []byte) map[string]string {
	all := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, strict.MaxFile)
	for lines.Scan() {
		name, quoted, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if value, ok := unquote(strings.TrimSpace(quoted)); ok {
			all[strings.TrimSpace(name)] = value
		}
	}
	return all
}

// unquote reads a value: in double quotes as in Go, in single quotes or without any as it
// stands. Quotes that are not closed are no value.
func unquote(s string) (string, bool) {
	switch {
	case strings.HasPrefix(s, `"`):
		v, err := strconv.Unquote(s)
		return v, err == nil
	case strings.HasPrefix(s, "'"):
		v, closed := strings.CutSuffix(s[1:], "'")
		return v, closed
	}
	return s, true
}

// FormatEnvironment writes such lines, by name.
func FormatEnvironment(all map[string]string) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.WriteString(name + "=" + strconv.Quote(all[name]) + "\n")
	}
	return b.Bytes()
}

// Named parses a configuration as [Parse] does, and also returns the files and folders
// that it names, but for the data folder and programs.
func Named(name string, data []byte, env func(string) (string, bool)) (c *Config, named []string, err error) {
	return parse(name, data, env)
}
