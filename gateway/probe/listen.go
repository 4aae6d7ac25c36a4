// Package probe finds out what is at a serial line or a bus: at what speed it
// talks, in what frames, and which profile makes sense of it.
package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"sentrybox/drivers/port"
	"sentrybox/gateway/profile"
)

// Listener listens to a serial line.
type Listener struct {
	// Open returns how a line with these settings is opened; port.New if nil.
	Open func(port.Config) (port.Open, error)
	// Address is that of port.Config.
	Address string
	// Lines are the settings to try in turn, those of Usual if nil.
	Lines []profile.Line
	// For is how long each is listened to while nothing comes, 20 s if 0.
	For time.Duration
	// Enough is how many bytes tell, 400 if 0.
	Enough int
	// Profiles are those that the line may be of.
	Profiles []*profile.Profile
	// Trying is told before each setting is tried; it may be nil.
	Trying func(profile.Line)
}

// Usual returns the settings that devices come with, the most common first.
func Usual() []profile.Line {
	var all []profile.Line
	for _, parity := range []string{"none", "even"} {
		for _, baud := range []int{9600, 115200, 4800, 19200, 38400, 57600, 2400, 1200} {
			all = append(all, profile.Line{Baud: baud, DataBits: 8, Parity: parity, StopBits: 1})
		}
	}
	return append(all, profile.Line{Baud: 9600, DataBits: 7, Parity: "even", StopBits: 1})
}

// Heard is what came with one setting of the line.
type Heard struct {
	Line   profile.Line
	Bursts [][]byte // between silences
	Guess
}

// Run tries the settings and returns what was heard with the one that made the
// most sense; nil if nothing came at all. It stops at the first that a profile
// makes sense of without doubt.
func (l *Listener) Run(ctx context.Context) (*Heard, error) {
	lines := l.Lines
	if lines == nil {
		lines = Usual()
	}
	var best *Heard
	for _, line := range lines {
		if l.Trying != nil {
			l.Trying(line)
		}
		bursts, err := l.listen(ctx, line)
		if err != nil {
			return nil, err
		}
		if len(bursts) == 0 {
			if best == nil {
				return nil, nil // what talks is heard at any speed, if only as noise
			}
			continue
		}
		h := &Heard{Line: line, Bursts: bursts, Guess: guess(bursts, line, l.Profiles)}
		if best == nil || h.Score > best.Score {
			best = h
		}
		if best.Score >= certain {
			break
		}
	}
	return best, nil
}

const (
	silence  = 30 * time.Millisecond // between bursts; USB adapters hold bytes back for 16 ms
	most     = 4096                  // bytes of a burst
	atLeast  = 3                     // bursts that tell
	listenTo = 20 * time.Second
	enough   = 400
)

// listen collects what comes with a setting: until there is enough, or For has
// gone by.
func (l *Listener) listen(ctx context.Context, line profile.Line) ([][]byte, error) {
	open := l.Open
	if open == nil {
		open = port.New
	}
	opener, err := open(port.Config{
		Address: l.Address, Baud: line.Baud, DataBits: line.DataBits, Parity: port.Parity(line.Parity), StopBits: line.StopBits,
	})
	if err != nil {
		return nil, err
	}
	p, err := opener(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer stop()
	limit, want := l.For, l.Enough
	if limit == 0 {
		limit = listenTo
	}
	if want == 0 {
		want = enough
	}
	end := time.Now().Add(limit)
	var bursts [][]byte
	var now []byte
	total, buf := 0, make([]byte, 1024)
	for time.Now().Before(end) && (total < want || len(bursts) < atLeast) && total < 10*want {
		_ = p.SetReadDeadline(time.Now().Add(silence))
		n, err := p.Read(buf)
		now, total = append(now, buf[:n]...), total+n
		quiet := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && !quiet:
			return nil, fmt.Errorf("listen: %w", err)
		case len(now) > 0 && (quiet || len(now) >= most):
			bursts, now = append(bursts, now), nil
		}
	}
	if len(now) > 0 {
		bursts = append(bursts, now)
	}
	return slices.Clip(bursts), nil
}
