package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

type fixture struct {
	testing.TB
	*Spool
	opt  Options
	now  time.Time
	room bool
}

func fresh(t testing.TB, opt Options) *fixture {
	t.Helper()
	f := &fixture{TB: t, opt: opt, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), room: true}
	if opt.Dir == "" {
		f.opt.Dir = filepath.Join(memoryDir(t), "metrics")
	}
	f.opt.Now = func() time.Time { return f.now }
	f.opt.Room = func() bool { return f.room }
	f.reopen()
	return f
}

// memoryDir is a folder in memory where there is one: days of files go through
// it, and a disk's fsync would take minutes.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sentrybox-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// reopen opens the folder again, as after a kill.
func (f *fixture) reopen() {
	f.Helper()
	var err error
	if f.Spool, err = Open(f.opt); err != nil {
		f.Fatal(err)
	}
}

// minute appends a reading of each of n sensors, lets a minute pass, and sweeps.
func (f *fixture) minute(n int) {
	f.Helper()
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{Name: "temperature", Labels: map[string]string{"device": fmt.Sprint("th-", i)}, Value: float64(f.now.Minute()) + float64(i), Time: f.now}
	}
	if err := f.Append(points...); err != nil {
		f.Fatal(err)
	}
	f.now = f.now.Add(time.Minute)
	if err := f.Sweep(); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) all() (all []Series) {
	f.Helper()
	batches, err := f.Next(1<<20, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range batches {
		all = append(all, b.Series...)
	}
	return merge(all)
}

// drain takes everything in small steps and acknowledges it.
func (f *fixture) drain() (all []Series) {
	f.Helper()
	for {
		batches, err := f.Next(3, nil)
		if err != nil {
			f.Fatal(err)
		}
		if len(batches) == 0 {
			return merge(all)
		}
		for _, b := range batches {
			all = append(all, b.Series...)
			f.Done(b.Seq)
		}
	}
}

func (f *fixture) files(pattern string) []string {
	f.Helper()
	names, err := filepath.Glob(filepath.Join(f.opt.Dir, pattern))
	if err != nil {
		f.Fatal(err)
	}
	return names
}

func TestAGoodLineWritesNothing(t *testing.T) {
	f := fresh(t, Options{})
	got := 0
	for range 120 {
		f.minute(100)
		got += countSamples(f.drain())
	}
	if got != 12_000 {
		t.Errorf("%d points came, want 12000", got)
	}
	if files := f.files("*"); len(files) != 0 {
		t.Errorf("files were written: %v", files)
	}
}

func TestKillAndClose(t *testing.T) {
	f := fresh(t, Options{})
	for range 62 { // over two hours' boundary
		f.minute(10)
	}
	want := f.all()
	memory := f.Stats().Memory
	if memory > 60 {
		t.Errorf("%d points are in memory alone", memory)
	}
	f.reopen() // as after a kill
	if n := countSamples(f.all()); n != countSamples(want)-memory {
		t.Errorf("%d points after a kill, want all but the %d of the last minutes", n, memory)
	}
	f.minute(10)
	before := f.all()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if got := f.all(); !equal(got, before) {
		t.Errorf("%d points after a stop in order, want %d", countSamples(got), countSamples(before))
	}
	f.drain()
	if st := f.Stats(); st.Samples != 0 || st.Bytes != 0 || !st.Oldest.IsZero() || len(f.files("*"+suffix)) != 0 {
		t.Errorf("after all was taken: %+v", st)
	}
}

func equal(a, b []Series) bool {
	return slices.EqualFunc(a, b, func(x, y Series) bool {
		return key(x.Name, x.Labels) == key(y.Name, y.Labels) && slices.EqualFunc(x.Samples, y.Samples, func(p, q Sample) bool {
			return p.Time.Equal(q.Time) && p.Count == q.Count && p.Min == q.Min && p.Max == q.Max && math.Abs(p.Mean-q.Mean) < 1e-9
		})
	})
}

// TestFold checks averages against readings that are known.
func TestFold(t *testing.T) {
	f := fresh(t, Options{})
	for range 26 * 60 {
		f.minute(2)
	}
	all := f.all()
	if len(all) != 2 {
		t.Fatalf("%d series", len(all))
	}
	first := all[0].Samples[0]
	if first.Count != 10 || first.Min != 0 || first.Max != 9 || math.Abs(first.Mean-4.5) > 1e-9 || !first.Time.Equal(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("the first ten minutes are %+v", first)
	}
	if n := readings(all); n != 2*26*60 {
		t.Errorf("%d readings are in it, want %d", n, 2*26*60)
	}
	if last := all[0].Samples[len(all[0].Samples)-1]; last.Count != 1 {
		t.Errorf("the newest is an average already: %+v", last)
	}
	if st := f.Stats(); st.Folded == 0 || st.Dropped != 0 {
		t.Errorf("%+v", st)
	}
	for range 8 * 24 * 60 / 30 {
		f.now = f.now.Add(30 * time.Minute)
		if err := f.Sweep(); err != nil {
			t.Fatal(err)
		}
	}
	all = f.all()
	if first := all[1].Samples[0]; first.Count != 60 || first.Min != 1 || first.Max != 60 || math.Abs(first.Mean-30.5) > 1e-9 {
		t.Errorf("the first hour is %+v", first)
	}
	if n := readings(all); n != 2*26*60 {
		t.Errorf("%d readings are in the hours, want %d", n, 2*26*60)
	}
}

func TestLimits(t *testing.T) {
	f := fresh(t, Options{MaxBytes: 100 << 10, MaxAge: 90 * 24 * time.Hour})
	for range 36 * 60 {
		f.minute(20)
	}
	st := f.Stats()
	if st.Bytes > 100<<10 || st.Folded == 0 {
		t.Errorf("%+v", st)
	}
	all := f.all()
	if got := readings(all) + st.Dropped; got != 36*60*20 {
		t.Errorf("%d readings there or counted as dropped, want %d", got, 36*60*20)
	}
	f.now = f.now.Add(100 * 24 * time.Hour)
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	if st := f.Stats(); st.Bytes != 0 || st.Dropped < 36*60*20-1000 {
		t.Errorf("after MaxAge: %+v", st)
	}
}

func TestRefused(t *testing.T) {
	f := fresh(t, Options{})
	at := f.now
	many := map[string]string{}
	for i := range 9 {
		many[fmt.Sprint(i)] = ""
	}
	for _, p := range []Point{
		{Value: 1, Time: at}, {Name: "x", Value: math.NaN(), Time: at}, {Name: "x", Value: math.Inf(1), Time: at},
		{Name: "x", Time: time.Unix(1000, 0)}, {Name: "x", Time: time.Unix(1<<40, 0)}, {Name: "\xff", Time: at},
		{Name: "x", Labels: many, Time: at}, {Name: "x", Labels: map[string]string{"": "y"}, Time: at},
	} {
		if err := f.Append(p, Point{Name: "good", Time: at}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	f.now = f.now.Add(time.Minute)
	if n := countSamples(f.all()); n != 8 || f.Stats().Refused != 8 {
		t.Errorf("%d good ones, %d refused", n, f.Stats().Refused)
	}
}

func TestJSON(t *testing.T) {
	f := fresh(t, Options{})
	f.minute(1)
	f.minute(1)
	batches, err := f.Next(10, nil)
	if err != nil || len(batches) != 2 {
		t.Fatal(err, len(batches))
	}
	b := Batch{Series: merge(append(batches[0].Series, batches[1].Series...))}
	got, err := b.JSON()
	want := `{"from":"2026-03-01T08:00:00.000Z","resolution":0,"series":[{"name":"temperature","labels":{"device":"th-0"},"t":[0,60],"v":[0,1]}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	b = Batch{Resolution: tenMinutes, Series: fold(b.Series, tenMinutes)}
	b.Series[0].Samples[0].Mean = 1.0 / 3
	got, err = b.JSON()
	want = `{"from":"2026-03-01T08:00:00.000Z","resolution":600,"series":[{"name":"temperature","labels":{"device":"th-0"},"t":[0],"v":[0.333333333],"min":[0],"max":[1],"n":[2]}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for _, v := range []float64{0, -1.5, 1e300, 5e-324, math.MaxFloat64, -12345678901} {
		if got := brief(v); math.Abs(got-v) > math.Abs(v)*1e-8 {
			t.Errorf("%g became %g", v, got)
		}
	}
}

// TestBatchesAreSmall: an alert on a slow line waits for one at most.
func TestBatchesAreSmall(t *testing.T) {
	f := fresh(t, Options{})
	for range 60 {
		f.minute(300)
	}
	f.now = f.now.Add(30 * time.Hour)
	if err := f.Sweep(); err != nil {
		t.Fatal(err)
	}
	f.minute(300)
	batches, err := f.Next(1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if j, err := b.JSON(); err != nil || len(j) > maxBatch*5/4 || !json.Valid(j) {
			t.Errorf("a batch of %d bytes, %v", len(j), err)
		}
	}
}

func TestOldestFirst(t *testing.T) {
	f := fresh(t, Options{})
	for range 60 {
		f.minute(20)
	}
	var last time.Time
	for {
		batches, err := f.Next(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(batches) == 0 {
			break
		}
		from, to := span(batches[0].Series)
		if from.Before(last) {
			t.Errorf("%v comes after %v", from, last)
		}
		last = to
		f.Done(batches[0].Seq)
		f.Done(batches[0].Seq) // again
	}
}
