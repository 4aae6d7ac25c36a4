package analogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/ptt"
)

// Transmit says how the channel is spoken on. Zero durations are none.
type Transmit struct {
	Key    ptt.Config
	Player audio.Player
	Lead   time.Duration // of silence after the key, for radios that have to wake
	// BusyWait is how long Say waits for the channel to be free, and Pause how long it is
	// silent after each transmission.
	BusyWait time.Duration
	Pause    time.Duration
}

// What Say fails with.
var (
	// ErrMute is a radio that cannot transmit.
	ErrMute = errors.New("it cannot transmit")
	// ErrBusy is a channel that others kept in use.
	ErrBusy = errors.New("the channel is in use")
)

const (
	freeFor = 500 * time.Millisecond // that the channel is quiet before it is spoken on
	tailFor = 200 * time.Millisecond // of silence before the key is let go
	voxTone = 400 * time.Millisecond // that opens a VOX
)

// Say waits for the channel to be free, keys the transmitter and plays the sound. One speaks at a
// time; others wait. What is heard meanwhile is its own, and not listened to.
func (d *Driver) Say(ctx context.Context, samples []int16) error {
	t := d.cfg.Transmit
	if t == nil {
		return ErrMute
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.turn }()
	if err := d.free(ctx, t); err != nil {
		return err
	}
	d.speaking.Store(true)
	defer func() {
		d.spoke = time.Now()
		d.speaking.Store(false)
	}()
	err := ptt.Press(ctx, t.Key, func(ctx context.Context) error { return t.Player.Play(ctx, t.framed(samples)) })
	if err != nil {
		return fmt.Errorf("speak on the channel: %w", err)
	}
	return nil
}

// framed puts silence around the sound, or what opens a VOX before it.
func (t *Transmit) framed(samples []int16) []int16 {
	var out []int16
	if t.Key.VOX {
		for i := range count(voxTone) {
			out = append(out, int16(8000*sine(1000, i)))
		}
	}
	out = append(out, make([]int16, count(t.Lead))...)
	out = append(out, samples...)
	return append(out, make([]int16, count(tailFor))...)
}

// free waits until the pause since the last transmission is over, and the channel is quiet.
func (d *Driver) free(ctx context.Context, t *Transmit) error {
	begun := time.Now()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		busy, since := d.Busy()
		paused := d.spoke.IsZero() || now.Sub(d.spoke) >= t.Pause
		if paused && !busy && now.Sub(since) >= freeFor {
			return nil
		}
		if !paused {
			begun = now // the wait for others begins when it is our turn
		}
		if now.Sub(begun) > t.BusyWait {
			return ErrBusy
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
