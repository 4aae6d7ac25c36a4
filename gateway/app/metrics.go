package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/health"
	"sentrybox/gateway/store"
	"sentrybox/uplink/influx"
	"sentrybox/uplink/outbox"
	"sentrybox/uplink/spool"
)

const (
	listenAgain  = 15 * time.Second // after the port of /metrics was taken
	scrapeWithin = 15 * time.Second
	sealInflux   = 10 * time.Second // a network that has such a server is no line by the megabyte
)

// openInflux opens the spool of what goes to InfluxDB, if anything does.
func (a *App) openInflux() error {
	c, lane := a.Config.Metrics.Influx, a.Config.Storage.Lanes.Metrics
	if c.URL.IsZero() {
		return nil
	}
	dir := filepath.Join(a.Config.Data, "metrics", "influx")
	var err error
	a.influxSpool, err = spool.Open(spool.Options{
		Dir: dir, Now: time.Now, Room: a.disk.Room, MaxBytes: int64(lane.Bytes), MaxAge: time.Duration(lane.Age),
		Seal: sealInflux,
	})
	if err != nil {
		return err
	}
	transport := http.DefaultTransport
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return fmt.Errorf("metrics.influx.ca: %w", err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem) // checked with the config
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}}
	}
	g, log := a.Config.Gateway, a.Log.With("part", "influx")
	a.influx = influx.New(influx.Config{
		URL: c.URL.Reveal(), Org: c.Org, Bucket: c.Bucket, Token: c.Token.Reveal(), Source: a.influxSpool, Log: log, Transport: transport,
		Tags: map[string]string{"gateway": g.ID, "street": g.Street, "community": g.Community},
		Quarantine: influx.Quarantine(filepath.Join(a.Config.Data, "metrics", "rejected.lp"), func(err error) {
			log.Error("a line that the server rejects is lost", "error", err)
		}),
	})
	return nil
}

func (a *App) closeInflux() error {
	if a.influxSpool == nil {
		return nil
	}
	return a.influxSpool.Close()
}

// measure has the state of everything appended to the metrics of every receiver.
func (a *App) measure(ctx context.Context) error {
	points, err := a.monitor.Points(ctx)
	if err != nil {
		return err
	}
	if !a.clock.Stamp().Set {
		return nil // nobody could tell later when it was
	}
	err = a.metrics.Append(points...)
	if a.influxSpool != nil {
		err = errors.Join(err, a.influxSpool.Append(points...))
	}
	if a.local != nil {
		err = errors.Join(err, a.publishPoints(points))
	}
	return err
}

// publishPoints publishes points at the local broker, in the form that they have
// outside.
func (a *App) publishPoints(points []spool.Point) error {
	var b spool.Batch
	for _, p := range points {
		b.Series = append(b.Series, spool.Series{Name: p.Name, Labels: p.Labels, Samples: []spool.Sample{
			{Time: p.Time, Mean: p.Value, Min: p.Value, Max: p.Value, Count: 1},
		}})
	}
	payload, err := b.JSON()
	if err == nil {
		a.publishLocal("metrics", false, payload)
	}
	return err
}

// further adds the metrics of the parts that the monitor does not know.
func (a *App) further(ctx context.Context, add func(labels map[string]string, name string, v float64)) error {
	add(nil, "clock_synced", number(a.clock.Stamp().Set))
	files, bytes, err := a.evidence.Used(ctx)
	if err != nil {
		return err
	}
	kept, lost := a.evidence.Counts()
	a.share.measure(add)
	add(nil, "evidence_files", float64(files))
	add(nil, "evidence_bytes", float64(bytes))
	add(nil, "evidence_kept", float64(kept))
	add(nil, "evidence_lost", float64(lost))
	if a.local != nil {
		s := a.local.Stats()
		add(nil, "local_clients", float64(s.Clients))
		add(nil, "local_received", float64(s.Received))
		add(nil, "local_refused", float64(s.Refused))
		add(nil, "local_dropped", float64(s.Dropped))
	}
	if a.influx != nil {
		s := a.influx.Stats()
		add(nil, "influx_online", number(s.Phase == influx.Online))
		add(nil, "influx_written", float64(s.Written))
		add(nil, "influx_quarantined", float64(s.Quarantined))
		add(nil, "influx_failures", float64(s.Failures))
		add(nil, "influx_waiting", float64(a.influxSpool.Stats().Batches))
	}
	a.measureDevices(add)
	a.measureRadios(add)
	a.readings.Each(time.Now(), func(device, quantity string, _ bool, v float64) {
		add(map[string]string{"device": device, "quantity": quantity}, "reading", v)
	})
	return nil
}

// serveMetrics answers Prometheus until ctx ends.
func (a *App) serveMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.monitor.Handler())
	for {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.Metrics.Listen)
		if err == nil {
			srv := &http.Server{Handler: mux, ReadTimeout: scrapeWithin, WriteTimeout: scrapeWithin, IdleTimeout: scrapeWithin, MaxHeaderBytes: 16 << 10}
			stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
			a.Log.Info("/metrics listens", "address", l.Addr().String())
			err = srv.Serve(l)
			stop()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("another program listens on %s: stop it or choose another metrics.listen", a.Config.Metrics.Listen)
		}
		a.Log.Error("no /metrics, trying again", "error", err, "after", listenAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(listenAgain):
		}
	}
}

// timed is an outbox that takes the time from an alert to its acknowledgement.
type timed struct {
	*outbox.Box
	store   *store.Store
	monitor *health.Monitor

	mu   sync.Mutex
	sent map[int64]alertTimes // guarded by mu: alerts handed out and not acknowledged
}

type alertTimes struct {
	durable time.Time
	decided time.Time // of a first revision
}

// maxTimed bounds what is remembered: alerts on their way are few.
const maxTimed = 1000

// Next is that of the outbox.
func (t *timed) Next(ctx context.Context, n int, lowest outbox.Lane, skip map[int64]struct{}) ([]outbox.Item, error) {
	items, err := t.Box.Next(ctx, n, lowest, skip)
	t.store.Noticed(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, it := range items {
		if it.Lane != outbox.Alert || len(it.Payload) == 0 {
			continue
		}
		if len(t.sent) >= maxTimed {
			clear(t.sent) // mostly of what was replaced before it could be sent
		}
		at := alertTimes{durable: it.Created}
		if a, err := alert.Parse(it.Payload); err == nil && a.Rev == 1 && a.ClockSynced {
			at.decided = a.DetectedAt.Time
		}
		t.sent[it.Seq] = at
	}
	return items, err
}

// Done is that of the outbox.
func (t *timed) Done(ctx context.Context, seqs ...int64) error {
	now := time.Now()
	t.mu.Lock()
	for _, seq := range seqs {
		at, ok := t.sent[seq]
		if !ok {
			continue
		}
		delete(t.sent, seq)
		t.monitor.Delivery.Observe(now.Sub(at.durable))
		if !at.decided.IsZero() {
			t.monitor.Decision.Observe(now.Sub(at.decided))
		}
	}
	t.mu.Unlock()
	err := t.Box.Done(ctx, seqs...)
	t.store.Noticed(err)
	return err
}
