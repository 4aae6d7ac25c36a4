package driver_test

import (
	"fmt"
	"testing"
	"time"

	"sentrybox/drivers/driver"
)

// TestStrangers: of too many senders those are kept that were heard last.
func TestStrangers(t *testing.T) {
	var tr driver.Tracker
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range driver.MaxStrangers + 5 {
		tr.Stranger(driver.Message{Device: fmt.Sprint(i), At: at.Add(time.Duration(i) * time.Second), Data: []byte{byte(i)}})
	}
	tr.Stranger(driver.Message{Device: "7", At: at.Add(time.Hour), Data: []byte{1, 2}})
	st := tr.State()
	if len(st.Strangers) != driver.MaxStrangers || st.Counts.Discarded != driver.MaxStrangers+6 {
		t.Errorf("%d strangers, %d discarded", len(st.Strangers), st.Counts.Discarded)
	}
	if _, there := st.Strangers["4"]; there {
		t.Error("the one that was heard longest ago is still there")
	}
	if s := st.Strangers["7"]; s.Count != 2 || !s.Heard.Equal(at.Add(time.Hour)) || len(s.Message.Data) != 2 {
		t.Errorf("%+v", s)
	}
}
