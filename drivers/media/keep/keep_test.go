package keep

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/media"
)

// TestWaits: waits are doubled up to the longest, begin anew after stable pictures, are longer for a refused
// password, and vary by a fifth at the most.
func TestWaits(t *testing.T) {
	lost := Ended{Phase: media.Unreachable, Err: errors.New("lost")}
	refused := Ended{Phase: media.Refused, Err: errors.New("wrong password")}
	long := Ended{Phase: media.Stalled, Err: errors.New("no picture"), Pictured: time.Hour}
	broken := Ended{Phase: media.Unreachable, Err: errors.New("broke off"), Pictured: time.Second}
	for name, c := range map[string]struct {
		jitter float64
		ended  []Ended
		want   []time.Duration
		phases []media.Phase
	}{
		"doubled": {
			ended:  []Ended{lost, lost, lost, lost, lost},
			want:   []time.Duration{1250 * time.Millisecond, 2500 * time.Millisecond, 5 * time.Second, 8 * time.Second, 8 * time.Second},
			phases: []media.Phase{"connecting", "unreachable", "unreachable", "unreachable", "unreachable", "unreachable"},
		},
		"shorter by chance": {jitter: 1, ended: []Ended{lost}, want: []time.Duration{time.Second}, phases: []media.Phase{"connecting", "unreachable"}},
		"longer by chance":  {jitter: 1, ended: []Ended{refused}, want: []time.Duration{72 * time.Second}, phases: []media.Phase{"connecting", "refused"}},
		"refused": {
			ended:  []Ended{refused, refused, refused, refused, lost, refused},
			want:   []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 1250 * time.Millisecond, time.Minute},
			phases: []media.Phase{"connecting", "refused", "refused", "refused", "refused", "unreachable", "refused"},
		},
		"anew": {
			ended:  []Ended{lost, lost, long},
			want:   []time.Duration{1250 * time.Millisecond, 2500 * time.Millisecond, 1250 * time.Millisecond},
			phases: []media.Phase{"connecting", "unreachable", "unreachable", "stalled"},
		},
		"there a moment ago": {ended: []Ended{broken}, want: []time.Duration{1250 * time.Millisecond}, phases: []media.Phase{"connecting", "connecting"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var waits []time.Duration
				var phases []media.Phase
				var before time.Time
				k := &Keeper{Camera: "rtsp://camera", Log: slog.New(slog.DiscardHandler), Waits: Waits{
					Backoff: time.Second, BackoffMax: 8 * time.Second, RefusedWait: time.Minute, RefusedMax: 5 * time.Minute,
					Stable: time.Minute, Rand: func() float64 { return c.jitter },
				}, OnState: func(s media.State) { phases = append(phases, s.Phase) }}
				n := 0
				err := k.Run(ctx, func(context.Context) Ended {
					if n > 0 {
						waits = append(waits, time.Since(before))
					}
					if n == len(c.ended) {
						stop()
						return Ended{}
					}
					before = time.Now()
					n++
					return c.ended[n-1]
				})
				if !errors.Is(err, context.Canceled) || !slices.Equal(waits, c.want) || !slices.Equal(phases, c.phases) {
					t.Errorf("%v: waits %v, want %v; phases %v, want %v", err, waits, c.want, phases, c.phases)
				}
			})
		})
	}
}

// TestOnline: the stream is told, and remembered while the camera is away.
func TestOnline(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	info := media.Info{Codec: media.H264, Width: 640, Height: 360}
	var states []media.State
	k := &Keeper{Log: slog.New(slog.DiscardHandler), Waits: Waits{Backoff: time.Hour, Rand: func() float64 { return 0 }}}
	k.OnState = func(s media.State) {
		states = append(states, s)
		if s.Retry > 0 {
			stop()
		}
	}
	err := k.Run(ctx, func(context.Context) Ended {
		k.Online(info)
		return Ended{Phase: media.Stalled, Err: errors.New("no picture")}
	})
	if !errors.Is(err, context.Canceled) || len(states) != 3 || states[0].Info != (media.Info{}) ||
		states[1].Phase != media.Online || states[1].Info != info || states[1].Err != nil ||
		states[2].Phase != media.Stalled || states[2].Info != info || states[2].Err == nil {
		t.Errorf("%v: states %+v", err, states)
	}
}
