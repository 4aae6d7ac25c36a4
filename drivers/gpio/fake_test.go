package gpio

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// board stands in for the kernel at its ioctls: its chips are files in a folder, and the lines that it gives out are
// pipes, whose events the driver reads as it would the kernel's. This machine's kernel has no gpio-sim.
type board struct {
	t   *testing.T
	dev string

	mu    sync.Mutex
	lines map[uint32]*simLine
}

type simLine struct {
	name     string
	level    bool
	request  *lineRequest // nil if nobody has it
	events   *os.File     // its end of the pipe
	seqno    uint32
	debounce uint32
}

func newBoard(t *testing.T) *board {
	b := &board{t: t, dev: t.TempDir(), lines: map[uint32]*simLine{}}
	for i, name := range []string{"", "DOOR", "BUTTON", "SIREN"} {
		b.lines[uint32(i)] = &simLine{name: name}
	}
	b.plug()
	return b
}

func (b *board) chip() string { return filepath.Join(b.dev, "gpiochip0") }

func (b *board) plug() {
	if err := os.WriteFile(b.chip(), nil, 0o600); err != nil {
		b.t.Error(err)
	}
	// Another chip is always there, so that this one is away, and not all of GPIO.
	if err := os.WriteFile(filepath.Join(b.dev, "gpiochip1"), nil, 0o600); err != nil {
		b.t.Error(err)
	}
}

func (b *board) unplug() {
	if err := os.Remove(b.chip()); err != nil {
		b.t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if l.events != nil {
			l.events.Close()
		}
		l.events, l.request = nil, nil
	}
}

// set changes the level outside, as the kernel sees it after debouncing.
func (b *board) set(offset uint32, level bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[offset]
	if l.level == level {
		return
	}
	l.level = level
	if l.events == nil {
		return
	}
	l.seqno++
	e := lineEvent{id: 2, offset: offset, seqno: l.seqno, lineSeqno: l.seqno}
	if b.active(l) {
		e.id = 1
	}
	if _, err := l.events.Write(unsafe.Slice((*byte)(unsafe.Pointer(&e)), unsafe.Sizeof(e))); err != nil && !errors.Is(err, unix.EPIPE) { // nobody has the line
		b.t.Error(err)
	}
}

func (b *board) active(l *simLine) bool {
	return l.level != (l.request.config.flags&flagActiveLow != 0)
}

func (b *board) ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if filepath.Base(f.Name()) == "gpiochip1" && request != ioctlChipInfo() {
		return unix.EINVAL
	}
	switch request {
	case ioctlChipInfo():
		info := (*chipInfo)(arg)
		info.lines = uint32(len(b.lines))
		copy(info.label[:], "sim-"+filepath.Base(f.Name()))
		return nil
	case ioctlLineInfo():
		info := (*lineInfo)(arg)
		copy(info.name[:], b.lines[info.offset].name)
		return nil
	case ioctlLine():
		return b.give((*lineRequest)(arg))
	case ioctlGetValues(), ioctlSetValues():
		var offset uint32
		if _, err := fmt.Sscanf(f.Name()[strings.LastIndex(f.Name(), "line"):], "line %d", &offset); err != nil {
			return unix.ENOTTY
		}
		l, v := b.lines[offset], (*lineValues)(arg)
		switch {
		case l.request == nil || v.mask != 1:
			return unix.ENODEV
		case request == ioctlSetValues():
			l.level = (v.bits == 1) != (l.request.config.flags&flagActiveLow != 0)
		case b.active(l):
			v.bits = 1
		}
		return nil
	}
	return unix.ENOTTY
}

func (b *board) give(r *lineRequest) error {
	l := b.lines[r.offsets[0]]
	config := &r.config
	switch {
	case r.numLines != 1 || config.numAttrs != 1 || config.attrs[0].mask != 1 || config.flags&(flagInput|flagOutput) == 0:
		return unix.EINVAL
	case l.taken():
		return unix.EBUSY
	}
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	fd, err := unix.FcntlInt(in.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	saved := *r
	l.request, l.events, r.fd = &saved, out, int32(fd)
	if config.flags&flagOutput != 0 {
		l.level = config.flags&flagActiveLow != 0
	} else {
		// The union's 32-bit member is at its beginning.
		l.debounce = *(*uint32)(unsafe.Pointer(&config.attrs[0].value))
	}
	return nil
}

// taken tells whether somebody has the other end of the line's pipe.
func (l *simLine) taken() bool {
	if l.events == nil {
		return false
	}
	poll := []unix.PollFd{{Fd: int32(l.events.Fd()), Events: unix.POLLOUT}}
	_, err := unix.Poll(poll, 0)
	return err == nil && poll[0].Revents&unix.POLLERR == 0
}
