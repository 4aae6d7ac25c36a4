//go:build linux

package freeport

import (
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
	port, err := TCP()
	if err != nil {
		t.Fatal(err)
	}
	for { // one that is listened on and that was not asked for here
		port = lowest + (port+1-lowest)%(above-lowest)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		break
	}
	for range 2 { // nor is its name kept
		if err := claim(port); err == nil {
			t.Fatalf("%d is given though it is listened on", port)
		}
	}
}
