// Package survey is a technician's search for cameras, as the page does it: one job at a
// time that asks the networks, scans a subnet, looks at an address or signs in to devices,
// and the devices that have been found so far.
//
// Devices are kept in the database, with whether somebody wants to see them no more. What
// signing in led to is in memory alone, with the password in it, and forgotten after an hour.
package survey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
	"sentrybox/gateway/store"
)

// Errors of asking for something.
var (
	ErrBusy    = errors.New("another search is under way")
	ErrUnknown = errors.New("no such device")
	ErrAddress = errors.New("no address")
)

// The kinds of jobs.
const (
	Searching = "search"
	Scanning  = "scan"
	Looking   = "look"
	SigningIn = "signin"
)

const (
	searchFor    = 4 * time.Second
	signInAtOnce = 4
	rememberFor  = time.Hour // what signing in led to
	mostDevices  = 512
	picturesOnce = 2 // pictures that are taken at the same time
)

// Survey is the search. Set the fields, then Open and Run.
type Survey struct {
	Store     *store.Store
	Templates []find.Template
	Log       *slog.Logger
	Now       func() time.Time
	// Discover asks the networks; find.Discover if nil.
	Discover func(context.Context, []net.Interface, time.Duration, []find.Template) ([]find.Candidate, error)
	// Picture takes one picture of a stream, a JPEG.
	Picture func(context.Context, config.URL) ([]byte, error)
	// Process is dvrip.Config's, and Watch find.SignInOptions', for tests.
	Process []string
	Watch   time.Duration

	queue  chan task
	taking chan struct{} // holds a token for each picture that is taken

	mu      sync.Mutex
	devices map[netip.Addr]*Device // guarded by mu, as is all that follows
	job     Job
	cancel  context.CancelFunc // of job; nil while it has not begun
}

// Job is what is under way, or was last.
type Job struct {
	Kind    string    // "" if there has been none
	Of      string    // the subnet or the address
	Started time.Time // zero if there has been none
	Ended   time.Time // zero while it is under way
	// Done of All connections or devices; 0 of 0 where that cannot be told.
	Done, All int
	Stopped   bool // by whoever asked
	Err       error
}

// Running says whether the job is under way.
func (j *Job) Running() bool { return !j.Started.IsZero() && j.Ended.IsZero() }

type task struct {
	run func(context.Context) error
}

// Open reads what has been found before.
func (s *Survey) Open(ctx context.Context) error {
	if s.Discover == nil {
		s.Discover = find.Discover
	}
	s.queue, s.taking = make(chan task, 1), make(chan struct{}, picturesOnce)
	devices, err := s.load(ctx)
	if err != nil {
		return fmt.Errorf("read the devices that were found: %w", err)
	}
	s.mu.Lock()
	s.devices = devices
	s.mu.Unlock()
	return nil
}

// Run carries out the jobs until ctx ends.
func (s *Survey) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case t := <-s.queue:
			s.carryOut(ctx, t)
		}
	}
}

func (s *Survey) carryOut(ctx context.Context, t task) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	if s.job.Stopped { // before it had begun
		cancel()
	}
	s.mu.Unlock()
	err := t.run(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job.Stopped && ctx.Err() != nil {
		err = nil
	}
	s.job.Ended, s.job.Err, s.cancel = s.Now(), err, nil
	if err != nil && ctx.Err() == nil {
		s.Log.Warn("a search for cameras is not whole", "kind", s.job.Kind, "of", s.job.Of, "error", err)
	}
}

// begin makes a job the one that is under way, or returns ErrBusy.
func (s *Survey) begin(kind, of string, all int, run func(context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job.Running() {
		return ErrBusy
	}
	s.job = Job{Kind: kind, Of: of, All: all, Started: s.Now()}
	s.queue <- task{run} // has room: the last one was taken
	return nil
}

// Stop ends the job that is under way, if there is one.
func (s *Survey) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.job.Running() {
		return
	}
	s.job.Stopped = true
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *Survey) progress(done, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.job.Done, s.job.All = done, all
}

// Search asks every network by WS-Discovery and by XiongMai's broadcast.
func (s *Survey) Search() error {
	return s.begin(Searching, "", 0, func(ctx context.Context) error {
		found, err := s.Discover(ctx, nil, searchFor, s.Templates)
		return errors.Join(err, s.keep(ctx, found))
	})
}

// Scan looks at every address of a subnet. It returns find.ErrRange for one that is not
// private or too large.
func (s *Survey) Scan(subnet netip.Prefix) error {
	if err := find.Scannable(subnet); err != nil {
		return err
	}
	return s.begin(Scanning, subnet.Masked().String(), 0, func(ctx context.Context) error {
		found, err := find.Scan(ctx, find.ScanOptions{Prefix: subnet, Progress: s.progress, Templates: s.Templates})
		return errors.Join(err, s.keep(ctx, found))
	})
}

// Look looks at one address: at one port of it, or at all that a scan looks at if the port
// is 0. It is in the list even if nobody answers. It returns ErrAddress for what is none.
func (s *Survey) Look(at netip.AddrPort) error {
	addr := at.Addr()
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() {
		return ErrAddress
	}
	of := addr.String()
	if at.Port() != 0 {
		of = at.String()
	}
	return s.begin(Looking, of, 0, func(ctx context.Context) error {
		lists := [][]find.Candidate{{{Addr: addr, Ways: []find.Way{find.ByHand}}}}
		var err error
		if at.Port() != 0 {
			if c, there := find.At(ctx, at, s.Templates); there {
				lists = append(lists, []find.Candidate{c})
			}
		} else {
			var found []find.Candidate
			found, err = find.Scan(ctx, find.ScanOptions{
				Prefix: netip.PrefixFrom(addr, addr.BitLen()), Public: true, Progress: s.progress, Templates: s.Templates,
			})
			lists = append(lists, found)
		}
		return errors.Join(err, s.keep(ctx, find.Merge(lists...)))
	})
}
