package app

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/gateway/camera"
	"sentrybox/gateway/config"
	"sentrybox/gateway/lookback"
)

// TestPastOutlivesRules: what is kept of a camera outlives a change of its rules, and not one of its
// address; a camera that may not be kept is not.
func TestPastOutlivesRules(t *testing.T) {
	var p pasts
	t.Cleanup(p.store.Close)
	if err := p.store.Set(lookback.Options{Bytes: 1 << 20, Age: time.Hour}); err != nil {
		t.Fatal(err)
	}
	c := crewOf("a", "rtsp://127.0.0.1:1/a")
	if p.of(&c) != nil {
		t.Error("it is kept, and may not be")
	}
	c.Past = true
	first := p.of(&c)
	now := time.Now()
	first.Add(media.AccessUnit{Codec: media.H264, Wall: now, Keyframe: true, Data: []byte("one")})
	c.Camera.Detect = []config.Rule{{Kind: "motion"}}
	if p.of(&c) != first {
		t.Fatal("other rules forget it")
	}
	first.Add(media.AccessUnit{Codec: media.H264, Wall: now.Add(time.Second), Keyframe: true, Data: []byte("two")})
	read := recently{func() *camera.Camera { return &camera.Camera{Past: first} }}.Read(time.Time{})
	for i, want := range []string{"one", "two"} {
		if au, err := read(); err != nil || !bytes.Equal(au.Data, []byte(want)) || !au.Gap { // both begin a session
			t.Errorf("%d: %+v, %v", i, au, err)
		}
	}
	if _, err := read(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	c.Camera.URL = config.NewURL("rtsp://127.0.0.1:1/other")
	second := p.of(&c)
	if from, _ := second.Span(); second == first || !from.IsZero() {
		t.Error("another address has the old one's past")
	}
	c.Past = false
	if p.of(&c) != nil || len(p.logs) != 0 {
		t.Error("it is kept still")
	}
}

// TestWhatMayBeKept: what is written to a disk is of cameras that keep clips.
func TestWhatMayBeKept(t *testing.T) {
	a := &App{Vision: "/nonexistent", Log: slog.New(slog.DiscardHandler)}
	for on, want := range map[string]bool{config.LookbackMemory: true, config.LookbackDisk: false} {
		c := config.Defaults()
		c.Lookback.On = on
		c.Cameras = []config.Camera{{ID: "a", Clips: "never"}, {ID: "b", Clips: "always"}}
		if crews := a.crews(&c); crews[0].Past != want || !crews[1].Past {
			t.Errorf("%s: %v, %v", on, crews[0].Past, crews[1].Past)
		}
	}
}
