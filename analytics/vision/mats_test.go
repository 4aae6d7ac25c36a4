//go:build cgo && matprofile

package main

import (
	"bytes"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// TestNoMatIsLeftOpen holds, with gocv's own count of them, that a process opens no more Mats as it goes on,
// and closes all that it opened.
func TestNoMatIsLeftOpen(t *testing.T) {
	before := gocv.MatProfile.Count()
	t.Run("session", func(t *testing.T) {
		l := newLoop(t, strollers(2), 12*time.Second, loopConfig(true))
		l.skipTo(t, 12*time.Second)
		held := gocv.MatProfile.Count()
		if held <= before {
			t.Fatal("no Mat at all: gocv does not count")
		}
		l.skipTo(t, 36*time.Second)
		if n := gocv.MatProfile.Count(); n != held {
			t.Errorf("%d Mats after 36 s, %d after 12 s", n, held)
		}
	})
	if n := gocv.MatProfile.Count(); n != before {
		var b bytes.Buffer
		_ = gocv.MatProfile.WriteTo(&b, 1)
		t.Errorf("%d Mats are left open:\n%s", n-before, &b)
	}
}
