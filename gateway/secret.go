package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"sentrybox/gateway/seal"
	"sentrybox/gateway/text"
)

type secretCmd struct {
	Config string `required:"" placeholder:"FILE" help:"${help_config}"`
}

func (c *secretCmd) Run(e *env) error {
	k, made, err := seal.Have(seal.Paths(c.Config, os.Getenv))
	if made != "" {
		err = giveToService(made, c.Config)
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "secret.made", filepath.Clean(made)))
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

// giveToService gives a file that root has made to who owns the data folder, as whom the gateway runs.
func giveToService(path, cfg string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	c, err := dataOf(cfg)
	if err != nil {
		return nil // there is no configuration yet: whoever writes it gives both away
	}
	info, err := os.Stat(c.Data)
	if err != nil {
		return nil // nor a data folder
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if err := os.Chown(path, int(st.Uid), int(st.Gid)); err != nil {
		return fmt.Errorf("give the key to the gateway's user: %w", err)
	}
	return nil
}

// guardHelp names the sentences of the commands secret and privacy.
func guardHelp() []string {
	return []string{"secret", "privacy", "privacy_export", "privacy_delete", "privacy_time", "privacy_device", "privacy_by", "privacy_out", "privacy_yes"}
}
