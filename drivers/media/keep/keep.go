// Package keep reads a camera session after session until it is told to stop: how long to wait between
// two of them, and what to say of it meanwhile. It is the same for every protocol.
package keep

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"sentrybox/drivers/media"
)

// Waits say how long to wait between two sessions. What is 0 has a default.
type Waits struct {
	// Backoff and BackoffMax are the first wait after a failure, doubled each time, and the longest; 1 s and 30 s.
	// They vary by a fifth, so that cameras that lost the same switch do not come back in step.
	Backoff, BackoffMax time.Duration
	// RefusedWait and RefusedMax are the same after a refused password, since devices lock an address or a user
	// out after a few tries; 60 s, and what the driver says. They are never shortened.
	RefusedWait, RefusedMax time.Duration
	// Stable is for how long pictures must have come for Backoff to begin anew; 1 min.
	Stable time.Duration
	// Rand returns a number in [0,1) for that variation; math/rand/v2.Float64 when nil.
	Rand func() float64
}

// WithDefaults fills in what is 0. It fails if a wait is negative.
func (w Waits) WithDefaults(refusedMax time.Duration) (Waits, error) {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&w.Backoff, time.Second}, {&w.BackoffMax, 30 * time.Second},
		{&w.RefusedWait, time.Minute}, {&w.RefusedMax, refusedMax}, {&w.Stable, time.Minute},
	} {
		if *d.field < 0 {
			return w, errors.New("a duration is negative")
		}
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if w.Rand == nil {
		w.Rand = rand.Float64
	}
	return w, nil
}

// Ended is how a session ended.
type Ended struct {
	Phase    media.Phase   // that it leaves the camera in
	Err      error         // why; no secret in it
	Pictured time.Duration // for how long pictures came
}

// Keeper keeps one camera. Set the fields, then Run, which may be called again when it has returned.
// OnState and session are called by Run's goroutine.
type Keeper struct {
	Camera  string // its URL without secrets, for the log
	Waits   Waits
	Log     *slog.Logger
	OnState func(media.State)

	phase           media.Phase
	info            media.Info
	fails, refusals int // in a row
}

// Run calls session again and again until ctx ends, and returns ctx's error. What session returns once ctx has
// ended is ignored.
func (k *Keeper) Run(ctx context.Context, session func(context.Context) Ended) error {
	k.fails, k.refusals = 0, 0
	k.tell(media.State{Phase: media.Connecting})
	for {
		end := session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := k.wait(end)
		st := media.State{Phase: end.Phase, Err: end.Err, Retry: wait}
		if st.Phase == media.Unreachable && end.Pictured > 0 {
			st.Phase = media.Connecting // it was there a moment ago
		}
		k.tell(st)
		if err := Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Online is called by a session when pictures begin, and when what they are changes.
func (k *Keeper) Online(info media.Info) {
	k.info = info
	k.tell(media.State{Phase: media.Online})
}

// wait returns how long to wait after a session.
func (k *Keeper) wait(end Ended) time.Duration {
	w := k.Waits
	if end.Pictured >= w.Stable {
		k.fails = 0
	}
	if end.Phase == media.Refused {
		d := grow(w.RefusedWait, w.RefusedMax, k.refusals)
		k.refusals++
		return d + time.Duration(w.Rand()*float64(d)/5)
	}
	d := grow(w.Backoff+w.Backoff/4, w.BackoffMax, k.fails)
	k.refusals = 0
	k.fails++
	return d - time.Duration(w.Rand()*float64(d)/5)
}

// grow returns base doubled n times, at most limit.
func grow(base, limit time.Duration, n int) time.Duration {
	d := float64(base) * math.Pow(2, float64(min(n, 40)))
	return time.Duration(min(d, float64(max(limit, base))))
}

// tell passes a change on, and logs it if it is one of phase.
func (k *Keeper) tell(st media.State) {
	st.Info = k.info
	level := slog.LevelDebug
	if st.Phase != k.phase {
		level = slog.LevelWarn
		if st.Err == nil {
			level = slog.LevelInfo
		}
	}
	k.phase = st.Phase
	args := []any{"camera", k.Camera, "phase", string(st.Phase)}
	if st.Phase == media.Online {
		args = append(args, "codec", st.Info.Codec.String(), "width", st.Info.Width, "height", st.Info.Height, "transport", st.Info.Transport)
	}
	if st.Err != nil {
		args = append(args, "error", st.Err.Error(), "retry", st.Retry.Round(100*time.Millisecond))
	}
	k.Log.Log(context.Background(), level, "camera", args...)
	k.OnState(st)
}

// Sleep waits for d, or until ctx ends; then it returns ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
