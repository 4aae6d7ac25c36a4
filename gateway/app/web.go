package app

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/rtsp"
	"sentrybox/gateway/alert"
	"sentrybox/gateway/evidence"
	"sentrybox/gateway/health"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/tryout"
	"sentrybox/gateway/update"
	"sentrybox/gateway/veil"
	"sentrybox/gateway/web"
	"sentrybox/gateway/web/account"
	"sentrybox/gateway/web/cert"
	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/outbox"
)

const (
	openPageAgain = 15 * time.Second // after the disk took nothing
	shownAlerts   = 50

	sealHistoryAfter = time.Minute // there is more urgent work at the start
)

// runWeb runs the technicians' page and takes care of the configuration until ctx
// ends: also of one without a page, which may be on trial. Without them the gateway goes on.
func (a *App) runWeb(ctx context.Context) error {
	log := a.Log.With("part", "web")
	g, ctx := errgroup.WithContext(ctx)
	keeper := &revision.Keeper{
		Path: a.Path, Store: a.store, Log: log, Now: time.Now, Running: a.current.Load, Apply: a.Apply,
	}
	var care web.Care
	if a.Path != "" {
		if err := keeper.Open(ctx); err != nil {
			log.Error("the configuration cannot be changed on the page", "error", err)
		} else {
			g.Go(func() error { return keeper.Run(ctx) })
			if veiled, err := veil.New(ctx, keeper); err != nil {
				log.Error("the configuration cannot be changed on the page", "error", err)
			} else {
				care = veiled
				g.Go(func() error { return sealHistory(ctx, log, veiled) })
			}
		}
	}
	g.Go(func() error {
		if a.Config.Web.Listen == "" {
			<-ctx.Done()
			return ctx.Err()
		}
		return a.servePage(ctx, log, care)
	})
	return g.Wait()
}

// sealHistory seals what old configurations have in the clear, when the start is over.
func sealHistory(ctx context.Context, log *slog.Logger, k *veil.Keeper) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(sealHistoryAfter):
	}
	if err := k.SealHistory(ctx); err != nil && ctx.Err() == nil {
		log.Warn("passwords of old configurations stay as they are", "error", err)
	}
	return nil
}

// servePage runs the page alone. care is nil where the configuration is no file.
func (a *App) servePage(ctx context.Context, log *slog.Logger, care web.Care) error {
	accounts := &account.Accounts{Store: a.store, Dir: a.Config.Data, Log: log, Now: time.Now, Label: a.labelCode(log)}
	for {
		err := accounts.Open(ctx)
		if err == nil {
			break
		}
		log.Error("no page, trying again", "error", err, "after", openPageAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(openPageAgain):
		}
	}
	desk := &tryout.Desk{}
	defer desk.Close()
	s := &web.Server{
		Tryer:  trying{a, desk},
		Path:   a.Path,
		Listen: a.Config.Web.Listen, Accounts: accounts, Gateway: site{a}, Care: care, Version: a.Version, Log: log, Now: time.Now,
		Listening: a.Listening, Probe: probe, Live: site{a}, Tester: site{a}, Field: site{a}, Waves: site{a}, Searcher: site{a}, Survey: a.survey, Running: a.current.Load, Recent: a.Recent,
	}
	if a.Path != "" {
		site := Site(a.Path, a.Config.Data, a.Version)
		site.Listen = a.Config.Web.Listen
		s.Vault = &web.Vault{Site: site, Dir: a.Config.Data, Replace: a.replace}
		s.Update = update.NewInbox(a.Config.Data)
	}
	s.Support = a.support
	if err := a.secure(s); err != nil {
		return err
	}
	return s.Run(ctx)
}

// probe tries a camera for the page.
func probe(ctx context.Context, url, transport string) (web.Probe, error) {
	if strings.HasPrefix(strings.ToLower(url), "dvrip://") {
		return probeDVRIP(ctx, url)
	}
	rep, err := rtsp.Probe(ctx, rtsp.Config{URL: url, Transport: rtsp.Transport(transport)})
	var failed *rtsp.Error
	switch {
	case errors.As(err, &failed):
		return web.Probe{Phase: string(failed.Phase), Why: failed.Error()}, nil
	case err != nil:
		return web.Probe{}, err
	}
	return web.Probe{
		Server: rep.Server, Codec: rep.Info.Codec.String(), Width: rep.Info.Width, Height: rep.Info.Height, FPS: math.Round(10*rep.FPS) / 10,
		Keyframes: math.Round(10*rep.KeyframeInterval.Seconds()) / 10, Bitrate: rep.Bitrate, Transport: string(rep.Transport), Auth: rep.Auth,
		Problems: rep.Problems,
	}, nil
}

func probeDVRIP(ctx context.Context, url string) (web.Probe, error) {
	rep, err := dvrip.Probe(ctx, dvrip.Config{URL: url})
	var failed *dvrip.Error
	switch {
	case errors.As(err, &failed):
		return web.Probe{Phase: string(failed.Phase), Why: failed.Error()}, nil
	case err != nil:
		return web.Probe{}, err
	}
	return web.Probe{
		Server: rep.Device, Codec: rep.Info.Codec.String(), Width: rep.Info.Width, Height: rep.Info.Height, FPS: math.Round(10*rep.FPS) / 10,
		Keyframes: math.Round(10*rep.KeyframeInterval.Seconds()) / 10, Bitrate: rep.Bitrate, Transport: "tcp", Auth: "DVRIP",
	}, nil
}

