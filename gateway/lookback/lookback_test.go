package lookback

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/media"
)

func epoch() time.Time { return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC) }

// clock moves with the pictures.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	c.t = t
	c.mu.Unlock()
}

// unit is the i-th picture of a camera, ten a second and a keyframe each second.
func unit(camera byte, i, size int) media.AccessUnit {
	at := time.Duration(i) * 100 * time.Millisecond
	data := bytes.Repeat([]byte{camera, byte(i), byte(i >> 8)}, size/3+1)[:size]
	return media.AccessUnit{Codec: media.H264, PTS: at, Wall: epoch().Add(at), Keyframe: i%10 == 0, Data: data}
}

func newStore(t *testing.T, o Options) (*Store, *clock) {
	t.Helper()
	c := &clock{t: epoch()}
	s := &Store{Now: c.now}
	if err := s.Set(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, c
}

// settle waits until everything is written.
func (s *Store) settle(t *testing.T) {
	t.Helper()
	for range 60_000 {
		s.mu.Lock()
		n := s.pending
		s.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the writer does not come to its end")
}

// all reads a log to its end and holds it to what unit gave.
func all(t *testing.T, l *Log, camera byte, from time.Time) (list []media.AccessUnit) {
	t.Helper()
	r := l.Read(from)
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		want := unit(camera, int(au.PTS/(100*time.Millisecond)), len(au.Data))
		if !bytes.Equal(au.Data, want.Data) || !au.Wall.Equal(want.Wall) || au.Keyframe != want.Keyframe || au.Codec != want.Codec {
			t.Fatalf("%v is not what was sent", au.PTS)
		}
		list = append(list, au)
	}
}

// TestBack: what was sent comes back, from a keyframe on, out of memory and off a disk.
func TestBack(t *testing.T) {
	for name, o := range map[string]Options{"memory": {Bytes: 4 << 20, Age: time.Hour}, "disk": {Bytes: 4 << 20, Age: time.Hour, Dir: t.TempDir() + "/there"}} {
		t.Run(name, func(t *testing.T) {
			s, c := newStore(t, o)
			l := s.Log()
			l.Add(unit(1, 5, 100)) // no keyframe to begin with
			for i := 10; i < 400; i++ {
				c.set(unit(1, i, 1).Wall)
				l.Add(unit(1, i, 1000+17*i))
				if i%32 == 0 && i < 380 {
					s.settle(t)
				}
			}
			for _, when := range []string{"while it is written", "after"} {
				got := all(t, l, 1, time.Time{})
				if len(got) != 390 || got[0].PTS != time.Second || !got[0].Gap || got[1].Gap {
					t.Fatalf("%s: %d pictures from %v on, gap %v", when, len(got), got[0].PTS, got[0].Gap)
				}
				s.settle(t)
			}
			if got := all(t, l, 1, epoch().Add(20*time.Second+50*time.Millisecond)); got[0].PTS != 20*time.Second {
				t.Errorf("it begins at %v, not at the keyframe before", got[0].PTS)
			}
			if from, to := l.Span(); from != epoch().Add(time.Second) || to != unit(1, 399, 1).Wall {
				t.Errorf("from %v to %v", from, to)
			}
			if o.Dir != "" {
				if left, err := os.ReadDir(o.Dir); err != nil || len(left) != 0 {
					t.Errorf("a file has a name: %v, %v", left, err)
				}
			}
		})
	}
}

// TestShared: a camera that sends much and one that sends little go back about equally far, in no more
// bytes than there are.
func TestShared(t *testing.T) {
	s, c := newStore(t, Options{Bytes: 2 << 20, Age: time.Hour})
	a, b := s.Log(), s.Log()
	for i := range 3000 {
		c.set(unit(1, i, 1).Wall)
		a.Add(unit(1, i, 4000))
		b.Add(unit(2, i, 1000))
		if i%8 == 0 {
			s.settle(t)
		}
	}
	aFrom, to := a.Span()
	bFrom, _ := b.Span()
	// 2 MiB at 5 kB ten times a second are 41 s; a slot of b takes 6.5 s.
	if span := to.Sub(aFrom); span < 28*time.Second || span > 45*time.Second || aFrom.Sub(bFrom).Abs() > 10*time.Second {
		t.Errorf("one goes back to %v, the other to %v, of %v", aFrom, bFrom, to)
	}
	all(t, a, 1, time.Time{})
	all(t, b, 2, time.Time{})
	if !a.Short() || !b.Short() {
		t.Error("nobody says that there is too little room")
	}
	if len(s.free)+len(a.chunks)+len(b.chunks) != 32 {
		t.Errorf("%d slots are free, %d and %d in use, of 32", len(s.free), len(a.chunks), len(b.chunks))
	}
	a.Close()
	if len(s.free)+len(b.chunks) != 32 {
		t.Error("a camera that is gone keeps its slots")
	}
}

// TestAge: what is older than it is to be kept is forgotten though there is room.
func TestAge(t *testing.T) {
	s, c := newStore(t, Options{Bytes: 8 << 20, Age: 20 * time.Second})
	l := s.Log()
	for i := range 1000 {
		c.set(unit(1, i, 1).Wall)
		l.Add(unit(1, i, 2000))
		if i%8 == 0 {
			s.settle(t)
		}
	}
	if l.Short() {
		t.Error("there was room")
	}
	if from, to := l.Span(); to.Sub(from) < 20*time.Second || to.Sub(from) > 30*time.Second {
		t.Errorf("%v are kept", to.Sub(from))
	}
}

// TestOvertaken: who reads slower than is overwritten goes on behind a gap, and never gets what is not
// whole.
func TestOvertaken(t *testing.T) {
	s, c := newStore(t, Options{Bytes: 1 << 20, Age: time.Hour})
	l := s.Log()
	add := func(from, to int) {
		for i := from; i < to; i++ {
			c.set(unit(1, i, 1).Wall)
			l.Add(unit(1, i, 3000))
			if i%8 == 0 {
				s.settle(t)
			}
		}
	}
	add(0, 300)
	r := l.Read(time.Time{})
	if au, err := r.Next(); err != nil || au.PTS != 0 {
		t.Fatalf("%v, %v", au.PTS, err)
	}
	add(300, 550)
	gaps, n, last := 0, 0, time.Duration(0)
	for {
		au, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || au.PTS <= last {
			t.Fatalf("%v after %v, %v", au.PTS, last, err)
		}
		if want := unit(1, int(au.PTS/(100*time.Millisecond)), 3000); !bytes.Equal(au.Data, want.Data) || au.Gap && !au.Keyframe {
			t.Fatalf("%v is not what was sent", au.PTS)
		}
		if au.Gap {
			gaps++
		}
		n, last = n+1, au.PTS
	}
	if gaps != 1 || last != 29900*time.Millisecond || n > 150 {
		t.Errorf("%d gaps, %d pictures, the last at %v", gaps, n, last)
	}
	add(550, 1200)
	r = l.Read(time.Time{})
	s.Close()
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("of what is forgotten: %v", err)
	}
}

