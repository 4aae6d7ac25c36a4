package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sentrybox/gateway/seal"
	"sentrybox/gateway/text"
)

type secretCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
}

func (c *secretCmd) Run(e *env) error {
	paths := seal.Paths(c.Config, os.Getenv)
	k, err := seal.Find(paths)
	if errors.Is(err, seal.ErrNoKey) {
		path := paths[len(paths)-1]
		if k, err = seal.Create(path); err == nil {
			_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "secret.made", filepath.Clean(path)))
		}
	}
	if err != nil {
		return err
	}
	secret, err := readSecret(e, "secret.prompt")
	if err != nil {
		return err
	}
	sealed, err := k.Seal(secret)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, sealed)
	return err
}

// guardHelp names the sentences of the commands secret and privacy.
func guardHelp() []string {
	return []string{"secret", "privacy", "privacy_export", "privacy_delete", "privacy_time", "privacy_device", "privacy_by", "privacy_out", "privacy_yes"}
}
