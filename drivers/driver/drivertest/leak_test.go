package drivertest

import (
	"bytes"
	"context"
	"runtime/pprof"
	"testing"
)

// The suite would see a goroutine that Run has left behind.
func TestLeaksAreSeen(t *testing.T) {
	release := make(chan struct{})
	pprof.Do(t.Context(), pprof.Labels(label, t.Name()), func(context.Context) { go func() { <-release }() })
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(profile.Bytes(), []byte(`"drivertest":"TestLeaksAreSeen"`)) {
		t.Errorf("a goroutine with the label is not in the profile:\n%s", &profile)
	}
	close(release)
	noneLeft(t)
}
