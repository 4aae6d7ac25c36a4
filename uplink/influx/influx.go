// Package influx writes a spool of metrics to an InfluxDB 2 server, or to what
// takes the same writes, such as VictoriaMetrics.
//
// A batch leaves the spool when the server has taken every line of it, by its
// number: what was taken in part is sent again whole, and writes over itself. The
// client's own retries are not used; they are in memory.
//
// What the answers mean (InfluxDB API v2, POST /api/v2/write):
//
//	204           taken
//	400, 422      a line is wrong: the batch is halved until it is found; it goes
//	              into the quarantine, and the rest is written
//	413           too much at once: halved
//	401, 403, 404 token, organisation or bucket: nothing is lost, asked again in a minute
//	429, 503      later, as Retry-After says
//	anything else later, with a growing pause
package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"sentrybox/uplink/spool"
)

const (
	timeout     = 30 * time.Second
	backoffMin  = time.Second
	backoffMax  = time.Minute
	refusedWait = time.Minute
	maxWait     = 10 * time.Minute // whatever Retry-After says
	maxAnswer   = 64 << 10         // bytes of an answer that are read
	look        = 10 * time.Second // a spool gathers for a while, and seals when it is asked
	// maxBad is how many lines of one batch are singled out. A server that takes
	// none of so many has something against the batch, not against its lines.
	maxBad = 20
)

// Source is the spool as a writer needs it. *spool.Spool is one.
type Source interface {
	Changed() <-chan struct{}
	Next(n int, skip map[int64]struct{}) ([]spool.Batch, error)
	Done(seqs ...int64)
}

// Config says where to write. URL, Org and Bucket must be given.
type Config struct {
	URL    string // http:// or https://
	Org    string
	Bucket string
	Token  string
	Tags   map[string]string // of every point
	Source Source
	// Quarantine keeps lines that the server does not want, with what it says of
	// them.
	Quarantine func(lines []string, why string)
	Log        *slog.Logger
	Transport  http.RoundTripper // http.DefaultTransport when nil
}

// Phase is how a Writer stands with its server.
type Phase string

// The phases.
const (
	Idle    Phase = "idle"    // nothing was written yet
	Online  Phase = "online"  // the last batch was taken
	Offline Phase = "offline" // not reached, or it is busy
	Refused Phase = "refused" // token, organisation or bucket
)

// Stats is what a Writer has counted since New.
type Stats struct {
	Phase       Phase
	Written     uint64 // lines taken
	Quarantined uint64 // lines that the server did not want
	Failures    uint64 // writes that were put off
}

// Writer writes a spool to a server. Run it in one goroutine.
type Writer struct {
	cfg    Config
	client influxdb2.Client
	api    api.WriteAPIBlocking
	most   int // lines of a write; 0 for all. Of Run alone

	mu    sync.Mutex
	stats Stats // guarded by mu
}

// New returns a writer that does nothing until Run.
func New(cfg Config) *Writer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	transport := cfg.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	opt := influxdb2.DefaultOptions().SetUseGZip(true).SetMaxRetries(0).SetHTTPClient(&http.Client{
		Timeout: timeout, Transport: bounded{transport},
		// The token is for one server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	opt.SetLogLevel(0)
	w := &Writer{cfg: cfg, client: influxdb2.NewClientWithOptions(cfg.URL, cfg.Token, opt), stats: Stats{Phase: Idle}}
	w.api = w.client.WriteAPIBlocking(cfg.Org, cfg.Bucket)
	return w
}

// bounded keeps the client from reading an endless answer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// Stats returns what has been counted.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

func (w *Writer) count(change func(*Stats)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.stats)
}

