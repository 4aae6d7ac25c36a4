package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	suffix     = ".metrics"
	badSuffix  = ".bad"
	maxBad     = 4 // files that are kept for whoever wants to know
	blockSize  = 4096
	counterTmp = "counters.tmp"
	counters   = "counters"
)

// chunk is a file of samples.
type chunk struct {
	first, last uint64 // the numbers of the files that it stands for
	res         time.Duration
	bytes       int64
	samples     int
	readings    uint64
	from, to    time.Time
	seqs        []int64 // of its batches
	done        []bool  // which of them are acknowledged
}

func (c *chunk) name() string {
	return fmt.Sprintf("%016x-%016x-%d%s", c.first, c.last, int(c.res.Seconds()), suffix)
}

func parseName(name string) (*chunk, bool) {
	var c chunk
	var res int
	n, err := fmt.Sscanf(name, "%016x-%016x-%d"+suffix, &c.first, &c.last, &res)
	c.res = time.Duration(res) * time.Second
	return &c, n == 3 && err == nil && c.name() == name && c.first <= c.last
}

func (c *chunk) blocks() int64 { return (c.bytes + blockSize - 1) / blockSize * blockSize }

// left returns the batches that are not acknowledged.
func (c *chunk) left() []int64 {
	if !slices.Contains(c.done, true) {
		return c.seqs
	}
	var out []int64
	for i, seq := range c.seqs {
		if !c.done[i] {
			out = append(out, seq)
		}
	}
	return out
}

// describe fills in what is known of a chunk's content, and numbers its batches.
// It is called with mu held.
func (s *Spool) describe(c *chunk, all []Series) {
	c.samples, c.readings = countSamples(all), readings(all)
	c.from, c.to = span(all)
	c.seqs = nil
	for range split(all, c.res) {
		s.seq++
		c.seqs = append(c.seqs, s.seq)
	}
	c.done = make([]bool, len(c.seqs))
}

func readings(all []Series) (n uint64) {
	for _, s := range all {
		for _, p := range s.Samples {
			n += uint64(p.Count)
		}
	}
	return n
}

// scan reads the folder. What a fold was about to replace goes, and half-written
// files too.
func (s *Spool) scan() error {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			_ = os.Remove(filepath.Join(s.opt.Dir, e.Name()))
		}
		c, ok := parseName(e.Name())
		if !ok {
			continue
		}
		s.number = max(s.number, c.last)
		s.chunks = append(s.chunks, c)
	}
	slices.SortFunc(s.chunks, byAge)
	for _, c := range slices.Clone(s.chunks) {
		if slices.ContainsFunc(s.chunks, c.replacedBy) {
			s.forget(c)
			continue
		}
		all, err := s.read(c)
		switch {
		case errors.Is(err, errFuture):
			// The newer program that wrote it may come back.
			s.chunks = slices.DeleteFunc(s.chunks, func(o *chunk) bool { return o == c })
		case err != nil:
			s.setAside(c)
		default:
			s.describe(c, all)
		}
	}
	return nil
}

// replacedBy says whether o is a coarser chunk that has all of c.
func (c *chunk) replacedBy(o *chunk) bool {
	return o.res > c.res && o.first <= c.first && c.last <= o.last
}

func (s *Spool) read(c *chunk) ([]Series, error) {
	f, err := os.Open(filepath.Join(s.opt.Dir, c.name()))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxChunk+1))
	if err != nil {
		return nil, err
	}
	c.bytes = int64(len(data))
	all, res, err := decode(data)
	if err == nil && res != c.res {
		err = errCorrupt
	}
	return all, err
}

// load returns the batches of a chunk. It is called with mu held.
func (s *Spool) load(c *chunk) ([]Batch, error) {
	all, err := s.read(c)
	if err != nil {
		return nil, err
	}
	batches := split(all, c.res)
	if len(batches) != len(c.seqs) {
		return nil, errCorrupt
	}
	return batches, nil
}

// forget removes a chunk and its file. It is called with mu held. A file that
// stays for some reason comes again after the next start.
func (s *Spool) forget(c *chunk) {
	s.chunks = slices.DeleteFunc(s.chunks, func(o *chunk) bool { return o == c })
	_ = os.Remove(filepath.Join(s.opt.Dir, c.name()))
}

// setAside renames a file that cannot be read. It is called with mu held.
func (s *Spool) setAside(c *chunk) {
	s.chunks = slices.DeleteFunc(s.chunks, func(o *chunk) bool { return o == c })
	s.count.Bad++
	s.count.Dropped += c.readings
	path := filepath.Join(s.opt.Dir, c.name())
	_ = os.Rename(path, path+badSuffix)
	bad, err := filepath.Glob(filepath.Join(s.opt.Dir, "*"+badSuffix))
	for err == nil && len(bad) > maxBad {
		_ = os.Remove(bad[0])
		bad = bad[1:]
	}
}

// write makes a chunk of samples durable under its name.
func (s *Spool) write(c *chunk, all []Series) error {
	data, err := encode(all, c.res)
	if err != nil {
		return err
	}
	if len(data) > maxChunk {
		return fmt.Errorf("a chunk of %d bytes", len(data))
	}
	c.bytes = int64(len(data))
	return s.writeFile(c.name(), c.name()+".tmp", data)
}

func (s *Spool) writeFile(name, tmp string, data []byte) (err error) {
	path := filepath.Join(s.opt.Dir, tmp)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(path, filepath.Join(s.opt.Dir, name))
	}
	if err == nil {
		err = syncDir(s.opt.Dir)
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
