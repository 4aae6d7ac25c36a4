//go:build linux

package linetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Quality is how bad a line is, the same in both directions.
type Quality struct {
	Rate   int           // bytes of IP packets a second; unlimited when 0
	Delay  time.Duration // of every packet, one way
	Jitter time.Duration // added to it at random, up to this; packets keep their order
	// Loss is the share of packets that vanish, each by itself. A lost packet has
	// taken its time on the line, as one lost on the air has.
	Loss float64
	// Queue is how many bytes wait before the line at most; the rest is dropped.
	// 32 KiB when 0.
	Queue int
}

// Line is a line between two hosts.
type Line struct {
	quality atomic.Pointer[Quality]
	dead    atomic.Bool
}

// direction carries packets one way.
type direction struct {
	line     *Line
	from, to *os.File
	rnd      *rand.Rand

	mu    sync.Mutex
	queue []departure // guarded by mu
	wake  chan struct{}
	free  time.Time // when the line has sent all that is before it; of the reader alone
	last  time.Time // when the newest packet arrives; of the reader alone
}

// Connect lays a line from a to b. On a its device is called dev and has the
// address 10.N.0.1, on b 10.N.0.2; N is from 1 to 254, and other lines of the
// two have others. The line ends with the test. The same seed loses the same
// packets.
func Connect(t testing.TB, a, b *Host, dev string, n int, q Quality, seed uint64) *Line {
	t.Helper()
	l := &Line{}
	l.Set(q)
	fa := a.tun(dev, fmt.Sprintf("10.%d.0.1", n), fmt.Sprintf("10.%d.0.2", n))
	fb := b.tun(fmt.Sprintf("line%d", n), fmt.Sprintf("10.%d.0.2", n), fmt.Sprintf("10.%d.0.1", n))
	out := &direction{line: l, from: fa, to: fb, rnd: rand.New(rand.NewPCG(seed, 1)), wake: make(chan struct{}, 1)}
	in := &direction{line: l, from: fb, to: fa, rnd: rand.New(rand.NewPCG(seed, 2)), wake: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, d := range []*direction{out, in} {
		wg.Go(d.take)
		wg.Go(func() { d.deliver(stop) })
	}
	t.Cleanup(func() {
		close(stop)
		_ = fa.Close()
		_ = fb.Close()
		wg.Wait()
	})
	return l
}

// tun makes a device in the host's namespace and returns its other end.
func (h *Host) tun(dev, own, peer string) *os.File {
	h.t.Helper()
	var fd int
	err := h.Do(func() (err error) {
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
			return err
		}
		ifr, err := unix.NewIfreq(dev)
		if err != nil {
			return err
		}
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	})
	if err != nil {
		h.t.Fatalf("make the device %s: %v", dev, err)
	}
	f := os.NewFile(uintptr(fd), dev)
	h.IP("addr", "add", own, "peer", peer, "dev", dev)
	h.IP("link", "set", dev, "up")
	return f
}

// Set changes the line from the next packet on.
func (l *Line) Set(q Quality) {
	if q.Queue == 0 {
		q.Queue = 32 << 10
	}
	l.quality.Store(&q)
}

// Dead makes every packet vanish while both ends keep all their connections, as
// a router without a way out does.
func (l *Line) Dead(dead bool) { l.dead.Store(dead) }

// take reads packets and says when each arrives, if it does.
func (d *direction) take() {
	buf := make([]byte, 64<<10)
	for {
		n, err := d.from.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		q := d.line.quality.Load()
		now := time.Now()
		if d.free.Before(now) {
			d.free = now
		}
		if q.Rate > 0 {
			wait := d.free.Sub(now)
			if int(wait.Seconds()*float64(q.Rate))+n > q.Queue {
				continue
			}
			d.free = d.free.Add(time.Duration(n) * time.Second / time.Duration(q.Rate))
		}
		if d.line.dead.Load() || d.rnd.Float64() < q.Loss {
			continue
		}
		at := d.free.Add(q.Delay + time.Duration(d.rnd.Float64()*float64(q.Jitter)))
		if at.Before(d.last) {
			at = d.last
		}
		d.last = at
		d.mu.Lock()
		d.queue = append(d.queue, departure{at, bytes.Clone(buf[:n])}) // at only grows
		d.mu.Unlock()
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// deliver writes each packet when its time has come.
func (d *direction) deliver(stop <-chan struct{}) {
	for {
		d.mu.Lock()
		wait := time.Hour
		var due [][]byte
		for now := time.Now(); len(d.queue) > 0; {
			if wait = d.queue[0].at.Sub(now); wait > 0 {
				break
			}
			due, wait = append(due, d.queue[0].packet), time.Hour
			d.queue = d.queue[1:]
		}
		d.mu.Unlock()
		for _, p := range due {
			_, _ = d.to.Write(p) // a full device loses it, as a router would
		}
		if len(due) > 0 {
			continue
		}
		select {
		case <-stop:
			return
		case <-d.wake:
		case <-time.After(wait):
		}
	}
}

type departure struct {
	at     time.Time
	packet []byte
}
