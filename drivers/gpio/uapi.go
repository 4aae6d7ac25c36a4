package gpio

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures of linux/gpio.h, version 2 of the interface (Linux 5.10), as the kernel lays them out.
type (
	chipInfo struct {
		name, label [32]byte
		lines       uint32
	}
	lineAttribute struct {
		id, _ uint32
		value uint64 // flags, values, or the debounce period in µs in its low half
		mask  uint64 // which of the request's lines
	}
	lineConfig struct {
		flags    uint64
		numAttrs uint32
		_        [5]uint32
		attrs    [10]lineAttribute
	}
	lineRequest struct {
		offsets     [64]uint32
		consumer    [32]byte
		config      lineConfig
		numLines    uint32
		eventBuffer uint32
		_           [5]uint32
		fd          int32
	}
	lineInfo struct {
		name, consumer   [32]byte
		offset, numAttrs uint32
		flags            uint64
		attrs            [10][2]uint64
		_                [4]uint32
	}
	lineValues struct{ bits, mask uint64 }
	lineEvent  struct {
		timestamp        uint64
		id, offset       uint32
		seqno, lineSeqno uint32
		_                [6]uint32
	}
)

// Flags, attributes and events of linux/gpio.h.
const (
	flagActiveLow   = 1 << 1
	flagInput       = 1 << 2
	flagOutput      = 1 << 3
	flagEdgeRising  = 1 << 4
	flagEdgeFalling = 1 << 5
	flagOpenDrain   = 1 << 6
	flagPullUp      = 1 << 8
	flagPullDown    = 1 << 9
	flagNoBias      = 1 << 10

	attrValues   = 2
	attrDebounce = 3

	eventRising = 1
)

// ioc is _IOC of asm-generic/ioctl.h for GPIO's type.
func ioc(dir, nr, size uintptr) uintptr { return dir<<30 | size<<16 | 0xb4<<8 | nr }

func ioctlChipInfo() uintptr  { return ioc(2, 0x01, unsafe.Sizeof(chipInfo{})) }
func ioctlLineInfo() uintptr  { return ioc(3, 0x05, unsafe.Sizeof(lineInfo{})) }
func ioctlLine() uintptr      { return ioc(3, 0x07, unsafe.Sizeof(lineRequest{})) }
func ioctlGetValues() uintptr { return ioc(3, 0x0e, unsafe.Sizeof(lineValues{})) }
func ioctlSetValues() uintptr { return ioc(3, 0x0f, unsafe.Sizeof(lineValues{})) }

// ioctl is the kernel; tests have another.
type ioctl func(f *os.File, request uintptr, arg unsafe.Pointer) error

func kernel(f *os.File, request uintptr, arg unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	err = raw.Control(func(fd uintptr) { _, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)) })
	runtime.KeepAlive(f)
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

// text is a string of the kernel's.
func text(b [32]byte) string {
	s, _, _ := bytes.Cut(b[:], []byte{0})
	return string(s)
}

// line is a line that this program has.
type line struct {
	f     *os.File
	ioctl ioctl
}

// request takes a line of a chip.
func request(do ioctl, chip *os.File, offset uint32, flags uint64, attrs ...lineAttribute) (*line, error) {
	r := lineRequest{numLines: 1, config: lineConfig{flags: flags, numAttrs: uint32(len(attrs))}}
	r.offsets[0] = offset
	copy(r.consumer[:], "sentrybox")
	for i, a := range attrs {
		a.mask = 1
		r.config.attrs[i] = a
	}
	if err := do(chip, ioctlLine(), unsafe.Pointer(&r)); err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(int(r.fd), true); err != nil {
		return nil, errors.Join(err, unix.Close(int(r.fd)))
	}
	return &line{os.NewFile(uintptr(r.fd), fmt.Sprintf("%s line %d", chip.Name(), offset)), do}, nil
}

// get reads whether the line is active.
func (l *line) get() (bool, error) {
	v := lineValues{mask: 1}
	err := l.ioctl(l.f, ioctlGetValues(), unsafe.Pointer(&v))
	return v.bits&1 != 0, err
}

// set makes the line active, or not.
func (l *line) set(on bool) error {
	v := lineValues{mask: 1}
	if on {
		v.bits = 1
	}
	return l.ioctl(l.f, ioctlSetValues(), unsafe.Pointer(&v))
}

// events waits for edges, and returns those that are there.
func (l *line) events() ([]lineEvent, error) {
	var buf [16]lineEvent
	size := int(unsafe.Sizeof(buf[0]))
	n, err := l.f.Read(unsafe.Slice((*byte)(unsafe.Pointer(&buf[0])), len(buf)*size))
	if err != nil {
		return nil, err
	}
	return buf[:n/size], nil
}
