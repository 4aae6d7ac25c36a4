package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/text"
)

type findCmd struct {
	Addresses    []string      `arg:"" optional:"" name:"address" help:"${help_addresses}"`
	Scan         []string      `placeholder:"CIDR" help:"${help_scan}"`
	Public       bool          `help:"${help_public}"`
	Interface    []string      `placeholder:"NAME" help:"${help_interface}"`
	Wait         time.Duration `default:"3s" help:"${help_wait}"`
	User         string        `placeholder:"NAME" help:"${help_user}"`
	PasswordFile string        `type:"path" placeholder:"FILE" help:"${help_password_file}"`
	Plain        bool          `help:"${help_plain}"`
	Channels     int           `default:"1" help:"${help_channels}"`
	Templates    string        `type:"path" placeholder:"DIR" help:"${help_templates}"`
	JSON         bool          `help:"${help_json}"`
}

// signInAtOnce is how many devices are signed in to at the same time.
const signInAtOnce = 4

func (c *findCmd) Run(e *env) error {
	templates, err := find.Templates(c.Templates)
	if err != nil {
		return err
	}
	opt := find.SignInOptions{User: c.User, Plain: c.Plain, Templates: templates, Channels: c.Channels}
	if c.User != "" {
		password, err := c.password(e)
		if err != nil {
			return err
		}
		opt.Password = config.NewSecret(password)
	}
	candidates, partly := c.look(e, templates)
	if err := e.ctx.Err(); err != nil {
		return err
	}
	if len(partly) > 0 && len(candidates) == 0 {
		return &sentence{"find.nothing", []any{explainAll(e.lang, partly)}}
	}
	if len(partly) > 0 {
		_, _ = fmt.Fprintln(e.errOut, text.T(e.lang, "find.partly", explainAll(e.lang, partly)))
	}
	results := c.signIn(e.ctx, candidates, opt)
	if c.JSON {
		return json.NewEncoder(e.out).Encode(map[string]any{"devices": results, "snippet": find.Snippet(results)})
	}
	return printFound(e, results, templates, c.User != "")
}

// password reads it from the file or from standard input.
func (c *findCmd) password(e *env) (string, error) {
	if c.PasswordFile == "" {
		return readPassword(e)
	}
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimRight(line, "\r"), nil
}

// look finds devices: at the addresses that were named, or by asking the networks
// and scanning.
func (c *findCmd) look(e *env, templates []find.Template) ([]find.Candidate, []error) {
	var lists [][]find.Candidate
	var failures []error
	scan := func(prefix netip.Prefix, public bool) {
		opt := find.ScanOptions{Prefix: prefix, Public: public, Templates: templates}
		if isTerminal(e.errOut) && !c.JSON {
			opt.Progress = func(done, all int) {
				_, _ = fmt.Fprintf(e.errOut, "\r%s ", text.T(e.lang, "find.scanning", done, all))
			}
		}
		list, err := find.Scan(e.ctx, opt)
		if opt.Progress != nil {
			_, _ = fmt.Fprintln(e.errOut)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("scan %s: %w", prefix, err))
		}
		lists = append(lists, list)
	}
	for _, s := range c.Addresses {
		at, err := find.ParseAddress(s)
		if err != nil {
			failures = append(failures, &sentence{"find.address", []any{s}})
			continue
		}
		addr := at.Addr()
		lists = append(lists, []find.Candidate{{Addr: addr, Ways: []find.Way{find.ByHand}}})
		if at.Port() != 0 {
			if one, there := find.At(e.ctx, at, templates); there {
				lists = append(lists, []find.Candidate{one})
			}
			continue
		}
		scan(netip.PrefixFrom(addr, addr.BitLen()), true)
	}
	for _, s := range c.Scan {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			failures = append(failures, &sentence{"find.subnet", []any{s}})
			continue
		}
		scan(prefix, c.Public)
	}
	if len(c.Addresses) == 0 {
		list, err := c.discover(e.ctx, templates)
		lists = append(lists, list)
		if err != nil {
			failures = append(failures, err)
		}
	}
	return find.Merge(lists...), failures
}

func (c *findCmd) discover(ctx context.Context, templates []find.Template) ([]find.Candidate, error) {
	var interfaces []net.Interface
	for _, name := range c.Interface {
		ifi, err := net.InterfaceByName(name)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", name, err)
		}
		interfaces = append(interfaces, *ifi)
	}
	return find.Discover(ctx, interfaces, c.Wait, templates)
}

func (c *findCmd) signIn(ctx context.Context, candidates []find.Candidate, opt find.SignInOptions) []find.Result {
	results := make([]find.Result, len(candidates))
	var g errgroup.Group
	g.SetLimit(signInAtOnce)
	for i, one := range candidates {
		results[i] = find.Result{Candidate: one}
		if c.User == "" {
			continue
		}
		g.Go(func() error {
			results[i] = find.SignIn(ctx, one, opt)
			return nil
		})
	}
	_ = g.Wait()
	return results
}
