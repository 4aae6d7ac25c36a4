package call_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/call"
	"sentrybox/drivers/call/calltest"
	"sentrybox/drivers/driver"
)

// loud is a source that hears one call after the other.
type loud struct {
	driver.Tracker
	driver.Life
	say chan struct{}
}

func (l *loud) Run(ctx context.Context, emit func(call.Event)) error {
	ctx, end, err := l.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	l.Opened()
	for {
		select {
		case <-ctx.Done():
			return l.Ended(nil)
		case <-l.say:
			now := time.Now()
			name := now.String()
			emit(call.Event{Kind: call.Begin, Call: call.Clip(name, call.MaxIdentity), From: "1", At: now})
			emit(call.Event{Kind: call.End, Call: call.Clip(name, call.MaxIdentity), From: "1", At: now})
			l.Heard("1")
		}
	}
}

func TestConform(t *testing.T) {
	calltest.Conform(t, func(*testing.T) calltest.Rig {
		l := &loud{say: make(chan struct{}, 1)}
		return calltest.Rig{
			Source: l,
			Say: func() {
				select {
				case l.say <- struct{}{}:
				default:
				}
			},
			Valid: func(e call.Event) bool { return e.From == "1" },
		}
	})
}

func TestCheck(t *testing.T) {
	now := time.Now()
	for _, good := range []call.Event{
		{Kind: call.Emergency, Active: true, From: "4600101", At: now},
		{Kind: call.Digits, Digits: "*911#", At: now},
		{Kind: call.Position, Position: &call.Fix{Lat: 30.5, Lon: 114.3}, At: now},
		{Kind: call.Input, Input: call.DoorForced, Active: true, Station: "door-2", At: now},
	} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []call.Event{
		{At: now}, {Kind: "x", At: now}, {Kind: call.Page}, {Kind: call.Begin, At: now}, {Kind: call.Digits, At: now},
		{Kind: call.Digits, Digits: "G", At: now}, {Kind: call.Text, At: now}, {Kind: call.Text, Text: "\xff", At: now},
		{Kind: call.Input, Input: "Door", At: now}, {Kind: call.Page, Active: true, At: now}, {Kind: call.Page, Lost: true, At: now},
		{Kind: call.Position, At: now}, {Kind: call.Position, Position: &call.Fix{Lat: 91}, At: now},
		{Kind: call.Position, Position: &call.Fix{Lat: math.NaN()}, At: now}, {Kind: call.Page, From: strings.Repeat("1", 65), At: now},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"老王": "老", "abcd": "abcd", "abcdefg": "abcde", "\xff": "?", "": ""} {
		if got := call.Clip(in, 5); got != want {
			t.Errorf("Clip(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRegistry(t *testing.T) {
	r := call.Registry{"loud": call.Make(func(ok bool) (*loud, error) {
		if !ok {
			return nil, errors.New("not ok")
		}
		return &loud{}, nil
	})}
	if s, err := r.New("loud", true); err != nil || s == nil {
		t.Errorf("New = %v, %v", s, err)
	}
	for _, c := range []struct {
		name   string
		config any
		want   string
	}{{"loud", false, "not ok"}, {"loud", 1, "is a int"}, {"x", true, "only [loud]"}} {
		if s, err := r.New(c.name, c.config); err == nil || s != nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, driver.ErrPermanent) {
			t.Errorf("New(%s, %v) = %v, %v", c.name, c.config, s, err)
		}
	}
}
