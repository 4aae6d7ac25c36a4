package drivertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/driver"
)

// Rig is a driver with the far side that a test gives it.
type Rig struct {
	// Driver is fresh: made, and not run.
	Driver driver.Driver
	// Say has the far side send one valid message. It is called again until one arrives.
	// Nil if the driver asks by itself, and the far side answers.
	Say func()
	// Valid tells whether a message is one that the far side sent.
	Valid func(driver.Message) bool
	// Noise puts bytes on the wire towards the driver; nil if that cannot be.
	Noise func([]byte)
	// Unplug takes the line or the server away, and Replug brings it back; nil if that cannot be.
	Unplug, Replug func()
}

// Conform holds a driver to the contract of package driver. build makes a fresh
// rig, and cleans up by t.Cleanup.
func Conform(t *testing.T, build func(t *testing.T) Rig) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Rig)
	}{
		{"hears", hears},
		{"survives noise", survivesNoise},
		{"survives unplug", survivesUnplug},
		{"ends with its context", endsWithContext},
		{"runs again", runsAgain},
		{"halts", halts},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, build(t)) })
	}
}

// patience is how long the suite waits for what must come. Nothing is asserted to be quick.
const patience = time.Minute

// label marks goroutines that a driver started.
const label = "drivertest"

// runner runs a driver, and keeps what it emits.
type runner struct {
	t      *testing.T
	rig    Rig
	cancel context.CancelFunc
	ended  chan error

	mu       sync.Mutex
	messages int
}

func run(t *testing.T, rig Rig) *runner {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &runner{t: t, rig: rig, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		// All goroutines that Run starts have the label too.
		pprof.Do(ctx, pprof.Labels(label, t.Name()), func(ctx context.Context) { r.ended <- rig.Driver.Run(ctx, r.emit) })
	}()
	t.Cleanup(cancel)
	return r
}

func (r *runner) emit(m driver.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages++
	if m.At.IsZero() {
		r.t.Errorf("a message without a time: %+v", m)
	}
	if !r.rig.Valid(m) {
		r.t.Errorf("a message that nobody sent: %+v", m)
	}
}

func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.messages
}

// hear waits for one more message.
func (r *runner) hear() {
	r.t.Helper()
	before := r.count()
	r.until("a message", func() bool {
		if r.rig.Say != nil {
			r.rig.Say()
		}
		return r.count() > before
	})
}

// until waits for what must come, and looks at the state all the while.
func (r *runner) until(what string, done func() bool) {
	r.t.Helper()
	for start := time.Now(); !done(); {
		s := r.rig.Driver.State()
		if time.Since(start) > patience {
			r.t.Fatalf("no %s in %v; the driver is %+v", what, patience, s)
		}
		select {
		case err := <-r.ended:
			r.t.Fatalf("Run ended with %v while waiting for %s", err, what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (r *runner) phase(want ...driver.Phase) {
	r.t.Helper()
	r.until("phase "+string(want[0]), func() bool {
		s := r.rig.Driver.State()
		return slices.Contains(want, s.Phase)
	})
}

// end waits for Run to return, which it must do with nil.
func (r *runner) end() {
	r.t.Helper()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(patience):
		r.t.Fatalf("Run goes on %v after its end", patience)
	}
}

func hears(t *testing.T, rig Rig) {
	if s := rig.Driver.State(); s.Phase != driver.Loaded {
		t.Errorf("before Run: %q, want %q", s.Phase, driver.Loaded)
	}
	r := run(t, rig)
	r.hear()
	r.phase(driver.Online)
	s := rig.Driver.State()
	if s.Since.IsZero() || s.Heard.IsZero() || s.Reason != "" {
		t.Errorf("online without its times, or with a reason: %+v", s.Status)
	}
	online := 0
	for _, d := range s.Devices {
		if d.Phase == driver.Online && !d.Heard.IsZero() {
			online++
		}
	}
	if online == 0 {
		t.Errorf("no device is online: %+v", s.Devices)
	}
	r.cancel()
	r.end()
}

func survivesNoise(t *testing.T, rig Rig) {
	if rig.Noise == nil {
		t.Skip("no noise reaches this driver")
	}
	r := run(t, rig)
	r.hear()
	rnd := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 3000)
	for i := range random {
		random[i] = byte(rnd.UintN(256))
	}
	for _, noise := range [][]byte{
		{0}, {0xff}, bytes.Repeat([]byte{0}, 300), bytes.Repeat([]byte{0xff}, 300), random,
		bytes.Repeat([]byte("\r\n"), 200), bytes.Repeat([]byte("A"), 3000), []byte("+EVT:"), []byte("{\"a\":"), random[:7],
	} {
		rig.Noise(noise)
		r.hear()
	}
	r.cancel()
	r.end()
}

func survivesUnplug(t *testing.T, rig Rig) {
	if rig.Unplug == nil {
		t.Skip("nothing to unplug")
	}
	r := run(t, rig)
	for range 2 {
		r.hear()
		rig.Unplug()
		r.phase(driver.Unplugged)
		if s := rig.Driver.State(); s.Reason == "" {
			t.Error("unplugged without a reason")
		}
		rig.Replug()
	}
	r.hear()
	r.phase(driver.Online)
	r.cancel()
	r.end()
}

func endsWithContext(t *testing.T, rig Rig) {
	r := run(t, rig)
	r.hear()
	r.cancel()
	r.end()
	if s := rig.Driver.State(); s.Phase != driver.Stopped {
		t.Errorf("after Run: %q, want %q", s.Phase, driver.Stopped)
	}
	noneLeft(t)
	if rig.Unplug == nil {
		return
	}
	// The same while the line is away, when Run waits to open it.
	rig.Unplug()
	r = run(t, rig)
	r.phase(driver.Unplugged)
	r.cancel()
	r.end()
	noneLeft(t)
}

// noneLeft waits until no goroutine is left of those that Run started.
func noneLeft(t *testing.T) {
	t.Helper()
	mark := fmt.Appendf(nil, "%q:%q", label, t.Name())
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(profile.Bytes(), mark) {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("goroutines are left:\n%s", &profile)
		}
	}
}

func runsAgain(t *testing.T, rig Rig) {
	for range 3 {
		r := run(t, rig)
		r.hear()
		r.cancel()
		r.end()
	}
}

func halts(t *testing.T, rig Rig) {
	r := run(t, rig)
	r.hear()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := rig.Driver.Halt(); err != nil {
				t.Errorf("Halt: %v", err)
			}
		})
	}
	wg.Wait()
	r.end()
	if err := rig.Driver.Halt(); err != nil {
		t.Errorf("Halt once more: %v", err)
	}
	if s := rig.Driver.State(); s.Phase != driver.Stopped {
		t.Errorf("after Halt: %q, want %q", s.Phase, driver.Stopped)
	}
	if err := rig.Driver.Run(context.Background(), func(driver.Message) {}); !errors.Is(err, driver.ErrHalted) {
		t.Errorf("Run after Halt = %v, want %v", err, driver.ErrHalted)
	}
}
