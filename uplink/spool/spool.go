// Package spool keeps metric points until somebody outside has taken them.
//
// Metrics are by far the most of what a gateway writes, and worth the least. So
// they stay in memory while the line is good: points are collected for
// Options.Seal, handed out as batches, and forgotten when these are
// acknowledged. Only what nobody has taken within Options.Persist is written,
// many batches in one file. A kill therefore loses the metrics of the last
// minutes, never more than Seal and Persist together, and a day with a line
// costs the flash nothing.
//
// # A long time without a line
//
// Raw points older than RawFor become averages over ten minutes, and these
// after FineFor averages over an hour, each with minimum, maximum and count. A
// spool that is three quarters full folds earlier, and what is full drops the
// oldest. All of it is counted, and the counts outlive the process.
//
// # Files
//
// A chunk is one file of one resolution, under its final name only once it is
// whole and on the disk, and removed when all of it is acknowledged. Its name
// holds the range of numbers that it covers, so that a fold which was cut off by
// a power cut leaves no point twice. A file that cannot be read is set aside.
//
// # Delivery
//
// At least once: a receiver tells points apart by series and time, and writes
// one that comes again over itself. A Spool is for one receiver; who has
// several has several spools.
package spool

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// maxBatch is about how long a batch is as JSON, in bytes: an alert may have
	// to wait for one on a slow line.
	maxBatch = 8 << 10
	// maxMemory bounds the samples in memory, of some 40 bytes each.
	maxMemory = 50_000
	// maxSeries bounds the series of one batch that is being collected.
	maxSeries = 4096
	// maxPersist is how many samples go into one file.
	maxPersist = 20_000

	tenMinutes = 10 * time.Minute
)

// Options say where a spool is and what it keeps.
type Options struct {
	Dir string // made if it is missing; of this spool alone
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// MaxBytes and MaxAge bound what is kept on the disk, 32 MiB and 30 days when
	// zero.
	MaxBytes int64
	MaxAge   time.Duration
	// Seal is how long points are collected before they go out, a minute when
	// zero, and Persist how long a batch may wait in memory, 5 minutes when zero.
	Seal, Persist time.Duration
	// RawFor is the age from which points become averages over 10 minutes, a day
	// when zero, and FineFor that from which these become hourly ones, a week when
	// zero.
	RawFor, FineFor time.Duration
	// Room says whether the disk has room for what is not urgent; always when nil.
	Room func() bool
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 32 << 20
	}
	def(&o.MaxAge, 30*24*time.Hour)
	def(&o.Seal, time.Minute)
	def(&o.Persist, 5*time.Minute)
	def(&o.RawFor, 24*time.Hour)
	def(&o.FineFor, 7*24*time.Hour)
	if o.Room == nil {
		o.Room = func() bool { return true }
	}
	return o
}

// Stats is what waits in a spool and what has become of the rest.
type Stats struct {
	Batches int   // that can go out now
	Samples int   // points and averages in all
	Bytes   int64 // on the disk, in whole blocks
	Memory  int   // samples that are in memory alone
	// Oldest is the time of the oldest sample, zero when there is none.
	Oldest time.Time
	// The counters outlive the process, up to the last Sweep.
	Counters
}

// Counters only grow.
type Counters struct {
	Dropped uint64 `json:"dropped"` // readings that nobody will get
	Folded  uint64 `json:"folded"`  // samples that went into averages
	Refused uint64 `json:"refused"` // points that were invalid
	Bad     uint64 `json:"bad"`     // files that were set aside
}

// Spool is a spool of points for one receiver. Its methods may be called from
// several goroutines, Next and Done by one receiver.
type Spool struct {
	opt Options

	sweepMu sync.Mutex // held by Sweep and Close

	mu      sync.Mutex
	closed  bool               // guarded by mu, as is all that follows
	open    map[string]*Series // being collected
	opened  time.Time          // when the first of them came
	opening int                // their samples
	sealed  []*sealed          // in memory, oldest first
	chunks  []*chunk           // on the disk, oldest first
	seq     int64              // the last that was given
	number  uint64             // of the last file
	count   Counters
	stored  Counters // as they are on the disk
	changed chan struct{}
	notify  func()
}

// sealed is a batch in memory.
type sealed struct {
	Batch
	at time.Time // when it was sealed
}

// Open opens the spool in a folder and reads what an earlier process left.
func Open(opt Options) (*Spool, error) {
	opt = opt.withDefaults()
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of metrics: %w", err)
	}
	s := &Spool{opt: opt, open: map[string]*Series{}, changed: make(chan struct{}), notify: func() {}}
	s.readCounters()
	if err := s.scan(); err != nil {
		return nil, fmt.Errorf("read the folder of metrics: %w", err)
	}
	return s, nil
}

