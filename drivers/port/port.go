// Package port opens the lines that devices are read from: serial ports of this
// machine, and serial servers on the network.
//
// A line of either kind is a [Port]. An adapter that was pulled out reads as
// [ErrUnplugged], which silence never does: silence is a read that does not return
// before its deadline. [Keep] opens a line again when it comes back.
package port

import (
	"context"
	"errors"
	"io"
	"time"
)

// Port is an open line. Its deadlines are those of net.Conn: a Read or Write that
// runs into one fails with os.ErrDeadlineExceeded, and so does one that waits
// when the deadline is moved into the past. But a Read returns what has arrived, whatever
// its deadline: that is for what has not. One goroutine may read while
// another writes. Close wakes both.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Open opens a line. Drivers have one in their Config, so that tests and
// playbacks stand in for the real one. An error that wraps driver.ErrPermanent
// is one that waiting does not mend.
type Open func(ctx context.Context) (Port, error)

// What a port fails with; use errors.Is.
var (
	// ErrUnplugged is a line that is gone: the adapter was pulled out, or the
	// serial server closed the connection.
	ErrUnplugged = errors.New("unplugged")
	// ErrBusy is a line that another program uses.
	ErrBusy = errors.New("used by another program")
)
