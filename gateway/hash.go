package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/password"
	"sentrybox/gateway/text"
)

type hashCmd struct{}

func (hashCmd) Run(e *env) error {
	secret, err := readPassword(e)
	if err != nil {
		return err
	}
	if password.Check("", secret) != nil {
		return &sentence{"password.weak", []any{password.Least, password.Most}}
	}
	_, err = fmt.Fprintln(e.out, password.New(secret))
	return err
}

// readPassword reads a line of standard input. On a terminal it asks for it and
// does not show it.
func readPassword(e *env) (string, error) { return readSecret(e, "hash.prompt") }

func readSecret(e *env, prompt text.Key) (string, error) {
	fd := int(os.Stdin.Fd())
	if old, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
		_, _ = fmt.Fprint(e.errOut, text.T(e.lang, prompt))
		quiet := *old
		quiet.Lflag &^= unix.ECHO
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err == nil {
			defer func() {
				_ = unix.IoctlSetTermios(fd, unix.TCSETS, old)
				_, _ = fmt.Fprintln(e.errOut)
			}()
		}
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		if err == nil || errors.Is(err, io.EOF) {
			err = &sentence{"password.none", nil}
		}
		return "", err
	}
	return line, nil
}