// Run writes until ctx ends.
func (w *Writer) Run(ctx context.Context) error {
	defer w.client.Close()
	failures := 0
	for {
		changed := w.cfg.Source.Changed()
		wait, wrote := w.next(ctx, &failures)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wrote {
			continue
		}
		if wait > 0 {
			changed = nil // nothing before that
		} else {
			wait = look
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// next writes a batch, and reports whether it did. If not there was none, or it
// is to be tried again after wait.
func (w *Writer) next(ctx context.Context, failures *int) (wait time.Duration, wrote bool) {
	batches, err := w.cfg.Source.Next(1, nil)
	if err != nil {
		w.cfg.Log.Error("cannot read the spool of metrics", "error", err)
		return backoffMax, false
	}
	if len(batches) == 0 {
		return 0, false
	}
	b, all := delivery{Writer: w}, lines(batches[0], w.cfg.Tags)
	if err := b.write(ctx, all); err != nil {
		*failures++
		wait = pause(err, *failures)
		w.failed(err, wait)
		return wait, false
	}
	*failures = 0
	w.most = 2 * w.most
	w.cfg.Source.Done(batches[0].Seq)
	w.phase(Online)
	return 0, true
}

func (w *Writer) phase(p Phase) (before Phase) {
	w.count(func(s *Stats) { before, s.Phase = s.Phase, p })
	if before != p {
		w.cfg.Log.Info("influx", "state", p, "url", w.cfg.URL)
	}
	return before
}

func (w *Writer) failed(err error, wait time.Duration) {
	p := Offline
	if refused(err) {
		p = Refused
	}
	w.count(func(s *Stats) { s.Failures++ })
	if w.phase(p) != p {
		w.cfg.Log.Warn("metrics are not written, trying again", "error", err, "after", wait.Round(time.Second))
	}
}

// status returns the status of an answer, 0 if there was none.
func status(err error) (code int, header http.Header) {
	var e *influxhttp.Error
	if errors.As(err, &e) {
		return e.StatusCode, e.Header
	}
	return 0, nil
}

func refused(err error) bool {
	code, _ := status(err)
	return code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound
}

// pause is how long to wait after a failure.
func pause(err error, failures int) time.Duration {
	if refused(err) {
		return refusedWait
	}
	code, header := status(err)
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		if d := retryAfter(header.Get("Retry-After")); d > 0 {
			return min(max(d, backoffMin), maxWait)
		}
	}
	most := backoffMin
	for i := 0; i < failures && most < backoffMax; i++ {
		most *= 2
	}
	most = min(most, backoffMax)
	return backoffMin + time.Duration(rand.Float64()*float64(most-backoffMin))
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), 0 if it is neither.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return time.Until(at)
	}
	return 0
}

// delivery is one batch on its way.
type delivery struct {
	*Writer
	bad   int
	taken bool // something of it
}

// write writes lines, in halves if need be. It returns nil once each has been
// taken or put into the quarantine.
func (d *delivery) write(ctx context.Context, all []string) error {
	if len(all) == 0 {
		return nil
	}
	if d.most > 0 && len(all) > d.most {
		return d.halves(ctx, all)
	}
	err := d.api.WriteRecord(ctx, all...)
	if err == nil {
		d.taken = true
		d.count(func(s *Stats) { s.Written += uint64(len(all)) })
		return nil
	}
	code, _ := status(err)
	switch code {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		if len(all) == 1 || d.bad >= maxBad && !d.taken {
			d.bad += len(all)
			d.reject(all, err)
			return nil
		}
	case http.StatusRequestEntityTooLarge:
		if len(all) == 1 {
			d.reject(all, err)
			return nil
		}
	default:
		var late net.Error
		if code == 0 && errors.As(err, &late) && late.Timeout() {
			d.most = max(len(all)/2, 1) // a line that does not carry more in that time
			err = fmt.Errorf("no answer within %v: %w", timeout, err)
		}
		return fmt.Errorf("write metrics: %w", err)
	}
	return d.halves(ctx, all)
}

func (d *delivery) halves(ctx context.Context, all []string) error {
	half := len(all) / 2
	if err := d.write(ctx, all[:half]); err != nil {
		return err
	}
	return d.write(ctx, all[half:])
}

func (d *delivery) reject(all []string, err error) {
	d.count(func(s *Stats) { s.Quarantined += uint64(len(all)) })
	if d.cfg.Quarantine != nil {
		d.cfg.Quarantine(all, err.Error())
	}
}
