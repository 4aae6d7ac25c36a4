//go:build cgo

package main

import (
	"bytes"
	"io"
	"log/slog"
	"testing"
	"time"

	"sentrybox/analytics/analyticstest"
	"sentrybox/analytics/wire"
)

// loop hands a process the same access units again and again, as media time goes on.
type loop struct {
	s      *session
	units  []wire.AccessUnit
	n      int
	length time.Duration
	buf    bytes.Buffer
	w      *wire.Writer
	r      *wire.Reader
}

// newLoop makes a loop of a scene that begins and ends alike. It is closed with the test.
func newLoop(tb testing.TB, s *analyticstest.Scene, length time.Duration, cfg *wire.Config) *loop {
	tb.Helper()
	g := newGateway(tb, cfg)
	said := g.in.Len()
	g.code(s, length, 80*time.Millisecond)
	l := &loop{length: length, s: &session{log: slog.New(slog.DiscardHandler)}}
	config := bytes.NewReader(bytes.Clone(g.in.Bytes()[:said]))
	enter := func(*wire.Config) (wire.Sandbox, error) { return wire.Sandbox{}, nil }
	if err := l.s.greet(wire.NewReader(config, wire.MaxToVision), io.Discard, enter); err != nil {
		tb.Fatal(err)
	}
	l.s.begin()
	tb.Cleanup(l.s.close)
	r := wire.NewReader(bytes.NewReader(g.in.Bytes()[said:]), wire.MaxToVision)
	for {
		_, p, err := r.Next()
		if err != nil {
			break
		}
		var au wire.AccessUnit
		if err := wire.DecodeAccessUnit(bytes.Clone(p), &au); err != nil {
			tb.Fatal(err)
		}
		l.units = append(l.units, au)
	}
	if len(l.units) == 0 {
		tb.Fatal("nothing was encoded")
	}
	l.w, l.r = wire.NewWriter(&l.buf, wire.MaxToVision), wire.NewReader(&l.buf, wire.MaxToVision)
	return l
}

// next sends the next access unit through the pipe's framing and lets the process take it.
func (l *loop) next(tb testing.TB) {
	au := l.units[l.n%len(l.units)]
	au.PTS += time.Duration(l.n/len(l.units)) * l.length
	l.n++
	au.Seq, au.Wall = uint64(l.n), testEpoch().Add(au.PTS)
	l.buf.Reset()
	err := l.w.AccessUnit(&au)
	if err == nil {
		var p []byte
		if _, p, err = l.r.Next(); err == nil {
			err = l.s.accessUnit(p)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// at returns how far media time has come, in whole rounds.
func (l *loop) at() time.Duration { return time.Duration(l.n/len(l.units)) * l.length }

// skipTo sends access units up to a media time.
func (l *loop) skipTo(tb testing.TB, at time.Duration) {
	for l.at() < at {
		l.next(tb)
	}
}

// strollers is a scene in which people walk about without end, or one in which nobody is.
func strollers(people int) *analyticstest.Scene {
	s := &analyticstest.Scene{Width: 640, Height: 352, Seed: 5, Noise: 2}
	for i := range people {
		y := 0.6 + 0.15*float64(i)
		from, to := 0.15+0.1*float64(i), 0.8
		s.Actors = append(s.Actors, analyticstest.Actor{Height: 0.3, Shade: 40, Path: []analyticstest.Step{
			{X: from, Y: y}, {At: 6 * time.Second, X: to, Y: y}, {At: 12 * time.Second, X: from, Y: y}}})
	}
	return s
}

func loopConfig(lazy bool) *wire.Config {
	cfg := testConfig(wire.Intrusion, wire.Motion, wire.Loitering, wire.Gathering, wire.AbandonedObject, wire.Tamper, wire.LineCrossing)
	cfg.Zones = append(cfg.Zones, wire.Zone{Name: "line", Line: []wire.Point{{0.5, 0}, {0.5, 0.5}}})
	for i := range cfg.Rules {
		r := &cfg.Rules[i]
		r.After, r.People = 3600, 3
		if r.Kind == wire.LineCrossing {
			r.Zone = "line"
		}
	}
	cfg.Lazy = lazy
	return cfg
}

// TestLoopAllocatesNothing holds that in the long run no access unit leaves garbage, awake
// and asleep.
func TestLoopAllocatesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		people int
		asleep bool
	}{"awake": {2, false}, "asleep": {0, true}} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t, strollers(c.people), 12*time.Second, loopConfig(true))
			l.skipTo(t, 60*time.Second)
			if l.s.lazy.asleep != c.asleep {
				t.Fatalf("asleep: %v", l.s.lazy.asleep)
			}
			l.s.report.close() // what is told of the progress goes by wall time
			// The race detector allocates a little by itself.
			if n := testing.AllocsPerRun(2, func() { l.skipTo(t, l.at()+l.length) }); int(n) > len(l.units)/10 {
				t.Errorf("%v allocations for %d access units", n, len(l.units))
			}
			if l.s.lazy.asleep != c.asleep {
				t.Errorf("in the end asleep: %v", l.s.lazy.asleep)
			}
		})
	}
}

// BenchmarkAccessUnit takes in one access unit of 640×352 with a keyframe in 50, and all rules but
// that for what falls.
func BenchmarkAccessUnit(b *testing.B) {
	for _, bc := range []struct {
		name   string
		people int
		lazy   bool
	}{{"scene=busy/decode=auto", 2, true}, {"scene=busy/decode=full", 2, false}, {"scene=empty/decode=auto", 0, true}, {"scene=empty/decode=full", 0, false}} {
		b.Run(bc.name, func(b *testing.B) {
			l := newLoop(b, strollers(bc.people), 12*time.Second, loopConfig(bc.lazy))
			l.skipTo(b, 24*time.Second)
			b.ReportAllocs()
			for b.Loop() {
				l.next(b)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
		})
	}
}
