// Package netfail says in plain words why a device could not be reached, for who stands before it.
package netfail

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Explain returns why a connection failed; empty if that is not among the usual reasons.
func Explain(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens at this port"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to this address"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer"
	}
	return ""
}
