package alert

import (
	"testing"
	"time"
)

func TestClocksThatNobodyLooksAt(t *testing.T) {
	s := &Service{}
	if err := s.Clocks(); err != nil {
		t.Errorf("before it runs: %v", err)
	}
	s.looked = time.Now()
	if err := s.Clocks(); err != nil {
		t.Error(err)
	}
	s.looked = time.Now().Add(-3 * lookEvery)
	if s.Clocks() == nil {
		t.Error("clocks that nobody looks at are well")
	}
}
