package spool

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Sweep writes what has waited in memory for too long, folds what is old, and
// drops what is beyond the limits. It is to be called about once a minute. After an
// error everything is still in memory, as far as there is room.
func (s *Spool) Sweep() error {
	s.sweepMu.Lock()
	defer s.sweepMu.Unlock()
	now := s.opt.Now()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.sealDue(now)
	s.mu.Unlock()
	var errs []error
	room := s.opt.Room()
	if room {
		errs = append(errs, s.persist(func(b *sealed) bool {
			age := now.Sub(b.at)
			return age < 0 || age >= s.opt.Persist
		}))
	}
	s.boundMemory()
	s.expire(now)
	if room {
		errs = append(errs, s.foldAll(now))
	}
	s.dropOldest()
	if room {
		errs = append(errs, s.storeCounters())
	}
	s.wake()
	return errors.Join(errs...)
}

// Close writes all that is in memory. The spool must not be used afterwards.
func (s *Spool) Close() error {
	s.sweepMu.Lock()
	defer s.sweepMu.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.opening > 0 {
		s.seal(s.opt.Now())
	}
	s.mu.Unlock()
	if !s.opt.Room() {
		return nil
	}
	err := s.persist(func(*sealed) bool { return true })
	s.dropOldest()
	return errors.Join(err, s.storeCounters())
}

// persist writes everything in memory, if anything there is due: the batches
// behind it go into the same file.
func (s *Spool) persist(due func(*sealed) bool) error {
	s.mu.Lock()
	batches := slices.Clone(s.sealed)
	s.mu.Unlock()
	if !slices.ContainsFunc(batches, due) {
		return nil
	}
	for len(batches) > 0 {
		n, samples := 0, 0
		for n < len(batches) && (n == 0 || samples < maxPersist && batches[n].Resolution == batches[0].Resolution) {
			samples += batches[n].Samples()
			n++
		}
		if err := s.persistThese(batches[:n]); err != nil {
			return err
		}
		batches = batches[n:]
	}
	return nil
}

// persistThese writes batches of one resolution, a file for each hour, so that
// no window of an average is torn apart. What is acknowledged meanwhile comes
// once more.
func (s *Spool) persistThese(batches []*sealed) error {
	var all []Series
	for _, b := range batches {
		all = append(all, b.Series...)
	}
	res := batches[0].Resolution
	if res > 0 {
		all = fold(all, res)
	}
	var written []*chunk
	for _, hour := range byHour(merge(all)) {
		s.mu.Lock()
		s.number++
		c := &chunk{first: s.number, last: s.number, res: res}
		s.mu.Unlock()
		if err := s.write(c, hour); err != nil {
			for _, c := range written { // they are in memory still
				_ = os.Remove(filepath.Join(s.opt.Dir, c.name()))
			}
			return err
		}
		s.mu.Lock()
		s.describe(c, hour)
		s.mu.Unlock()
		written = append(written, c)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks = append(s.chunks, written...)
	s.sealed = slices.DeleteFunc(s.sealed, func(b *sealed) bool { return slices.Contains(batches, b) })
	return nil
}

// byHour cuts series at full hours.
func byHour(all []Series) [][]Series {
	var hours []time.Time
	parts := map[time.Time][]Series{}
	for _, s := range all {
		for rest := s.Samples; len(rest) > 0; {
			hour := rest[0].Time.Truncate(time.Hour).UTC()
			n := 1
			for n < len(rest) && rest[n].Time.Truncate(time.Hour).Equal(hour) {
				n++
			}
			if parts[hour] == nil {
				hours = append(hours, hour)
			}
			parts[hour] = append(parts[hour], Series{Name: s.Name, Labels: s.Labels, Samples: rest[:n:n]})
			rest = rest[n:]
		}
	}
	slices.SortFunc(hours, time.Time.Compare)
	out := make([][]Series, 0, len(hours))
	for _, h := range hours {
		out = append(out, parts[h])
	}
	return out
}

// boundMemory folds what is in memory if it is too much, and drops the oldest if
// that does not help: the disk has no room, then.
func (s *Spool) boundMemory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, res := range []time.Duration{tenMinutes, time.Hour} {
		if s.inMemory() <= maxMemory {
			return
		}
		var all []Series
		at := s.opt.Now()
		for _, b := range s.sealed {
			all = append(all, b.Series...)
			at = b.at
		}
		before := countSamples(all)
		all = fold(all, res)
		s.count.Folded += uint64(before - countSamples(all))
		s.sealed = nil
		for _, b := range split(all, res) {
			s.seq++
			b.Seq = s.seq
			s.sealed = append(s.sealed, &sealed{Batch: b, at: at})
		}
	}
	for s.inMemory() > maxMemory {
		s.count.Dropped += readings(s.sealed[0].Series)
		s.sealed = s.sealed[1:]
	}
}

