package drivertest_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver/drivertest"
)

func write(t *testing.T, w io.Writer, b ...byte) {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
}

// What is recorded of a talk is played back as it was.
func TestRecordAndPlay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := drivertest.NewLine()
		var text bytes.Buffer
		p, err := drivertest.Record(line.Open, &text)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Millisecond)
		write(t, p, 1, 3)
		time.Sleep(31 * time.Millisecond)
		line.Write([]byte{1, 0x83, 2})
		if _, err := io.ReadFull(p, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		want := "+12ms > 01 03\n+31ms < 01 83 02\n"
		if text.String() != want {
			t.Errorf("recorded %q, want %q", text.String(), want)
		}
		steps, err := drivertest.ParseRecording(append([]byte("# a talk\n\n"), text.Bytes()...))
		if err != nil || len(steps) != 2 {
			t.Fatalf("%+v, %v", steps, err)
		}

		line = drivertest.NewLine()
		played := make(chan error, 1)
		p, _ = line.Open(t.Context())
		go func() { played <- drivertest.Play(line, steps) }()
		write(t, p, 1, 3)
		begin := time.Now()
		got := make([]byte, 3)
		if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, []byte{1, 0x83, 2}) || time.Since(begin) != 31*time.Millisecond {
			t.Errorf("played % x after %v, %v", got, time.Since(begin), err)
		}
		if err := <-played; err != nil {
			t.Error(err)
		}
		go func() { played <- drivertest.Play(line, steps) }()
		write(t, p, 1, 4)
		if err := <-played; err == nil || !strings.Contains(err.Error(), "sent 01 04, want 01 03") {
			t.Errorf("another request: %v", err)
		}
	})
}

func TestParseRecordingRefuses(t *testing.T) {
	for _, bad := range []string{"x", "+1ms 00", "+1ms ? 00", "1ms < 00", "+1 < 00", "+1ms < 0", "+1ms < zz", "+-1ms < 00"} {
		if steps, err := drivertest.ParseRecording([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, steps)
		}
	}
}
