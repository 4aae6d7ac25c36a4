package analogue

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
)

// keptFor is how much sound is kept.
const keptFor = 3 * time.Minute

// recorder keeps the newest sound in µ-law.
type recorder struct {
	mu   sync.Mutex
	ring []byte    // guarded by mu
	n    int64     // bytes so far, guarded by mu
	last time.Time // when the newest came, guarded by mu
}

func newRecorder() *recorder {
	return &recorder{ring: make([]byte, int(keptFor.Seconds()*audio.Rate))}
}

// add takes samples that have just come. What was missing since the last is silence.
func (r *recorder) add(samples []int16, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n > 0 {
		if gap := now.Sub(r.last) - length(len(samples)); gap > time.Second {
			silence := audio.MuLaw(0)
			for range min(count(gap), len(r.ring)) {
				r.put(silence)
			}
		}
	}
	for _, v := range samples {
		r.put(audio.MuLaw(v))
	}
	r.last = now
}

// put is called with mu held.
func (r *recorder) put(b byte) {
	r.ring[r.n%int64(len(r.ring))] = b
	r.n++
}

func sine(freq float64, i int) float64 { return math.Sin(2 * math.Pi * freq * float64(i) / audio.Rate) }

func length(samples int) time.Duration { return time.Duration(samples) * time.Second / audio.Rate }
func count(d time.Duration) int        { return int(d * audio.Rate / time.Second) }

// cut returns the sound between two times, as much as there is.
func (r *recorder) cut(from, to time.Time) (data []byte, begin time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := max(r.n-int64(count(r.last.Sub(from))), r.n-int64(len(r.ring)), 0)
	end := min(r.n-int64(count(r.last.Sub(to))), r.n)
	for i := first; i < end; i++ {
		data = append(data, r.ring[i%int64(len(r.ring))])
	}
	return data, r.last.Add(-length(int(r.n - first)))
}

func (r *recorder) until() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// lookEvery is how often it is looked whether what is waited for has come.
const lookEvery = 100 * time.Millisecond

// Recording returns the sound around an Event; see call.Recorder. Sound that does not come any more is not
// waited for longer than it takes.
func (d *Driver) Recording(ctx context.Context, e call.Event, before, after time.Duration) (call.Recording, error) {
	to := e.At.Add(after)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for over := false; !over && d.kept.until().Before(to) && time.Now().Before(to.Add(time.Second)); {
		select {
		case <-ctx.Done():
			over = true
		case <-tick.C:
		}
	}
	data, from := d.kept.cut(e.At.Add(-before), to)
	if len(data) == 0 {
		return call.Recording{}, errors.New("there was no sound")
	}
	var file bytes.Buffer
	if err := audio.WriteWAV(&file, data); err != nil {
		return call.Recording{}, err
	}
	return call.Recording{Type: "audio/wav", Data: file.Bytes(), From: from}, nil
}

// busy says whether the channel is in use, for who wants to transmit.
type busy struct {
	mu    sync.Mutex
	is    bool      // guarded by mu
	since time.Time // guarded by mu
}

func (b *busy) set(is bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.is != is || b.since.IsZero() {
		b.is, b.since = is, now
	}
}

// Busy says whether somebody is on the channel, and since when that is so or not.
func (d *Driver) Busy() (bool, time.Time) {
	d.busy.mu.Lock()
	defer d.busy.mu.Unlock()
	return d.busy.is, d.busy.since
}
