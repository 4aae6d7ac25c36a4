package clock

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a machine whose wall clock a test sets. Time passes with the test's.
type fake struct {
	start  time.Time
	synced bool

	mu    sync.Mutex
	shift time.Duration // of the wall clock from the test's; guarded by mu
}

func (f *fake) set(shift time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shift = shift
}

func (f *fake) Wall() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.shift)
}

func (f *fake) Boot() time.Duration { return time.Since(f.start) }
func (f *fake) BootID() string      { return "boot-1" }
func (f *fake) Synced() bool        { return f.synced }

func TestSet(t *testing.T) {
	known := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		wall time.Time
		want bool
	}{
		"1970": {time.Unix(100, 0), false}, "where it was switched off, or before": {known.Add(-time.Hour), false},
		"later": {known.Add(time.Hour), true}, "never seen before": {time.Unix(Floor, 0), false},
	} {
		f := &fake{start: time.Now(), shift: time.Until(tc.wall) + time.Second}
		if got := New(f, known).Stamp(); got.Set != tc.want || got.Boot != "boot-1" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if f := (&fake{start: time.Now(), shift: time.Until(time.Unix(Floor+1, 0)) + time.Second}); !New(f, time.Time{}).Stamp().Set {
		t.Error("a clock above the floor, of a box that knows nothing, was not believed")
	}
}

// TestSteps: a clock that is set is noticed, one that is slewed is not, and what
// could not be done then is tried again.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The test's clock begins in 2000.
		const right = 27 * 365 * 24 * time.Hour
		f := &fake{start: time.Now(), shift: -30 * 365 * 24 * time.Hour}
		var mu sync.Mutex // guards what follows
		var steps []time.Duration
		fail, beats := false, 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- New(f, time.Time{}).Run(ctx, func(_ context.Context, s Stamp) error {
				mu.Lock()
				defer mu.Unlock()
				steps = append(steps, s.Offset)
				if fail {
					return errors.New("disk full")
				}
				return nil
			}, func(context.Context, Beat) error {
				mu.Lock()
				defer mu.Unlock()
				beats++
				return nil
			})
		}()
		pass := func(d time.Duration) {
			mu.Unlock()
			time.Sleep(d)
			mu.Lock()
		}
		mu.Lock()
		defer mu.Unlock()
		pass(10 * time.Second)
		f.set(-30*365*24*time.Hour + 400*time.Microsecond)
		pass(10*time.Second + every/2)
		if len(steps) != 1 {
			t.Errorf("steps %v, want the first look", steps)
		}
		fail = true
		f.set(right)
		pass(3 * time.Second)
		fail = false
		pass(10 * time.Second)
		f.set(right - 2*time.Second) // set back
		pass(2 * time.Second)
		if want := time.Duration(f.start.Add(right).UnixNano()); len(steps) != 6 || steps[1] != want || steps[4] != want || steps[5] != want-2*time.Second {
			t.Errorf("steps %v, want %v", steps, want)
		}
		if beats != 1 {
			t.Errorf("%d beats in half a minute", beats)
		}
		pass(time.Hour)
		if beats != 3 {
			t.Errorf("%d beats in an hour with a clock that is right", beats)
		}
		cancel()
		mu.Unlock()
		<-done
		mu.Lock()
	})
}

func TestSystem(t *testing.T) {
	s, err := System()
	if err != nil {
		t.Fatal(err)
	}
	a, b := New(s, time.Time{}).Stamp(), New(s, time.Time{}).Stamp()
	if d := a.Offset - b.Offset; d > Step || d < -Step || a.Boot == "" || a.Boot != b.Boot || !slices.Contains([]bool{true, false}, s.Synced()) {
		t.Errorf("%+v and %+v", a, b)
	}
}

// TestAged: nothing is old because the clock has leapt ahead, until a time service vouches for it or three days have passed.
func TestAged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			known, shift  time.Duration // of the known time and of the clock, from now
			synced        bool
			after         time.Duration
			before, later bool
		}{
			"a year ahead":                  {-time.Hour, 365 * 24 * time.Hour, false, time.Hour, true, false},
			"a year ahead, and nobody came": {-time.Hour, 365 * 24 * time.Hour, false, Hold + time.Hour, true, true},
			"set by a time service":         {-time.Hour, 365 * 24 * time.Hour, true, time.Hour, true, true},
			"an hour ahead":                 {-time.Hour, time.Hour, false, time.Hour, true, true},
			"off for a week":                {-7 * 24 * time.Hour, 0, false, time.Hour, false, false},
			"off for a week, and years ago": {-7 * 24 * time.Hour, -5 * 365 * 24 * time.Hour, false, time.Hour, false, true},
		} {
			f := &fake{start: time.Now(), synced: tc.synced}
			c := New(f, time.Now().Add(tc.known))
			if got := c.Aged(); got != tc.before && !tc.synced {
				t.Errorf("%s: before: %v", name, got)
			}
			f.set(tc.shift)
			c.Aged() // whoever asks first
			time.Sleep(tc.after)
			if got := c.Aged(); got != tc.later {
				t.Errorf("%s: %v", name, got)
			}
		}
	})
}