func (s *Spool) inMemory() (n int) {
	for _, b := range s.sealed {
		n += b.Samples()
	}
	return n
}

// expire drops what is older than MaxAge.
func (s *Spool) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range slices.Clone(s.chunks) {
		if now.Sub(c.to) > s.opt.MaxAge {
			s.drop(c)
		}
	}
}

// dropOldest drops from the oldest on until what is left is within MaxBytes.
func (s *Spool) dropOldest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.onDisk() > s.opt.MaxBytes {
		s.drop(s.chunks[0])
	}
}

// drop is called with mu held.
func (s *Spool) drop(c *chunk) {
	s.count.Dropped += c.readings
	s.forget(c)
}

// onDisk is called with mu held.
func (s *Spool) onDisk() (n int64) {
	for _, c := range s.chunks {
		n += c.blocks()
	}
	return n
}

// foldAll folds what is old enough, and more if the spool is nearly full.
func (s *Spool) foldAll(now time.Time) error {
	for {
		group, res := s.due(now)
		if len(group) == 0 {
			return nil
		}
		if err := s.foldGroup(group, res); err != nil {
			return err
		}
	}
}

// due returns chunks that stand together and fall into one hour, or one day, and
// the resolution that they are to be folded to.
func (s *Spool) due(now time.Time) ([]*chunk, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.onDisk() > s.opt.MaxBytes*3/4
	for _, step := range []struct {
		from, to, window, age time.Duration
	}{{0, tenMinutes, time.Hour, s.opt.RawFor}, {tenMinutes, time.Hour, 24 * time.Hour, s.opt.FineFor}} {
		for i, c := range s.chunks {
			window := c.from.Truncate(step.window)
			end := window.Add(step.window)
			// A window that is not over may get more.
			if c.res != step.from || !full && now.Sub(end) < step.age || now.Sub(end) < s.opt.Seal+s.opt.Persist {
				continue
			}
			n := 1
			for i+n < len(s.chunks) && s.chunks[i+n].res == step.from && s.chunks[i+n].from.Truncate(step.window).Equal(window) {
				n++
			}
			return slices.Clone(s.chunks[i : i+n]), step.to
		}
	}
	return nil, 0
}

// foldGroup replaces chunks by one. Those acknowledged meanwhile come again, as
// averages.
func (s *Spool) foldGroup(group []*chunk, res time.Duration) error {
	var all []Series
	for _, c := range group {
		s.mu.Lock()
		here := slices.Contains(s.chunks, c) // it may be acknowledged by now
		s.mu.Unlock()
		if !here {
			continue
		}
		part, err := s.readLeft(c)
		if err != nil {
			s.mu.Lock()
			s.setAside(c)
			s.mu.Unlock()
			continue
		}
		all = append(all, part...)
	}
	if len(all) == 0 {
		return nil
	}
	before := countSamples(all)
	all = fold(all, res)
	c := &chunk{first: group[0].first, last: group[len(group)-1].last, res: res}
	if err := s.write(c, all); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.describe(c, all)
	s.count.Folded += uint64(before - c.samples)
	for _, old := range group {
		s.forget(old)
	}
	at, _ := slices.BinarySearchFunc(s.chunks, c, byAge)
	s.chunks = slices.Insert(s.chunks, at, c)
	return nil
}

// readLeft returns the series of a chunk's batches that are not acknowledged.
func (s *Spool) readLeft(c *chunk) ([]Series, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	batches, err := s.load(c)
	if err != nil {
		return nil, err
	}
	var all []Series
	for i, b := range batches {
		if !c.done[i] {
			all = append(all, b.Series...)
		}
	}
	return all, nil
}

func (s *Spool) readCounters() {
	data, err := os.ReadFile(filepath.Join(s.opt.Dir, counters))
	var c Counters
	if err == nil && json.Unmarshal(data, &c) == nil {
		s.count, s.stored = c, c
	}
}

// storeCounters writes the counters if they have changed.
func (s *Spool) storeCounters() error {
	s.mu.Lock()
	c, same := s.count, s.count == s.stored
	s.mu.Unlock()
	if same {
		return nil
	}
	data, err := json.Marshal(c)
	if err == nil {
		err = s.writeFile(counters, counterTmp, data)
	}
	if err == nil {
		s.mu.Lock()
		s.stored = c
		s.mu.Unlock()
	}
	return err
}
