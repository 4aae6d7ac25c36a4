package brake

import (
	"errors"
	"testing"
	"time"
)

func TestBrakeIsBounded(t *testing.T) {
	var b Brake
	now := time.Unix(1e9, 0)
	for i := range 3 * maxBraked {
		_ = b.Take(now.Add(time.Duration(i)*time.Millisecond), "name"+string(rune(i)), "2001:db8::1")
	}
	if n := len(b.tries); n > maxBraked+2 {
		t.Errorf("%d are remembered", n)
	}
}

func TestBrake(t *testing.T) {
	var b Brake
	now := time.Unix(1e9, 0)
	for range freeTries {
		if err := b.Take(now, "li", "10.0.0.7"); err != nil {
			t.Fatal(err)
		}
	}
	var locked *Locked
	if err := b.Take(now, "li", "10.0.0.7"); !errors.As(err, &locked) || locked.Wait != firstWait {
		t.Errorf("after %d failures: %v", freeTries, err)
	}
	if err := b.Take(now, "li", "10.0.0.8"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	now = now.Add(firstWait)
	if err := b.Take(now, "li", "10.0.0.7"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	b.Fine("li", "10.0.0.7")
	if err := b.Take(now, "li", "10.0.0.7"); err != nil {
		t.Errorf("after it was right: %v", err)
	}
}
