package driver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
)

type fake struct {
	driver.Tracker
	driver.Life
}

func (f *fake) Run(ctx context.Context, _ func(driver.Message)) error {
	ctx, end, err := f.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	<-ctx.Done()
	return f.Ended(nil)
}

type config struct{ ok bool }

func newFake(c config) (*fake, error) {
	if !c.ok {
		return nil, errors.New("not ok")
	}
	return &fake{}, nil
}

func TestRegistry(t *testing.T) {
	r := driver.Registry{"fake": driver.Make(newFake), "b": driver.Make(newFake)}
	if d, err := r.New("fake", config{ok: true}); err != nil || d == nil {
		t.Errorf("New = %v, %v", d, err)
	}
	for _, c := range []struct {
		name   string
		config any
		want   string
	}{
		{"fake", config{}, "not ok"},
		{"fake", 7, "configuration is a int"},
		{"other", config{}, `no driver "other", only [b fake]`},
	} {
		d, err := r.New(c.name, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, driver.ErrPermanent) || d != nil {
			t.Errorf("New(%q, %v) = %v, %v; want no driver and %q", c.name, c.config, d, err, c.want)
		}
	}
}

func TestSinceStaysWithinAPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr driver.Tracker
		if s := tr.State(); s.Phase != driver.Loaded {
			t.Errorf("fresh: %q", s.Phase)
		}
		tr.Opened()
		begin := time.Now()
		time.Sleep(time.Second)
		tr.Enter(driver.Silent, "still")
		if s := tr.State(); !s.Since.Equal(begin) || s.Reason != "still" {
			t.Errorf("the same phase again: %+v, want since %v", s.Status, begin)
		}
		tr.Heard("3")
		tr.Device("4", driver.Silent, "no answer")
		s := tr.State()
		if s.Phase != driver.Online || s.Devices["3"].Phase != driver.Online || s.Devices["4"].Phase != driver.Silent {
			t.Errorf("one dead device on a bus: %+v", s)
		}
		if !s.Since.Equal(begin.Add(time.Second)) || s.Counts != (driver.Counts{Messages: 1, Opened: 1}) {
			t.Errorf("state %+v", s)
		}
	})
}

func TestTrackerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr driver.Tracker
		for i := range driver.MaxDevices + 10 {
			tr.Heard(fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		s := tr.State()
		if _, old := s.Devices["9"]; old || len(s.Devices) != driver.MaxDevices {
			t.Errorf("%d devices, the oldest kept: %v", len(s.Devices), old)
		}
	})
}

func TestEnded(t *testing.T) {
	for _, c := range []struct {
		err  error
		want driver.Phase
	}{
		{nil, driver.Stopped},
		{driver.Skip("no GPIO"), driver.Skipped},
		{driver.Permanent(errors.New("not a port")), driver.Failed},
	} {
		var tr driver.Tracker
		if err := tr.Ended(c.err); !errors.Is(err, c.err) {
			t.Errorf("Ended(%v) = %v", c.err, err)
		}
		if s := tr.State(); s.Phase != c.want {
			t.Errorf("after %v: %q, want %q", c.err, s.Phase, c.want)
		}
	}
}

func TestHaltBeforeRun(t *testing.T) {
	f := &fake{}
	if err := f.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context(), nil); !errors.Is(err, driver.ErrHalted) {
		t.Errorf("Run = %v, want halted", err)
	}
}
