//go:build linux

package freeport

import (
	"errors"
	"fmt"
	"net"
	"testing"
)

func TestTCP(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		port, err := TCP()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] || port < lowest || port >= above {
			t.Errorf("port %d, after %d", port, len(seen))
		}
		seen[port] = true
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatalf("nobody listens at the port, and yet: %v", err)
		}
		_ = l.Close()
		if err := claim(port); err == nil {
			t.Errorf("%d is given a second time", port)
		}
	}
}

func TestTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // none of those that others were told here
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for range 2 { // nor is its name kept
		var op *net.OpError
		if err := claim(port); !errors.As(err, &op) {
			t.Fatalf("%d is listened on: %v", port, err)
		}
	}
}
