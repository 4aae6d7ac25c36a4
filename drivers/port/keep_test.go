package port_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/port"
)

func TestKeepBacksOffWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tries := 0
		var tr driver.Tracker
		err := port.Keep(ctx, func(context.Context) (port.Port, error) {
			tries++
			return nil, port.ErrUnplugged
		}, &tr, nil)
		// 0, 0.25, 0.75, 1.75, 3.75, 7.75, then every 5 s
		if err != nil || tries != 16 {
			t.Errorf("%d tries in a minute, %v; want 16", tries, err)
		}
		if s := tr.State(); s.Phase != driver.Unplugged || s.Reason == "" {
			t.Errorf("state %+v", s)
		}
	})
}

func TestKeepEndsForGood(t *testing.T) {
	var tr driver.Tracker
	line := drivertest.NewLine()
	cause := errors.New("wrong firmware")
	err := port.Keep(t.Context(), line.Open, &tr, func(context.Context, port.Port) error { return driver.Permanent(cause) })
	if !errors.Is(err, cause) {
		t.Errorf("Keep = %v, want %v", err, cause)
	}
	if _, err := line.Open(t.Context()); err != nil {
		t.Errorf("the line was left open: %v", err)
	}
}

func TestKeepReopensAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr driver.Tracker
		line := drivertest.NewLine()
		begin := time.Now()
		done := errors.New("done")
		err := port.Keep(t.Context(), line.Open, &tr, func(context.Context, port.Port) error {
			if line.Opened() < 3 {
				return port.ErrReopen
			}
			return driver.Permanent(done)
		})
		if !errors.Is(err, done) || time.Since(begin) != 0 {
			t.Errorf("Keep = %v after %v", err, time.Since(begin))
		}
		if s := tr.State(); s.Phase != driver.Silent || s.Counts.Opened != 1 {
			t.Errorf("an intended reopening is news: %+v", s)
		}
	})
}
