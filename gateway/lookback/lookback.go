// Package lookback keeps what the cameras of a box have sent in the last minutes, encoded as it
// came, so that rules can be tried on it.
//
// All cameras share one file of a fixed size: anonymous memory, or a file on disk without a name. It is
// cut into slots; a camera's stream fills one after the other, and when all are in use the oldest of all
// cameras is overwritten, so that all go back equally far. A slot is written whole, in place and
// never flushed, which is the fewest blocks that a card can be asked to write. Nothing outlives the
// program, and nothing is read that it has not written itself.
package lookback

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/gateway/disk"
)

// ErrGone means that what was asked for is not kept any more.
var ErrGone = errors.New("not kept any more")

const (
	memorySlot = 64 << 10
	diskSlot   = 512 << 10
	// mostPending bounds the slots that wait to be written: a disk that is slower than the cameras
	// costs the past of one of them rather than memory.
	mostPending = 16
)

// Options say where how much is kept.
type Options struct {
	Bytes int64         // of all cameras; nothing is kept when it is 0
	Age   time.Duration // how far back at most
	Dir   string        // folder of the file; memory when empty
	Floor int64         // bytes of the disk that stay free
}

// Store is where all cameras' pasts are. Its zero value keeps nothing until Set.
type Store struct {
	Now func() time.Time // time.Now when nil

	mu      sync.Mutex
	opts    Options  // guarded by mu, as is all that follows
	file    *os.File // nil when nothing is kept
	slot    int64    // bytes of one
	free    []int64  // slots
	logs    []*Log
	pending int
	spare   [][]byte    // buffers for tails
	writes  chan *chunk // to be written; closed with the file
	done    chan struct{}
	failed  error // of a write
}

// chunk is one slot's worth of a camera's stream.
type chunk struct {
	log   *Log
	slot  int64
	start int64 // where in the stream
	size  int
	at    time.Time // when the last of it came
	// Guarded by Store.mu.
	data    []byte // until it is written
	dropped bool
}

func (s *Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Set begins keeping by other options, and forgets what was kept by the old ones; equal ones
// change nothing. When it fails nothing is kept.
func (s *Store) Set(o Options) error {
	s.mu.Lock()
	same := s.opts == o && (s.file != nil || o.Bytes == 0)
	s.mu.Unlock()
	if same {
		return nil
	}
	s.Close()
	slot := int64(memorySlot)
	if o.Dir != "" {
		slot = diskSlot
	}
	n := o.Bytes / slot
	if n == 0 {
		s.mu.Lock()
		s.opts = o
		s.mu.Unlock()
		return nil
	}
	f, err := open(o, n*slot)
	if err != nil {
		return fmt.Errorf("keep what the cameras have sent: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts, s.file, s.slot, s.failed = o, f, slot, nil
	s.free = make([]int64, n)
	for i := range s.free {
		s.free[i] = n - 1 - int64(i)
	}
	s.writes, s.done = make(chan *chunk, mostPending), make(chan struct{})
	go s.write(f, s.writes, s.done)
	return nil
}

// open makes the file: all of its space is taken at once on disk, so that none is missing later.
func open(o Options, size int64) (*os.File, error) {
	if o.Dir == "" {
		fd, err := unix.MemfdCreate("lookback", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, err
		}
		return os.NewFile(uintptr(fd), "lookback"), nil
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	if space, err := disk.Of(o.Dir); err == nil && space.Free < size+o.Floor {
		return nil, fmt.Errorf("%s has too little space for %d bytes: %w", o.Dir, size, unix.ENOSPC)
	}
	f, err := os.CreateTemp(o.Dir, ".lookback-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name()) // nothing is left of it whatever happens
	if err == nil {
		if err = unix.Fallocate(int(f.Fd()), 0, 0, size); errors.Is(err, unix.EOPNOTSUPP) {
			err = f.Truncate(size)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Close forgets everything, and keeps nothing until Set. Logs may be used on.
func (s *Store) Close() {
	s.mu.Lock()
	f, done := s.file, s.done
	if f != nil {
		close(s.writes)
	}
	s.file, s.free, s.pending, s.spare, s.opts = nil, nil, 0, nil, Options{}
	for _, l := range s.logs {
		l.forget()
	}
	s.mu.Unlock()
	if f != nil {
		<-done
		_ = f.Close()
	}
}

// write writes what is full.
func (s *Store) write(f *os.File, writes <-chan *chunk, done chan<- struct{}) {
	defer close(done)
	for c := range writes {
		s.mu.Lock()
		data, at := c.data, c.slot*s.slot
		s.mu.Unlock()
		_, err := f.WriteAt(data, at)
		s.mu.Lock()
		if s.file == f {
			s.pending--
			if err != nil {
				s.failed = err
				c.log.forget()
			}
			if c.dropped {
				s.free = append(s.free, c.slot)
			}
			if c.data = nil; len(s.spare) < mostPending {
				s.spare = append(s.spare, data)
			}
		}
		s.mu.Unlock()
	}
}

// Err returns why something could not be kept since Set, nil if all was.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// take returns a slot, if need be one whose content is the oldest of all. It is called with mu held.
func (s *Store) take() (int64, bool) {
	if len(s.free) == 0 {
		var oldest *Log
		for _, l := range s.logs {
			if len(l.chunks) > 0 && l.chunks[0].data == nil && (oldest == nil || l.chunks[0].at.Before(oldest.chunks[0].at)) {
				oldest = l
			}
		}
		if oldest == nil {
			return 0, false
		}
		oldest.drop()
		oldest.short = true
	}
	n := len(s.free) - 1
	slot := s.free[n]
	s.free = s.free[:n]
	return slot, true
}
