package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"sentrybox/gateway/app"
	"sentrybox/gateway/backup"
	"sentrybox/gateway/config"
	"sentrybox/gateway/control"
	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

// owner checks that we are who the data folder belongs to: files of somebody else's
// would shut the gateway out.
func owner(data string) error {
	info, err := os.Stat(data)
	if err != nil {
		return nil // it is made, or is missed later
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		name := fmt.Sprintf("#%d", s.Uid)
		if u, err := user.LookupId(fmt.Sprint(s.Uid)); err == nil {
			name = u.Username
		}
		return &sentence{key: "backup.owner", args: []any{name, name}}
	}
	return nil
}

type passphraseFlag struct {
	PassphraseFile string `type:"path" placeholder:"FILE" help:"${help_passphrase_file}"`
}

// read returns the passphrase: of the file, or asked for.
func (f *passphraseFlag) read(e *env) (string, error) {
	if f.PassphraseFile == "" {
		return readSecret(e, "backup.prompt")
	}
	b, err := os.ReadFile(f.PassphraseFile)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimRight(line, "\r"), nil
}

type backupCmd struct {
	Config   string `required:"" placeholder:"FILE" help:"${help_config}"`
	Alerts   bool   `negatable:"" default:"true" help:"${help_backup_alerts}"`
	Evidence bool   `help:"${help_backup_evidence}"`
	passphraseFlag
	File string `arg:"" type:"path" help:"${help_backup_file}"`
}

func (c *backupCmd) Run(e *env) error {
	cfg, err := dataOf(c.Config)
	if err != nil {
		return err
	}
	if err := owner(cfg.Data); err != nil {
		return err
	}
	pass, err := c.read(e)
	if err != nil {
		return err
	}
	p, err := app.Site(c.Config, cfg.Data, programVersion()).Gather(e.ctx, backup.Options{Passphrase: pass, Alerts: c.Alerts, Evidence: c.Evidence})
	if err != nil {
		return sayBackup(err)
	}
	defer p.Close()
	out, err := os.CreateTemp(filepath.Dir(c.File), ".backup-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	err = p.Write(e.ctx, out)
	if err = errors.Join(err, out.Sync(), out.Close()); err == nil {
		err = os.Rename(out.Name(), c.File)
	}
	if err != nil {
		_ = os.Remove(out.Name())
		return err
	}
	_, err = fmt.Fprintln(e.out, text.T(e.lang, "backup.made", c.File, backup.Contents(e.lang, &p.Manifest)))
	return err
}

// sayBackup turns an error of a backup into a sentence.
func sayBackup(err error) error {
	if key := backup.Sentence(err); key != "" {
		return &sentence{key: key}
	}
	return err
}

type restoreCmd struct {
	Config    string `required:"" placeholder:"FILE" help:"${help_config}"`
	Data      string `type:"path" placeholder:"DIR" help:"${help_restore_data}"`
	Show      bool   `help:"${help_restore_show}"`
	Yes       bool   `help:"${help_restore_yes}"`
	Copy      bool   `help:"${help_restore_copy}"`
	Gateway   string `placeholder:"ID" help:"${help_restore_gateway}"`
	Street    string `placeholder:"NAME" help:"${help_restore_street}"`
	Community string `placeholder:"NAME" help:"${help_restore_community}"`
	Page      bool   `help:"${help_restore_page}"`
	passphraseFlag
	File string `arg:"" type:"existingfile" help:"${help_backup_file}"`
}

func (c *restoreCmd) Run(e *env) error {
	data, err := c.folder()
	if err == nil {
		err = owner(data)
	}
	if err != nil {
		return err
	}
	pass, err := c.read(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	site := app.Site(c.Config, data, programVersion())
	wish := backup.Wish{
		Passphrase: pass, Copy: c.Copy, Page: c.Page, Gateway: backup.Identity{ID: c.Gateway, Street: c.Street, Community: c.Community},
	}
	found, err := c.look(e, site, wish)
	if err != nil || c.Show {
		return err
	}
	if !c.Yes {
		if err := agreed(e, found.Site); err != nil {
			return err
		}
	}
	in, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer in.Close()
	if err := site.Prepare(e.ctx, in, wish, account.Actor{Name: "sentrybox restore"}, c.progress(e, found.Manifest.Bytes)); err != nil {
		return sayBackup(err)
	}
	return c.finish(e, site, found)
}

// folder returns the data folder.
func (c *restoreCmd) folder() (string, error) {
	if c.Data != "" {
		return c.Data, nil
	}
	cfg, err := dataOf(c.Config)
	if errors.Is(err, fs.ErrNotExist) { // a new box
		return "", &sentence{key: "restore.folder", args: []any{c.Config}}
	}
	if err != nil {
		return "", err
	}
	return cfg.Data, nil
}

// look shows what is inside, and what it would do here.
func (c *restoreCmd) look(e *env, site *backup.Site, wish backup.Wish) (backup.Found, error) {
	in, err := os.Open(c.File)
	if err != nil {
		return backup.Found{}, fmt.Errorf("read the backup: %w", err)
	}
	defer in.Close()
	found, err := site.Look(e.ctx, in, wish)
	if err != nil {
		return found, sayBackup(err)
	}
	_, err = fmt.Fprintln(e.out, strings.Join(found.Would(e.lang), "\n"))
	if err == nil && found.Problems != nil && !c.Show {
		err = found.Problems
	}
	return found, err
}

// agreed asks whether to go on, and returns an error if the answer is not yes, or if there is none.
func agreed(e *env, replaces bool) error {
	question := text.Key("restore.sure")
	if !replaces {
		question = "restore.sure.new"
	}
	_, _ = fmt.Fprint(e.errOut, text.T(e.lang, question))
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 100)).ReadString('\n')
	switch {
	case strings.TrimSpace(line) == "yes":
		return nil
	case err != nil && line == "": // such as from a script
		_, _ = fmt.Fprintln(e.errOut)
		return &sentence{key: "restore.unanswered"}
	}
	return &sentence{key: "restore.no"}
}

func (c *restoreCmd) progress(e *env, total int64) func(int64) {
	done := int64(0)
	return func(n int64) {
		if done += n; isTerminal(e.errOut) && total > 0 {
			_, _ = fmt.Fprintf(e.errOut, "\r%3d %%\r", min(100*done/total, 100))
		}
	}
}

// finish has the running gateway take the site over, or puts it in place itself.
func (c *restoreCmd) finish(e *env, site *backup.Site, found backup.Found) error {
	done := text.Key("restore.done")
	if found.Manifest.Counts.Users == 0 {
		done = "restore.done.nobody"
	}
	lines := []string{text.T(e.lang, done, found.Listen)}
	err := control.Restored(e.ctx, site.Data)
	switch {
	case err == nil:
		lines = append(lines, text.T(e.lang, "restore.running"))
	case errors.Is(err, control.ErrNotRunning):
		if _, err := site.Finish(context.WithoutCancel(e.ctx)); err != nil {
			return err
		}
		if _, err := config.Load(c.Config); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	default:
		return err
	}
	_, err = fmt.Fprintln(e.out, strings.Join(lines, "\n"))
	return err
}
