package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/store"
	"sentrybox/gateway/text"
	"sentrybox/gateway/update"
)

const updatePoll = 500 * time.Millisecond

type updateCmd struct {
	Config    string        `required:"" placeholder:"FILE" help:"${help_config}"`
	Keys      string        `default:"/etc/sentrybox-update.pub" placeholder:"FILE" help:"${help_update_keys}"`
	Downgrade bool          `help:"${help_update_downgrade}"`
	Within    time.Duration `default:"5m" help:"${help_update_within}"`
	Steady    time.Duration `default:"150s" help:"${help_update_steady}"`
	Resume    bool          `help:"${help_update_resume}"`
	Inbox     string        `hidden:"" placeholder:"FILE"`
	Dir       string        `hidden:"" default:"/var/lib/sentrybox-update"`
	File      string        `arg:"" optional:"" type:"path" help:"${help_update_file}"`
}

func (c *updateCmd) Run(e *env) error {
	if os.Geteuid() != 0 {
		return &sentence{key: "update.root"}
	}
	if c.Inbox != "" {
		return c.inbox(e)
	}
	if c.Resume {
		return c.resume(e)
	}
	if c.File == "" {
		return &sentence{key: "update.which"}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := c.configured()
	if err != nil {
		return err
	}
	u, err := c.updater(e, data)
	if err == nil {
		_, err = c.apply(e, u, f)
	}
	return sayUpdate(err)
}

func (c *updateCmd) resume(e *env) error {
	data, err := update.Home(c.Dir)
	if err != nil {
		return err
	}
	u, err := c.updater(e, cmp.Or(data, usualData))
	if err != nil {
		return err
	}
	r, err := u.Resume(e.ctx)
	if err != nil || r == nil {
		return err
	}
	return c.say(e, *r)
}

func (c *updateCmd) apply(e *env, u *update.Updater, f *os.File) (r update.Result, err error) {
	if u.Keys, err = update.ReadKeys(c.Keys, 0); err != nil {
		return r, err
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) // whoever looks on may go away
	r, err = u.Apply(e.ctx, f, c.Downgrade)
	if r.State != "" {
		err = errors.Join(err, c.say(e, r))
	}
	return r, err
}

// inbox is run by sentrybox-update-inbox.service: it installs what the page has left,
// and notes for the page why it does not. It reads no configuration: that belongs to the
// service's user, who could make it a link to what root alone may read.
func (c *updateCmd) inbox(e *env) error {
	f, err := update.Take(c.Inbox)
	var r update.Result
	if err == nil {
		defer f.Close()
		var u *update.Updater
		if u, err = c.updater(e, filepath.Dir(filepath.Dir(c.Inbox))); err == nil {
			r, err = c.apply(e, u, f)
		}
	}
	if err != nil && r.State == "" {
		return errors.Join(sayUpdate(err), update.Refuse(c.Dir, err))
	}
	return sayUpdate(err)
}

const usualData = "/var/lib/sentrybox"

// configured returns the data folder that the configuration names; the usual one while there is none.
func (c *updateCmd) configured() (string, error) {
	blank, err := config.Blank(c.Config)
	if err != nil || blank {
		return usualData, err
	}
	cfg, err := dataOf(c.Config)
	if err != nil {
		return "", err
	}
	return cfg.Data, nil
}

// updater fills in the box.
func (c *updateCmd) updater(e *env, data string) (*update.Updater, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &update.Updater{
		Dir: c.Dir, Packages: update.Debian{}, Service: update.Systemd{Folder: data}, Data: update.Folder{Path: data, Program: filepath.Join(c.Dir, update.ProgramName)},
		Home: data, Program: program, Within: c.Within, Steady: c.Steady, Poll: updatePoll, Log: e.log(slog.LevelInfo),
	}, nil
}

func (c *updateCmd) say(e *env, r update.Result) error {
	_, err := fmt.Fprintln(e.out, text.T(e.lang, text.Key("update."+string(r.State)), r.From, r.To))
	return err
}

// sayUpdate turns a refusal into a sentence; what else is known stands behind it.
func sayUpdate(err error) error {
	if key, more := update.Sentence(err); key != "" {
		return &sentence{key: key, args: []any{more}}
	}
	return err
}

func updateHelp() []string {
	return []string{"update", "update_keys", "update_downgrade", "update_within", "update_steady", "update_resume", "update_file"}
}

// updateSchemaCmd is run by an update, as the user whom the database belongs to.
type updateSchemaCmd struct {
	Data string `arg:""`
}

func (c *updateSchemaCmd) Run(e *env) error {
	schema, err := store.Schema(e.ctx, c.Data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, schema)
	return err
}
