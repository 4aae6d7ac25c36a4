package mqtt

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dialTuned returns a connection as the client makes them, and its other end.
func dialTuned(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d := net.Dialer{Control: socket("", time.Minute)}
	a, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// TestAPeerThatDoesNotRead: what the kernel holds is seen, and that it is gone.
func TestAPeerThatDoesNotRead(t *testing.T) {
	ours, theirs := dialTuned(t)
	var c crowding
	if c.crowded(ours, time.Now()) {
		t.Error("crowded, and nothing was sent")
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := ours.Write(make([]byte, 32<<20)) // more than all buffers
		wrote <- err
	}()
	await := func(want bool) {
		t.Helper()
		for range 3000 {
			if c.crowded(ours, time.Now()) == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("crowded is never %t", want)
	}
	await(true)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			if _, err := theirs.Read(buf); err != nil {
				return
			}
		}
	}()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	await(false)
	_ = ours.Close()
	if c.crowded(ours, time.Now()) {
		t.Error("a closed connection is crowded")
	}
}

// TestBeginAnew: the connection keeps its congestion control, and goes on.
func TestBeginAnew(t *testing.T) {
	ours, theirs := dialTuned(t)
	algorithm := func() (name string) {
		control(ours, func(fd int) { name, _ = unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION) })
		return name
	}
	before := algorithm()
	c := crowding{}
	now := time.Now()
	for range 3 { // each is due
		now = now.Add(2 * anewAfter)
		c.crowded(ours, now)
		if !c.anew.Equal(now) {
			t.Fatal("not begun anew")
		}
	}
	if after := algorithm(); after != before || before == "" {
		t.Errorf("congestion control %q, then %q", before, after)
	}
	if _, err := ours.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := theirs.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
