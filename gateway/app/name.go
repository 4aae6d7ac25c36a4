package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"strconv"

	"sentrybox/gateway/boxid"
	"sentrybox/gateway/config"
	"sentrybox/gateway/mdns"
	"sentrybox/gateway/web/account"
	"sentrybox/gateway/web/cert"
)

// buildName makes what gives the box a name on its network, if its page listens there.
func (a *App) buildName() {
	w := &a.Config.Web
	if !w.Named() {
		return
	}
	name := w.MDNS
	if name == config.MDNSAuto {
		name = boxid.Name("")
	}
	_, p, err := net.SplitHostPort(w.Listen)
	if err != nil {
		return // the configuration was checked
	}
	port, err := strconv.Atoi(p)
	if err != nil || port == 0 {
		return
	}
	a.named = &mdns.Responder{
		Name: name, Port: port, Secure: w.Secure(), Text: []string{"path=/", "gateway=" + a.Config.Gateway.ID}, Log: a.Log.With("part", "mdns"),
	}
}

// runName answers for the box's name until ctx ends. Without one the gateway goes on.
func (a *App) runName(ctx context.Context) error {
	if err := a.named.Run(ctx); ctx.Err() == nil {
		a.Log.Error("the box has no name on the network", "error", err)
		<-ctx.Done()
	}
	return ctx.Err()
}

// hosts returns what the box's certificate is for.
func (a *App) hosts() (names []string, addresses []net.IP) {
	names, addresses = cert.Hosts()
	if a.named != nil {
		if h := a.named.Host(); h != "" {
			names = append(names, h)
		}
	}
	return names, addresses
}

// labelCode returns the set-up code on the box's label, empty if it was made without one.
func (a *App) labelCode(log *slog.Logger) string {
	if a.Label == "" {
		return ""
	}
	l, err := boxid.ReadLabel(a.Label)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		log.Error("the set-up code on the label does not work", "error", err)
		return ""
	case !l.Of(""):
		log.Error("the set-up code on the label does not work: its secret is of another box", "serial", l.Serial)
		return ""
	}
	return account.LabelCode(l)
}
