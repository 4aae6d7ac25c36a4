package camera

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/drivers/media"
)

// feedRing pushes a picture every 100 ms, a keyframe every second, with media time
// that begins anew at each gap.
func feedRing(r *ring, from, to int, base time.Time, leap time.Duration) {
	for i := from; i < to; i++ {
		at := time.Duration(i) * 100 * time.Millisecond
		r.push(media.AccessUnit{Codec: media.H264, PTS: at + leap, Wall: base.Add(at), Keyframe: i%10 == 0, Data: make([]byte, 100)})
		r.flush()
	}
}

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		c := &Camera{mainRing: newRing(1<<20, 20*time.Second)}
		feedRing(c.mainRing, 0, 100, base, 0)
		go func() {
			for i := 100; i < 300; i++ {
				time.Sleep(100 * time.Millisecond)
				feedRing(c.mainRing, i, i+1, base, 0)
			}
		}()
		units, err := c.Record(t.Context(), Recording{At: base.Add(9500 * time.Millisecond), Before: 5 * time.Second, After: 10 * time.Second, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		first, last := units[0], units[len(units)-1]
		if !first.Keyframe || first.Wall.Sub(base) != 4*time.Second || last.Wall.Sub(base) != 19500*time.Millisecond {
			t.Errorf("from %v, keyframe %v, to %v", first.Wall.Sub(base), first.Keyframe, last.Wall.Sub(base))
		}
		short, err := c.Record(t.Context(), Recording{At: base.Add(15 * time.Second), Before: 5 * time.Second, After: time.Second, MaxBytes: 1000})
		if err != nil || len(short) > 120 {
			t.Errorf("%d access units, %v", len(short), err)
		}
		time.Sleep(time.Minute)
	})
}

// TestRecordAcrossSessions: a clip has one session's pictures, and ends when the
// stream does.
func TestRecordAcrossSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		c := &Camera{mainRing: newRing(1<<20, time.Minute)}
		if _, err := c.Record(t.Context(), Recording{At: base, After: time.Second}); !errors.Is(err, ErrNoVideo) {
			t.Errorf("an empty ring: %v", err)
		}
		feedRing(c.mainRing, 0, 50, base, 0)
		feedRing(c.mainRing, 50, 80, base, -5*time.Second) // a new session
		units, err := c.Record(t.Context(), Recording{At: base.Add(7 * time.Second), Before: 5 * time.Second, After: 10 * time.Second, MaxBytes: 1 << 20})
		if err != nil || len(units) != 30 || !units[0].Keyframe {
			t.Errorf("%d access units, %v", len(units), err)
		}
	})
}

func TestAlbum(t *testing.T) {
	p := &Process{album: newAlbum(), done: make(chan struct{})}
	go func() {
		for id := range uint64(20) {
			p.album.put(wire.Picture{Detection: id, JPEG: []byte{byte(id)}})
		}
	}()
	if got := p.picture(t.Context(), 19).JPEG; len(got) != 1 || got[0] != 19 {
		t.Errorf("got %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := p.picture(ctx, 2).JPEG; got != nil {
		t.Errorf("an old picture: %v", got)
	}
	close(p.done)
	if got := p.picture(t.Context(), 99).JPEG; got != nil {
		t.Errorf("of a dead process: %v", got)
	}
	if n := len(p.album.pics); n > albumPictures {
		t.Errorf("%d pictures are kept", n)
	}
}
