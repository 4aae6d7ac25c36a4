// Package audio brings in the sound of a receiver, as samples of 16 bits at 8000 a second, from
// a sound card, a program, a named pipe or the network, and puts sound out to a sound card or a
// program.
//
// # Why arecord
//
// A sound card is read through arecord, and played to through aplay, of alsa-utils. The kernel's
// own interface is a handful of ioctls and could be spoken in Go, but it gives what the
// hardware has: the CM108s of which radio adapters are made do 44100 and 48000 Hz in stereo, and
// everything that makes 8000 Hz in mono of that, and that knows cards by names that
// survive replugging, is in alsa-lib's plug layer and its configuration. libasound needs C, which the gateway has
// none of; a child process has it, is killed when it hangs, and takes nothing with it when it dies.
package audio

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"sentrybox/drivers/driver"
)

// Rate is the samples a second of every Stream.
const Rate = 8000

// Stream is sound that comes in. Read returns at least one sample, or fails: with
// port.ErrUnplugged when the source is gone, and with os.ErrDeadlineExceeded when nothing came
// until the deadline. Close wakes it.
type Stream interface {
	Read(p []int16) (int, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// Open opens a Stream. An error that wraps driver.ErrPermanent is one that waiting does not mend.
type Open func(ctx context.Context) (Stream, error)

// Config says where sound comes from. Exactly one of the first four is given.
type Config struct {
	// ALSA is a device as arecord names it, "plughw:CARD=Device,DEV=0"; `arecord -L` lists them.
	ALSA string
	// Command is a program and its arguments, that writes samples to its standard output.
	Command []string
	// Pipe is a named pipe (mkfifo) that some program writes samples to.
	Pipe string
	// RTP takes a stream from the network.
	RTP *RTP
	// Rate is that of what a program or a pipe writes, in 16 bits, little-endian, mono: 8000, 16000,
	// 24000, 32000 or 48000; 8000 if 0. For ALSA it is 8000, which arecord makes of whatever
	// the card has. For RTP it is that of L16 of a dynamic payload type.
	Rate int
}

// RTP says where a stream is listened for (RFC 3550, RFC 3551).
type RTP struct {
	Listen string // "0.0.0.0:5004"
	// From is who may send; packets of others are dropped. It may be left out if Listen is
	// a loopback address.
	From netip.Addr
}

// Check tells what is wrong with the configuration.
func (c Config) Check() error {
	given := 0
	for _, is := range []bool{c.ALSA != "", len(c.Command) > 0, c.Pipe != "", c.RTP != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("exactly one of alsa, command, pipe and rtp is needed")
	case c.Rate != 0 && (c.Rate%Rate != 0 || c.Rate > 6*Rate):
		return fmt.Errorf("rate %d: want 8000, 16000, 24000, 32000 or 48000", c.Rate)
	case c.ALSA != "" && c.Rate != 0 && c.Rate != Rate:
		return errors.New("rate: arecord makes 8000 of what the card has")
	case strings.HasPrefix(c.ALSA, "-") || len(c.Command) > 0 && c.Command[0] == "":
		return errors.New("no device or program has such a name")
	case c.Pipe != "" && !filepath.IsAbs(c.Pipe):
		return fmt.Errorf("pipe %q: want a whole path", c.Pipe)
	case c.RTP != nil:
		return c.RTP.check()
	}
	return nil
}

func (r *RTP) check() error {
	at, err := netip.ParseAddrPort(r.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("rtp %q: want an address and a port, as 0.0.0.0:5004", r.Listen)
	case !r.From.IsValid() && !at.Addr().IsLoopback():
		return fmt.Errorf("rtp %s: from whom?", r.Listen)
	}
	return nil
}

// New returns what opens the source.
func New(c Config) (Open, error) {
	if err := c.Check(); err != nil {
		return nil, driver.Permanent(err)
	}
	if c.Rate == 0 {
		c.Rate = Rate
	}
	switch {
	case c.ALSA != "":
		return decimated(command([]string{"arecord", "-q", "-D", c.ALSA, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", fmt.Sprint(Rate),
			"--period-time=20000", "--buffer-time=500000"}), 1), nil
	case len(c.Command) > 0:
		return decimated(command(c.Command), c.Rate/Rate), nil
	case c.Pipe != "":
		return decimated(pipe(c.Pipe), c.Rate/Rate), nil
	}
	return c.RTP.open(c.Rate), nil
}
