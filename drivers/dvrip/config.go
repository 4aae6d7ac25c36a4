package dvrip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

// Config says which device to read, and how. Only URL is required; every other
// field has a default.
type Config struct {
	// URL is dvrip://user:password@host:34567/channel?stream=0. The channel counts from
	// 0; stream 1 is the substream. The user is admin if there is none.
	URL string
	// Log gets a line for each change of phase; nothing is logged when nil.
	Log *slog.Logger
	// OnState hears of every change, by Run's own goroutine.
	OnState func(media.State)
	// Waits are those between two sessions. RefusedMax is 30 min, since devices lock users for as long.
	Waits keep.Waits

	Timeout      time.Duration // for connecting, for the login, and for the request for video; 10 s
	Stall        time.Duration // without a picture until the stream counts as stalled; 10 s
	KeyframeWait time.Duration // for the first keyframe of a session; 60 s
	ProbeTime    time.Duration // that Probe watches the stream; 6 s
	MaxFrame     int           // bytes of one picture; 8 MiB

	// Process is the command line of a session's process, which must call
	// ServeProcess: this very program with the argument Command when empty.
	Process []string
	// Dial opens the connection, which must be a *net.TCPConn; a net.Dialer's DialContext when nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c Config) withDefaults() (Config, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnState == nil {
		c.OnState = func(media.State) {}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Timeout, 10 * time.Second},
		{&c.Stall, 10 * time.Second},
		{&c.KeyframeWait, time.Minute},
		{&c.ProbeTime, 6 * time.Second},
	} {
		if *d.field < 0 {
			return c, errors.New("a duration is negative")
		}
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 8 << 20
	}
	if c.MaxFrame < 1<<10 || c.MaxFrame > 64<<20 {
		return c, fmt.Errorf("a frame of %d bytes at most: must be 1 KiB to 64 MiB", c.MaxFrame)
	}
	if len(c.Process) == 0 {
		c.Process = []string{"/proc/self/exe", Command} // also when the file has been replaced
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	var err error
	c.Waits, err = c.Waits.WithDefaults(30 * time.Minute)
	return c, err
}
