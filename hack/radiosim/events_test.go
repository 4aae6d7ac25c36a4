package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/isapi"
	"sentrybox/drivers/onvif"
	"sentrybox/hack/spawn"
)

// TestEvents has the real sources hear the simulators.
func TestEvents(t *testing.T) {
	for _, kind := range []string{"isapi", "onvif"} {
		t.Run(kind, func(t *testing.T) {
			port, err := spawn.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			at := fmt.Sprintf("127.0.0.1:%d", port)
			c := &eventsCmd{Listen: at, User: "admin", Password: "x", Every: 20 * time.Millisecond, Events: []string{"forced", "closed", "input", "input-off"}}
			ctx, cancel := context.WithCancel(context.Background())
			var work sync.WaitGroup
			defer work.Wait()
			defer cancel()
			work.Go(func() {
				run := map[string]func(context.Context, *bytes.Buffer) error{
					"isapi": func(ctx context.Context, b *bytes.Buffer) error { return c.isapi(ctx, b) },
					"onvif": func(ctx context.Context, b *bytes.Buffer) error { return c.onvif(ctx, b) },
				}[kind]
				if err := run(ctx, &bytes.Buffer{}); err != nil {
					t.Error(err)
				}
			})
			var source call.Source
			if kind == "isapi" {
				source, err = isapi.New(isapi.Config{URL: "http://" + at, User: "admin", Password: "x"})
			} else {
				source, err = onvif.NewListener(onvif.EventsConfig{Config: onvif.Config{Address: at, User: "admin", Password: "x"}})
			}
			if err != nil {
				t.Fatal(err)
			}
			heard := make(chan call.Event, 1000)
			work.Go(func() {
				_ = source.Run(ctx, func(e call.Event) {
					select {
					case heard <- e:
					default:
					}
				})
			})
			want := map[string]bool{call.DoorForced: false, call.Alarm: false}
			for deadline := time.After(time.Minute); !want[call.DoorForced] || !want[call.Alarm]; {
				select {
				case e := <-heard:
					want[e.Input] = want[e.Input] || e.Active
				case <-deadline:
					t.Fatalf("heard %v", want)
				}
			}
		})
	}
	c := &eventsCmd{Listen: "127.0.0.1:0", User: "a", Password: "b", Every: time.Second, Events: []string{"fire"}}
	if err := c.isapi(t.Context(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "only bell") {
		t.Errorf("%v", err)
	}
}
