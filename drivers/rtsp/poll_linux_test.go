package rtsp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/media"
)

// pair returns a connection that is polled and its other end.
func pair(t *testing.T, p *Poller, u *urgency, drained func()) (*polled, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := p.adopt(conn, u, drained).(*polled)
	if !ok {
		t.Fatal("a TCP connection is not polled")
	}
	t.Cleanup(func() { _ = other.Close() })
	if c.LocalAddr().String() != other.RemoteAddr().String() || c.RemoteAddr().String() != other.LocalAddr().String() {
		t.Errorf("%v to %v", c.LocalAddr(), c.RemoteAddr())
	}
	return c, other
}

// TestPolledCarriesEverything: what is sent in bursts both ways arrives whole, on
// many connections of one poller, of all urgencies.
func TestPolledCarriesEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	p := &Poller{}
	var all sync.WaitGroup
	for i := range 6 {
		u := &urgency{}
		u.playing.Store(i%3 > 0)
		u.late.Store(int64(i/3+1) * int64(i%3/2) * int64(pollLate))
		c, other := pair(t, p, u, nil)
		want := make([]byte, 3<<20)
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for k := range want {
			want[k] = byte(r.Uint32())
		}
		all.Go(func() { // the camera: bursts, and an echo of what it gets
			go func() {
				for k := 0; k < len(want); k += 300_000 {
					_, _ = other.Write(want[k:min(k+300_000, len(want))])
					time.Sleep(time.Millisecond)
				}
			}()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(other, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("the other end got something else: %v", err)
			}
		})
		all.Go(func() {
			if n, err := c.Write(want); n != len(want) || err != nil {
				t.Errorf("wrote %d: %v", n, err)
			}
		})
		all.Go(func() {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("something else arrived: %v", err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if err := c.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed twice: %v", err)
			}
		})
	}
	all.Wait()
	settle(t, before)
}

func TestPolledDeadlines(t *testing.T) {
	var p Poller
	u := &urgency{}
	c, other := pair(t, &p, u, nil)
	defer func() { _ = c.Close() }()
	buf := make([]byte, 10)
	for _, d := range []time.Duration{-time.Second, 0, 30 * time.Millisecond} {
		_ = c.SetReadDeadline(time.Now().Add(d))
		_, err := c.Read(buf)
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("with %v to go: %v", d, err)
		}
	}
	// A deadline that is set while somebody waits ends the wait.
	_ = c.SetDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(buf)
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond)
	_ = c.SetReadDeadline(time.Now())
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	// Without one it works again.
	_ = c.SetReadDeadline(time.Time{})
	if _, err := other.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(buf); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	// Nobody reads at the other end.
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("wrote against a wall: %v", err)
	}
}

func TestPolledEnds(t *testing.T) {
	var p Poller
	for what, end := range map[string]func(c *polled, other net.Conn){
		"EOF":    func(_ *polled, other net.Conn) { _ = other.Close() },
		"reset":  func(_ *polled, other net.Conn) { _ = other.(*net.TCPConn).SetLinger(0); _ = other.Close() },
		"closed": func(c *polled, _ net.Conn) { _ = c.Close() },
	} {
		u := &urgency{}
		u.playing.Store(true)
		u.late.Store(int64(pollRest))
		c, other := pair(t, &p, u, nil)
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 10))
			ended <- err
		}()
		time.Sleep(10 * time.Millisecond)
		end(c, other)
		select {
		case err := <-ended:
			if err == nil || what == "EOF" && !errors.Is(err, io.EOF) || what == "closed" && !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: the reader still waits", what)
		}
		_ = c.Close()
		if _, err := c.Write([]byte("x")); err == nil {
			t.Errorf("%s: still writes", what)
		}
	}
}

func TestPolledAlone(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	var p Poller
	if c := p.adopt(a, &urgency{}, nil); c != a {
		t.Errorf("a pipe became %T", c)
	}
}

// TestUrgency: how often a connection is looked at.
func TestUrgency(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	u := &urgency{}
	c, err := newPolled(conn, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.poller = &Poller{} // that does not run
	defer func() { _ = c.Close() }()
	size, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		playing, byClock bool
		late             time.Duration
		took             int // in eighths of the socket's buffer
		want             time.Duration
	}{
		{late: pollRest, want: pollAgain},
		{playing: true, want: pollSoon},
		{playing: true, late: pollLate - 1, want: pollSoon},
		{playing: true, late: pollLate, want: pollLate},
		{playing: true, late: pollRest - 1, want: pollLate},
		{playing: true, late: pollRest, want: pollRest},
		{playing: true, late: pollRest, took: 1, want: pollRest},
		{playing: true, late: pollRest, took: 2, want: pollLate}, // all of it would fill the buffer
		{playing: true, late: pollLate, took: 2, want: pollLate},
		{playing: true, late: pollRest, byClock: true, want: pollLate}, // all pictures would be of one moment
	} {
		u.playing.Store(x.playing)
		u.byClock.Store(x.byClock)
		u.late.Store(int64(x.late))
		c.took = size / 8 * x.took
		base := time.Now()
		c.waiting, c.since = true, base
		c.again, c.narrow = c.full()
		if got := c.due(base).Sub(base); got != x.want {
			t.Errorf("%+v: looked at after %v", x, got)
		}
	}
}

// TestRelaxed: a camera that may be looked after at leisure loses nothing, comes in
// batches, and is at once in haste again.
func TestRelaxed(t *testing.T) {
	srv := &server{codec: media.H264}
	w := &watcher{}
	var mu sync.Mutex
	var sizes []int
	n := 0
	s, err := New(Config{URL: srv.start(t), Transport: TCP, Poller: &Poller{}, OnState: w.state, OnDrained: func() {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 {
			sizes = append(sizes, n)
		}
		n = 0
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.Relax(pollRest)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	defer run.Wait()
	defer cancel()
	run.Go(func() {
		_ = s.Run(ctx, func(au media.AccessUnit) {
			mu.Lock()
			n++
			mu.Unlock()
			w.sink(au)
		})
	})
	wait := func(what string, enough func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !enough(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %s: batches %v", what, sizes)
			}
		}
	}
	batch := func(least int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, n := range sizes {
				if n >= least {
					return true
				}
			}
			return false
		}
	}
	wait("batch of several", batch(4))
	s.Relax(0)
	mu.Lock()
	sizes = nil
	mu.Unlock()
	wait("small batch", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(sizes) > 10
	})
	if st := s.Stats(); st.PacketsLost+st.Damaged+st.DecodeErrors > 0 {
		t.Errorf("%+v", st)
	}
}
