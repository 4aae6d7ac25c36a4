package mqtt

import (
	"testing"
	"time"
)

// TestFailBackDoesNotFlap: each time a broker is gone back to in vain, it has to
// answer for twice as long before the next time; one that lasts begins anew.
func TestFailBackDoesNotFlap(t *testing.T) {
	f, timing := failback{hold: map[int]time.Duration{}, to: -1}, Timing{}.withDefaults()
	for _, want := range []time.Duration{30, 60, 120, 240, 480, 960, 1920, 3600, 3600} {
		if got := f.of(0, timing); got != want*time.Second {
			t.Fatalf("it has to answer for %v, want %v", got, want*time.Second)
		}
		f.went(0)
		f.ended(1, time.Hour, timing) // another's end says nothing
		f.ended(0, time.Minute, timing)
		f.ended(0, time.Minute, timing) // nor does one that was not gone back to
	}
	f.went(0)
	f.ended(0, reset*time.Hour, timing)
	if got := f.of(0, timing); got != 30*time.Second {
		t.Errorf("%v after a day", got)
	}
}
