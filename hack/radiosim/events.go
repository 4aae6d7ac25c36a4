package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"sentrybox/drivers/isapi/isapitest"
	"sentrybox/drivers/onvif/onviftest"
)

// eventsCmd is a device whose event stream says one thing after the other, over and over.
type eventsCmd struct {
	Listen   string        `default:"127.0.0.1:8081" help:"Where it listens."`
	User     string        `default:"admin" help:"Who may ask."`
	Password string        `required:"" env:"RADIOSIM_PASSWORD" help:"With which password."`
	Every    time.Duration `default:"10s" help:"Between two events."`
	Times    int           `help:"How many events; without end if 0."`

	Events []string `arg:"" optional:"" default:"tamper,tamper-off" help:"What it says: input, input-off, tamper, tamper-off, forced, closed, held, bell, duress."`
}

// isapiEvents are the parts of Hikvision's stream. n makes each one of its own.
func isapiEvents() map[string]func(n int) []byte {
	xml := func(kind, state, more string) func(int) []byte {
		return func(int) []byte { return isapitest.XML(kind, state, 1, more) }
	}
	access := func(major, minor int) func(int) []byte {
		return func(n int) []byte { return isapitest.Access(major, minor, 1, n) }
	}
	return map[string]func(int) []byte{
		"input": xml("IO", "active", "<inputIOPortID>1</inputIOPortID>"), "input-off": xml("IO", "inactive", "<inputIOPortID>1</inputIOPortID>"),
		"tamper": access(1, 0x404), "tamper-off": access(1, 0x405), "forced": access(5, 0x1b), "closed": access(5, 0x1a), "held": access(5, 0x1c),
		"bell": access(5, 0x25), "duress": access(1, 0x40a),
	}
}

// onvifEvents are topic, source, token, name and value.
func onvifEvents() map[string][5]string {
	input, scene, door := "tns1:Device/Trigger/DigitalInput", "tns1:VideoSource/GlobalSceneChange/ImagingService", "tns1:Door/State/DoorAlarm"
	return map[string][5]string{
		"input": {input, "InputToken", "1", "LogicalState", "true"}, "input-off": {input, "InputToken", "1", "LogicalState", "false"},
		"tamper": {scene, "Source", "1", "State", "true"}, "tamper-off": {scene, "Source", "1", "State", "false"},
		"forced": {door, "DoorToken", "1", "State", "DoorForcedOpen"}, "held": {door, "DoorToken", "1", "State", "DoorOpenTooLong"}, "closed": {door, "DoorToken", "1", "State", "Normal"},
		"duress": {"tns1:AccessControl/Duress", "AccessPointToken", "1", "Reason", "Duress"},
	}
}

func (c *eventsCmd) isapi(ctx context.Context, out io.Writer) error {
	s := &isapitest.Server{Address: c.Listen, User: c.User, Password: c.Password}
	if err := s.Start(); err != nil {
		return err
	}
	defer s.Close()
	all := isapiEvents()
	return c.loop(ctx, out, slices.Collect(maps.Keys(all)), func(name string, n int) { s.Say(all[name](n)) })
}

func (c *eventsCmd) onvif(ctx context.Context, out io.Writer) error {
	s := &onviftest.Server{Address: c.Listen, User: c.User, Password: c.Password, Manufacturer: "Radiosim", Model: "Events", Events: &onviftest.Events{}}
	if err := s.Start(); err != nil {
		return err
	}
	defer s.Close()
	all := onvifEvents()
	return c.loop(ctx, out, slices.Collect(maps.Keys(all)), func(name string, _ int) {
		e := all[name]
		s.Events.Notify(e[0], e[1], e[2], e[3], e[4], time.Now())
	})
}

// loop says one event after the other.
func (c *eventsCmd) loop(ctx context.Context, out io.Writer, known []string, say func(string, int)) error {
	for _, name := range c.Events {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			return fmt.Errorf("no event %q, only %s", name, strings.Join(known, ", "))
		}
	}
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for n := 1; c.Times == 0 || n <= c.Times; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		name := c.Events[(n-1)%len(c.Events)]
		say(name, n)
		if _, err := fmt.Fprintln(out, name); err != nil {
			return err
		}
	}
	return nil
}
