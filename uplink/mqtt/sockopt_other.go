//go:build !linux

package mqtt

import (
	"syscall"
	"time"
)

// userTimeout does nothing where the kernel has no such option.
func userTimeout(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