// secure gives the page its certificate.
func (a *App) secure(s *web.Server) error {
	c := a.Config.Web
	switch {
	case c.TLS.Cert != "":
		pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return fmt.Errorf("web.tls: %w", err)
		}
		s.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }
	case c.Secure():
		box := &cert.Box{Dir: filepath.Join(a.Config.Data, "tls"), Name: a.Config.Gateway.ID, Now: time.Now, Hosts: a.hosts}
		s.Certificate, s.Authority = box.Get, box.Authority
	}
	return nil
}

// site is the gateway as the page sees it.
type site struct{ *App }

// State is for web.Gateway.
func (s site) State(ctx context.Context) (web.State, error) {
	st := web.State{
		At: time.Now(), Gateway: s.Config.Gateway.ID, Started: s.monitor.Started, ClockSet: s.clock.Stamp().Set,
		Disk: string(s.disk.Check()), Vitals: health.ReadVitals("/", s.Config.Data), Uplinks: s.lines.read(s.uplinks()),
	}
	cameras := s.fleet.cameras()
	for _, id := range slices.Sorted(maps.Keys(cameras)) {
		c := cameras[id]
		cs := c.State()
		v := web.Camera{
			ID: id, Grid: c.Settings().Grid, Phase: string(cs.Phase), Since: cs.Since, Reason: cs.Reason, Detector: cs.Detector,
			Width: cs.Info.Width, Height: cs.Info.Height, FPS: cs.Info.FPS, Rules: len(c.Settings().Detect),
		}
		if cs.Info.Codec != 0 {
			v.Codec = cs.Info.Codec.String()
		}
		st.Cameras = append(st.Cameras, v)
	}
	st.Devices = s.shownDevices()
	lanes, err := s.outbox.Stats(ctx)
	if err != nil {
		return st, err
	}
	for l, n := range lanes {
		st.Lanes = append(st.Lanes, web.Lane{
			Name: outbox.Lane(l).String(), Depth: n.Depth, Bytes: n.Bytes, Oldest: n.Oldest, Dropped: n.Dropped,
		})
	}
	st.Delay50, st.Delay95 = s.monitor.Delivery.Quantile(0.5), s.monitor.Delivery.Quantile(0.95)
	return st, s.openAlerts(ctx, &st)
}

// shownDevices returns sensors, buses and outputs with what they measured last.
func (s site) shownDevices() []web.Device {
	var all []web.Device
	for _, d := range s.hub.States() {
		v := web.Device{ID: d.ID, Name: d.Name, Type: d.Type, Phase: string(d.Phase), Since: d.Since, Reason: d.Reason}
		if !d.Stale {
			v.Readings, v.Units = d.Values, d.Units
		}
		all = append(all, v)
	}
	return all
}

func (s site) openAlerts(ctx context.Context, st *web.State) (err error) {
	st.Alerts, st.OpenAlerts, err = s.alerts.Shown(ctx, shownAlerts)
	return err
}

// uplinks returns how every way out is, without since when.
func (s site) uplinks() []web.Uplink {
	var all []web.Uplink
	for i, u := range s.uplink.Uplinks() {
		usage := s.meters[i].Usage()
		v := web.Uplink{Name: s.Config.Uplink.NameOf(i), Phase: u.Phase.String(), Month: usage.MonthSent + usage.MonthReceived}
		if u.Phase == mqtt.Offline && u.Err == nil {
			v.Phase = "connecting"
		}
		if u.Err != nil {
			v.Reason = u.Err.Error()
		}
		if u.Contest != mqtt.Uncontested { // also while it is connected, which does not last
			v.Phase = u.Contest.String()
		}
		all = append(all, v)
	}
	return all
}

// Answer is for web.Gateway.
func (s site) Answer(ctx context.Context, id string, ans alert.Answer) error {
	return s.alerts.Answer(ctx, id, ans)
}

// Picture is for web.Gateway.
func (s site) Picture(ctx context.Context, id string) (jpeg []byte, err error) {
	var file evidence.File
	found := false
	err = s.store.Tx(ctx, func(tx *sql.Tx) error {
		file, found, err = s.evidence.Find(ctx, tx, id, evidence.Picture)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	return os.ReadFile(filepath.Join(s.evidence.Dir, file.Name))
}

// phases remembers since when each uplink is as it is.
type phases struct {
	mu    sync.Mutex
	known map[string]web.Uplink // guarded by mu: by name
}

// read notes what has changed, and returns all with since when they are so.
func (p *phases) read(now []web.Uplink) []web.Uplink {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[string]web.Uplink{}
	}
	for i, u := range now {
		was, ok := p.known[u.Name]
		now[i].Since = was.Since
		if !ok || was.Phase != u.Phase {
			now[i].Since = time.Now()
		}
		p.known[u.Name] = now[i]
	}
	return now
}
