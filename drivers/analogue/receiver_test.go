package analogue

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/audio"
	"sentrybox/drivers/call"
	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
	"sentrybox/drivers/tone/dtmf"
	"sentrybox/drivers/tone/mdc1200"
	"sentrybox/drivers/tone/selcall"
)

// receiver is a sound card that plays what the test says, 20 ms at a time.
type receiver struct {
	mu   sync.Mutex
	away bool
	now  *line
}

// line is the receiver while it is open.
type line struct {
	sound    chan []int16
	gone     chan struct{}
	once     sync.Once
	rest     []int16
	deadline time.Time
}

func (r *receiver) open(context.Context) (audio.Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return nil, port.ErrUnplugged
	}
	r.now = &line{sound: make(chan []int16), gone: make(chan struct{})}
	return r.now, nil
}

func (r *receiver) unplug() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = true
	if r.now != nil {
		_ = r.now.Close()
	}
}

func (r *receiver) replug() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = false
}

func (l *line) SetReadDeadline(t time.Time) error { l.deadline = t; return nil }

func (l *line) Close() error { l.once.Do(func() { close(l.gone) }); return nil }

func (l *line) Read(p []int16) (int, error) {
	if len(l.rest) == 0 {
		timer := time.NewTimer(time.Until(l.deadline))
		defer timer.Stop()
		select {
		case l.rest = <-l.sound:
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		case <-l.gone:
			return 0, port.ErrUnplugged
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// play plays sound in its own time, if somebody listens.
func (r *receiver) play(x []float32) {
	r.mu.Lock()
	l := r.now
	r.mu.Unlock()
	if l == nil {
		return
	}
	for len(x) > 0 {
		n := min(160, len(x))
		out := make([]int16, n)
		for i, v := range x[:n] {
			out[i] = int16(32767 * max(-1, min(1, v)))
		}
		time.Sleep(20 * time.Millisecond)
		select {
		case l.sound <- out:
		case <-l.gone:
			return
		}
		x = x[n:]
	}
}

func silence(d time.Duration) []float32 { return make([]float32, count(d)) }

// hum is a sound with a carrier, and no voice.
func hum(d time.Duration, level float64) []float32 {
	x := silence(d)
	for i := range x {
		x[i] = float32(level * math.Sin(2*math.Pi*1750*float64(i)/audio.Rate))
	}
	return x
}

// told is an event in short.
func told(e call.Event) string {
	over := ""
	if e.Kind.Stated() && !e.Active {
		over = "-over"
	}
	parts := []string{string(e.Kind) + over, e.Digits}
	if e.From != "" {
		parts = append(parts, "from", e.From)
	}
	if e.To != "" {
		parts = append(parts, "to", e.To)
	}
	if e.Lost {
		parts = append(parts, "lost")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// listen runs a driver over sound, in virtual time, and returns what it told and its state at the end.
func listen(t *testing.T, c Config, sounds ...[]float32) (events []call.Event, state driver.State) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		c.Open = r.open
		d, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- d.Run(ctx, func(e call.Event) {
				if err := e.Check(); err != nil {
					t.Errorf("%v in %+v", err, e)
				}
				events = append(events, e)
			})
		}()
		synctest.Wait()
		for _, x := range sounds {
			r.play(x)
		}
		synctest.Wait()
		state = d.State()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return events, state
}

func all(events []call.Event) string {
	var s []string
	for _, e := range events {
		s = append(s, told(e))
	}
	return strings.Join(s, ", ")
}

func digits(s string) []float32 {
	x, err := dtmf.Append(silence(100*time.Millisecond), audio.Rate, s, dtmf.Sending{})
	if err != nil {
		panic(err)
	}
	return x
}

func fiveTone(system, number string) []float32 {
	s, _ := selcall.ByName(system)
	x, err := selcall.Append(nil, audio.Rate, s, number, selcall.Sending{})
	if err != nil {
		panic(err)
	}
	return x
}

func burst(p mdc1200.Packet) []float32 {
	return mdc1200.Append(nil, audio.Rate, p, mdc1200.Sending{})
}
