package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"sentrybox/gateway/config"
	"sentrybox/gateway/seal"
	"sentrybox/gateway/text"
)

// plainSecret finds a password that stands in a configuration as it is: the value of a key that
// holds one, or the user information of an address, without a ${ of a variable or of a sealed text.
var plainSecret = regexp.MustCompile(`(?m)^[^#\n]*(?:\b(?:password|token|key|app_skey|nwk_skey)\s*:\s*["']?[^\s"'$,}/#.][^\s"'$,}/.]*["']?\s*(?:[,}\n]|$)|://[^\s:/@$]+:[^\s@$]+@)`)

// warnModes says which files of a configuration others may read, and whether it holds plain
// passwords.
func (e *env) warnModes(path string, c *config.Config) {
	warn := func(path string, most fs.FileMode) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&^most == 0 {
			return
		}
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "check.mode", path, info.Mode().Perm(), most))
	}
	body, err := os.ReadFile(path)
	plain := err == nil && plainSecret.Match(body)
	if plain {
		warn(path, 0o640)
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "check.plain", path))
	}
	warn(config.EnvironmentFile(path), 0o600)
	for _, p := range seal.Paths(path, os.Getenv) {
		warn(p, 0o600)
	}
	warn(c.Data, 0o700)
	if _, named, err := config.Named(path, body, config.Environment(path)); err == nil {
		for _, name := range named {
			if b, err := os.ReadFile(name); err == nil && !bytes.Contains(b, []byte("CERTIFICATE")) && secretName(name) {
				warn(name, 0o640)
			}
		}
	}
}

// secretName says whether a file that a configuration names may hold a secret: a key or a password,
// but not a model or a profile.
func secretName(name string) bool {
	switch filepath.Ext(name) {
	case ".onnx", ".weights", ".cfg", ".yaml", ".names", ".crt":
		return false
	}
	return true
}
