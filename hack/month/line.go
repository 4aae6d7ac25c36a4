package main

import (
	"net"
	"sync"
	"time"
)

// line is the way to a broker, which can be cut: then nothing gets through and nobody is told,
// as with a mobile network that is gone.
type line struct {
	l  net.Listener
	to string

	mu    sync.Mutex
	open  *sync.Cond // guarded by mu: cut has become false
	cut   bool       // guarded by mu
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

func newLine(to string) (*line, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &line{l: l, to: to, conns: map[net.Conn]bool{}}
	n.open = sync.NewCond(&n.mu)
	n.wg.Go(n.accept)
	return n, nil
}

func (n *line) addr() string { return n.l.Addr().String() }

func (n *line) accept() {
	for {
		c, err := n.l.Accept()
		if err != nil {
			return
		}
		n.keep(c)
		n.wg.Go(func() { n.join(c) })
	}
}

func (n *line) keep(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
}

func (n *line) forget(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	_ = c.Close()
}

func (n *line) join(near net.Conn) {
	defer n.forget(near)
	n.wait()
	far, err := net.DialTimeout("tcp", n.to, 5*time.Second)
	if err != nil {
		return
	}
	n.keep(far)
	defer n.forget(far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		n.copy(near, far)
	}()
	n.copy(far, near)
	<-back
}

func (n *line) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 16<<10)
	for {
		k, err := from.Read(b)
		n.wait()
		if _, werr := to.Write(b[:k]); err != nil || werr != nil {
			return
		}
	}
}

// wait returns when the line is not cut.
func (n *line) wait() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.cut {
		n.open.Wait()
	}
}

// setCut cuts the line or mends it. With drop what was on it is lost, and who waited is told so.
func (n *line) setCut(cut, drop bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	if drop {
		for c := range n.conns {
			_ = c.(*net.TCPConn).SetLinger(0) // of TCP alone
			_ = c.Close()
		}
	}
	n.open.Broadcast()
}

func (n *line) close() {
	_ = n.l.Close()
	n.setCut(false, true)
	n.wg.Wait()
}
