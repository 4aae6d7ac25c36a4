package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/text"
)

// sentence is an error that a person reads in their own language. Arguments that are errors are explained.
type sentence struct {
	key  text.Key
	args []any
}

func (s *sentence) Error() string { return text.T(text.English, s.key, s.args...) }

// complain prints an error in the user's language.
func (e *env) complain(err error) { _, _ = fmt.Fprintln(e.errOut, explain(e.lang, err)) }

// explain says an error in a person's language. What a driver or the system says is English: what kind of
// failure it is stands before it.
func explain(l text.Lang, err error) string {
	var said *sentence
	if errors.As(err, &said) {
		return text.T(l, said.key, said.args...)
	}
	var problems *config.Problems
	if errors.As(err, &problems) {
		return problems.Text(l)
	}
	if kind := find.FailureOf(err); kind != "" {
		return text.T(l, "command.device", text.T(l, text.Key("find."+kind)), err)
	}
	key := text.Key("command.failed")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key = "command.absent"
	case errors.Is(err, fs.ErrPermission):
		key = "command.denied"
	case errors.Is(err, unix.ENOSPC):
		key = "command.full"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		key = "command.late"
	}
	return text.T(l, key, err)
}

// explainAll says several errors in one line.
func explainAll(l text.Lang, all []error) string {
	said := make([]string, 0, len(all))
	for _, err := range all {
		said = append(said, strings.ReplaceAll(explain(l, err), "\n", "; "))
	}
	return strings.Join(said, "; ")
}

// misused says what is wrong with a command line, of which kong speaks in English.
func misused(l text.Lang, err error) string {
	for _, kind := range []struct {
		begins string
		key    text.Key
	}{
		{"missing flags: ", "misused.missing"}, {"unknown flag ", "misused.flag"}, {"unexpected argument ", "misused.word"}, {"expected ", "misused.expected"},
	} {
		if rest, ok := strings.CutPrefix(err.Error(), kind.begins); ok {
			return text.T(l, kind.key, rest)
		}
	}
	return text.T(l, "misused", err)
}

// helpWriter puts the headings of kong's help, which come line by line, into the user's language.
type helpWriter struct {
	w    io.Writer
	lang text.Lang
}

// Write writes a line.
func (h helpWriter) Write(line []byte) (int, error) {
	said := string(line)
	for _, heading := range []struct {
		begins string
		key    text.Key
	}{
		{"Usage: ", "help.usage"}, {"Arguments:", "help.arguments"}, {"Flags:", "help.flags"}, {"Commands:", "help.commands"},
		{`Run "sentrybox <command> --help" for more information on a command.`, "help.more"},
	} {
		if rest, ok := strings.CutPrefix(said, heading.begins); ok {
			said = text.T(h.lang, heading.key) + rest
			break
		}
	}
	if _, err := io.WriteString(h.w, said); err != nil {
		return 0, err
	}
	return len(line), nil
}
