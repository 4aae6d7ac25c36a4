package analogue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
	"sentrybox/drivers/tone/activity"
)

// Driver listens to one channel.
type Driver struct {
	driver.Tracker
	driver.Life
	cfg   Config
	open  audio.Open
	kept  *recorder
	busy  busy
	calls atomic.Uint64

	turn     chan struct{} // holds a token while somebody speaks
	spoke    time.Time     // when Say ended last; of who has the turn
	speaking atomic.Bool
}

// New returns a Driver.
func New(c Config) (*Driver, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	d := &Driver{cfg: c, open: c.Open, kept: newRecorder(), turn: make(chan struct{}, 1)}
	if d.open == nil {
		var err error
		if d.open, err = audio.New(c.Audio); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Run listens; see call.Source.
func (d *Driver) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(d.keep(ctx, emit))
}

// keep opens the source again whenever it goes away.
func (d *Driver) keep(ctx context.Context, emit func(call.Event)) error {
	for wait := port.FirstRetry; ; {
		s, err := d.open(ctx)
		if err == nil {
			d.Opened()
			begun := time.Now()
			err = d.use(ctx, s, emit)
			if time.Since(begun) > port.MaxRetry {
				wait = port.FirstRetry
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, driver.ErrPermanent), errors.Is(err, driver.ErrSkipped):
			return err
		}
		d.Enter(driver.Unplugged, err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, port.MaxRetry)
	}
}

// use listens to an open source until it fails or ctx ends.
func (d *Driver) use(ctx context.Context, s audio.Stream, emit func(call.Event)) error {
	closed := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-ctx.Done():
		case <-done:
		}
		_ = s.Close()
	}()
	defer func() {
		close(done)
		<-closed
	}()
	l, err := d.listener(emit)
	if err != nil {
		return driver.Permanent(err)
	}
	defer l.end(time.Now())
	return d.listen(ctx, s, l)
}

func (d *Driver) listen(ctx context.Context, s audio.Stream, l *listener) error {
	samples := make([]int16, chunk)
	live, missed := alwaysSends(d.cfg), 0 // reads in a row; a busy machine may look late, with sound waiting
	for ctx.Err() == nil {
		if err := s.SetReadDeadline(time.Now().Add(quiet)); err != nil {
			return err
		}
		n, err := s.Read(samples)
		now, lasts := time.Now(), quiet
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			missed++
			if silent := missed > int(stalled/quiet); live && silent {
				return fmt.Errorf("%w: no sound for %v", port.ErrUnplugged, stalled)
			} else if silent {
				l.phase(driver.Silent, "nobody sends sound")
			}
		case err != nil:
			return err
		default:
			missed = 0
			d.kept.add(samples[:n], now)
			if d.speaking.Load() {
				clear(samples[:n]) // that is us
			}
			l.hear(samples[:n], now)
			lasts = length(n)
		}
		l.tick(now, lasts)
	}
	return nil
}

// alwaysSends says whether the source always sends: a pipe and the network may be silent.
func alwaysSends(c Config) bool { return c.Audio.ALSA != "" }

// hear listens to samples, and keeps the state.
func (l *listener) hear(samples []int16, now time.Time) {
	l.now = now
	zero := true
	for i, v := range samples {
		l.block[i] = float32(v) / 32768
		zero = zero && v == 0
	}
	l.ear.Write(l.block[:len(samples)])
	if !zero || l.sound.IsZero() {
		l.sound = now
	}
	s := l.ear.State()
	l.level.note(&s)
	l.d.busy.set(s.Carrier, now)
	switch {
	case now.Sub(l.sound) > deaf:
		l.phase(driver.Silent, "the sound is all zero: is the receiver on, and the cable in?")
	default:
		l.phase(driver.Online, "")
	}
}

// phase sets the driver's phase if that is news.
func (l *listener) phase(p driver.Phase, reason string) {
	if l.told != p {
		l.told = p
		l.d.Enter(p, reason)
	}
}

// level is how loud a transmission is, and what was told of the last one.
type level struct {
	sum     float64
	n       int
	clipped float64

	phase driver.Phase
	told  string
}

func (v *level) note(s *activity.State) {
	if s.Carrier && s.Level > -100 {
		v.sum += s.Level
		v.n++
		v.clipped = max(v.clipped, s.Clipped)
	}
}

// over sets the state of the device audio by a transmission that has ended.
func (v *level) over(t *driver.Tracker) {
	const short, muchClipped, faint = 25, 0.2, -45
	if v.n >= short {
		mean := round(v.sum / float64(v.n))
		switch {
		case v.clipped > muchClipped:
			v.phase, v.told = driver.Failed, fmt.Sprintf("clipped: turn it down (%.0f dB on the average)", mean)
		case mean < faint:
			v.phase, v.told = driver.Failed, fmt.Sprintf("faint: turn it up (%.0f dB on the average)", mean)
		default:
			v.phase, v.told = driver.Online, fmt.Sprintf("%.0f dB on the average", mean)
		}
		t.Device("audio", v.phase, v.told)
	}
	v.sum, v.n, v.clipped = 0, 0, 0
}

// round makes steps of 3 dB, so that not each transmission is news.
func round(db float64) float64 { return 3 * math.Round(db/3) }
