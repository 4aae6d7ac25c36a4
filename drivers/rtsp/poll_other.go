//go:build !linux

package rtsp

import (
	"net"
	"time"
)

// polled does not exist here: every connection is read as it comes.
type polled struct{ poller *Poller }

func newPolled(net.Conn, *urgency, func()) (*polled, error) { return nil, nil }

func (*polled) due(time.Time) time.Time { return time.Time{} }
func look([]*polled, time.Time)         {}
