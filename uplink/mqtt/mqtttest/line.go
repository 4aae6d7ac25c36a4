package mqtttest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Line is a TCP line to somewhere that can be cut and can fall silent.
type Line struct {
	ln     net.Listener
	to     string
	silent atomic.Bool
	down   atomic.Bool
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu
}

// NewLine listens on a free port and carries every connection to the address
// to. It ends with the test.
func NewLine(t testing.TB, to string) *Line {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{ln: ln, to: to, conns: map[net.Conn]struct{}{}}
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		l.down.Store(true)
		l.Silence(false)
		l.Cut()
		l.wg.Wait()
	})
	return l
}

// Addr returns the address to connect to.
func (l *Line) Addr() string { return l.ln.Addr().String() }

func (l *Line) accept() {
	for {
		in, err := l.ln.Accept()
		if err != nil {
			return
		}
		if l.down.Load() {
			reset(in)
			continue
		}
		out, err := net.Dial("tcp", l.to)
		if err != nil {
			reset(in)
			continue
		}
		l.mu.Lock()
		l.conns[in], l.conns[out] = struct{}{}, struct{}{}
		if l.down.Load() { // since a moment
			reset(in)
			reset(out)
		}
		l.mu.Unlock()
		l.wg.Go(func() { l.carry(in, out) })
		l.wg.Go(func() { l.carry(out, in) })
	}
}

func (l *Line) carry(dst, src net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := src.Read(buf)
		for l.silent.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			break
		}
	}
	for _, c := range []net.Conn{dst, src} {
		_ = c.Close()
	}
	l.mu.Lock()
	delete(l.conns, dst)
	delete(l.conns, src)
	l.mu.Unlock()
}

// Cut resets every connection at once; new ones are carried again.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		reset(c)
	}
}

// Down makes the line refuse connections, and cuts those that there are.
func (l *Line) Down(down bool) {
	l.down.Store(down)
	if down {
		l.Cut()
	}
}

// Silence holds back every byte in both directions while connections stay, as
// half-open TCP does.
func (l *Line) Silence(silent bool) { l.silent.Store(silent) }

func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