// Append takes points. It never waits for the disk. The error names what was
// refused with ErrInvalid; the other points are kept.
func (s *Spool) Append(points ...Point) error {
	now := s.opt.Now()
	var refused []error
	s.mu.Lock()
	for _, p := range points {
		if err := p.check(); err != nil {
			s.count.Refused++
			refused = append(refused, err)
			continue
		}
		s.add(p, now)
	}
	sealed := s.sealDue(now)
	s.mu.Unlock()
	if sealed {
		s.wake()
	}
	return errors.Join(refused...)
}

// add is called with mu held.
func (s *Spool) add(p Point, now time.Time) {
	k := key(p.Name, p.Labels)
	series := s.open[k]
	if series == nil {
		if len(s.open) >= maxSeries {
			s.count.Dropped++
			return
		}
		series = &Series{Name: p.Name, Labels: maps.Clone(p.Labels)}
		s.open[k] = series
	}
	if s.opening == 0 {
		s.opened = now
	}
	s.opening++
	at := time.UnixMilli(p.Time.UnixMilli())
	series.Samples = append(series.Samples, Sample{Time: at, Mean: p.Value, Min: p.Value, Max: p.Value, Count: 1})
}

// sealDue makes batches of what has been collected for long enough, or is much.
// It is called with mu held.
func (s *Spool) sealDue(now time.Time) bool {
	age := now.Sub(s.opened)
	if s.opening == 0 || age >= 0 && age < s.opt.Seal && s.opening < maxPersist {
		return false
	}
	s.seal(now)
	return true
}

// seal is called with mu held.
func (s *Spool) seal(now time.Time) {
	all := make([]Series, 0, len(s.open))
	for _, series := range s.open {
		all = append(all, *series)
	}
	for _, b := range split(merge(all), 0) {
		s.seq++
		b.Seq = s.seq
		s.sealed = append(s.sealed, &sealed{Batch: b, at: now})
	}
	s.open, s.opening = map[string]*Series{}, 0
}

// Next returns at most n batches that are not in skip, the oldest first.
func (s *Spool) Next(n int, skip map[int64]struct{}) ([]Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealDue(s.opt.Now())
	var out []Batch
	// A chunk that turns out to be bad leaves the list.
	for _, c := range slices.Clone(s.chunks) {
		if len(out) >= n {
			return out, nil
		}
		out = s.nextOf(c, n, skip, out)
	}
	for _, b := range s.sealed {
		if len(out) >= n {
			break
		}
		if _, ok := skip[b.Seq]; !ok {
			out = append(out, b.Batch)
		}
	}
	return out, nil
}

// nextOf is called with mu held.
func (s *Spool) nextOf(c *chunk, n int, skip map[int64]struct{}, out []Batch) []Batch {
	wanted := slices.ContainsFunc(c.left(), func(seq int64) bool { _, ok := skip[seq]; return !ok })
	if !wanted {
		return out
	}
	batches, err := s.load(c)
	if err != nil {
		s.setAside(c)
		return out
	}
	for i, b := range batches {
		if _, ok := skip[c.seqs[i]]; ok || c.done[i] || len(out) >= n {
			continue
		}
		b.Seq = c.seqs[i]
		out = append(out, b)
	}
	return out
}

// Done removes batches that the receiver has acknowledged. To remove one that is
// not there is no error: it may have been folded, and comes again as averages.
func (s *Spool) Done(seqs ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seq := range seqs {
		s.sealed = slices.DeleteFunc(s.sealed, func(b *sealed) bool { return b.Seq == seq })
		for _, c := range s.chunks {
			if i := slices.Index(c.seqs, seq); i >= 0 {
				c.done[i] = true
				if len(c.left()) == 0 {
					s.forget(c)
				}
				break
			}
		}
	}
}

// Changed returns a channel that is closed when there is something new. A
// receiver takes it before it calls Next.
func (s *Spool) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// wake is called without mu.
func (s *Spool) wake() {
	s.mu.Lock()
	close(s.changed)
	s.changed = make(chan struct{})
	notify := s.notify
	s.mu.Unlock()
	notify()
}

// Stats returns what waits.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Batches: len(s.sealed), Samples: s.opening, Memory: s.opening, Counters: s.count}
	oldest := func(t time.Time) {
		if !t.IsZero() && (st.Oldest.IsZero() || t.Before(st.Oldest)) {
			st.Oldest = t
		}
	}
	for _, c := range s.chunks {
		st.Batches += len(c.left())
		st.Samples += c.samples
		st.Bytes += c.blocks()
		oldest(c.from)
	}
	for _, b := range s.sealed {
		st.Samples += b.Samples()
		st.Memory += b.Samples()
		from, _ := span(b.Series)
		oldest(from)
	}
	for _, series := range s.open {
		oldest(series.Samples[0].Time)
	}
	return st
}
