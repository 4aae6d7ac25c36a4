package netfail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "gate"}}, "its name cannot be resolved"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "connection refused: nothing listens at this port"},
		{fmt.Errorf("dial: %w", syscall.EHOSTUNREACH), "no route to this address"},
		{fmt.Errorf("dial: %w", syscall.ENETUNREACH), "no route to this address"},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), "no answer"},
		{fmt.Errorf("read: %w", os.ErrDeadlineExceeded), "no answer"},
		{errors.New("odd"), ""},
		{syscall.ECONNRESET, ""},
	} {
		if got := Explain(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
