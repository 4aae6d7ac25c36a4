package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"sentrybox/gateway/boxid"
	"sentrybox/gateway/config"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

type labelCmd struct {
	File   string `default:"${label_file}" type:"path" placeholder:"FILE" help:"${help_label_file}"`
	Make   bool   `help:"${help_label_make}"`
	Serial string `placeholder:"NUMBER" help:"${help_label_serial}"`
}

// Run prints the lines of the box's label.
func (c *labelCmd) Run(e *env) error {
	serial := c.Serial
	if serial == "" {
		serial = boxid.Serial("")
	}
	l, err := boxid.ReadLabel(c.File)
	if errors.Is(err, fs.ErrNotExist) && c.Make {
		l, err = boxid.MakeLabel(c.File, serial)
	}
	var code string
	switch {
	case err == nil:
		serial, code = l.Serial, account.LabelCode(l)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	_, port, err := net.SplitHostPort(config.FirstListen)
	if err != nil {
		return err
	}
	lines := []string{"https://" + boxid.Name("") + ".local:" + port + "/"}
	if serial != "" {
		lines = append(lines, "S/N "+serial)
	}
	if code != "" {
		lines = append(lines, text.T(e.lang, "label.code", code))
	} else {
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "label.none", c.File))
	}
	_, err = fmt.Fprintln(e.out, strings.Join(lines, "\n"))
	return err
}
