package device

import (
	"testing"
	"time"
)

func TestHubThatDoesNotLook(t *testing.T) {
	h, now := &Hub{}, time.Now()
	if d := h.Late(now); d != 0 {
		t.Errorf("before it runs: %v", d)
	}
	h.due = now.Add(time.Second)
	if d := h.Late(now); d != 0 {
		t.Errorf("before it is due: %v", d)
	}
	if d := h.Late(now.Add(time.Minute)); d != 59*time.Second {
		t.Errorf("%v", d)
	}
}