// TestOptions: other options begin anew, and what cannot be kept is said.
func TestOptions(t *testing.T) {
	o := Options{Bytes: 1 << 20, Age: time.Hour}
	s, _ := newStore(t, o)
	l := s.Log()
	l.Add(unit(1, 0, 10))
	if err := s.Set(o); err != nil || len(all(t, l, 1, time.Time{})) != 1 {
		t.Error("the same options forget", err)
	}
	o.Age = time.Minute
	if err := s.Set(o); err != nil || len(all(t, l, 1, time.Time{})) != 0 {
		t.Error("other options keep", err)
	}
	l.Add(unit(1, 0, 10))
	if len(all(t, l, 1, time.Time{})) != 1 {
		t.Error("nothing is kept any more")
	}
	for name, o := range map[string]Options{
		"a floor": {Bytes: 1 << 20, Age: time.Hour, Dir: t.TempDir(), Floor: 1 << 60}, "a file": {Bytes: 1 << 20, Age: time.Hour, Dir: "/proc/version/x"},
	} {
		err := s.Set(o)
		if err == nil || name == "a floor" && !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		l.Add(unit(1, 0, 10)) // and nothing happens
		if from, _ := l.Span(); !from.IsZero() {
			t.Errorf("%s: something is kept", name)
		}
	}
	if err := s.Set(Options{}); err != nil {
		t.Error(err)
	}
	l.Add(unit(1, 0, 10))
	l.Close()
}

// BenchmarkAdd is what keeping costs a camera: 15 pictures a second of 4 kB are 0.5 Mbit/s.
func BenchmarkAdd(b *testing.B) {
	for name, dir := range map[string]string{"memory": "", "disk": b.TempDir()} {
		b.Run(name, func(b *testing.B) {
			s := &Store{}
			if err := s.Set(Options{Bytes: 32 << 20, Age: time.Hour, Dir: dir}); err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			l := s.Log()
			au := unit(1, 0, 4000)
			b.SetBytes(int64(len(au.Data)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				au.Keyframe = i%30 == 0
				l.Add(au)
			}
		})
	}
}
