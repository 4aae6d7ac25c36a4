package rak

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentrybox/drivers/driver"
)

// What AT+PRECV takes: to listen, and to listen and be able to send.
const (
	listenOnly   = "65534"
	listenAndTx  = "65533"
	synchronised = 5 // tries to be understood
	refusals     = 4 // until one is believed
)

// setup has the module listen as it is configured.
func (s *session) setup(ctx context.Context) error {
	s.header, s.idle = nil, false
	if err := s.sync(ctx); err != nil {
		return err
	}
	if mode, err := s.patient(ctx, "AT+NWM=?"); err != nil {
		return s.fatal(err)
	} else if mode != "0" {
		if err := s.switchMode(ctx); err != nil {
			return s.fatal(err)
		}
	}
	version, err := s.command(ctx, "AT+VER=?")
	if err != nil && !isRefusal(err) {
		return err
	}
	// It may still listen, and is busy then.
	if _, err := s.command(ctx, "AT+PRECV=0"); err != nil && !isRefusal(err) {
		return err
	}
	if err := s.radio(ctx); err != nil {
		return s.fatal(err)
	}
	s.precv = listenAndTx
	if !strings.Contains(version, "RUI") && !atLeast3(version) {
		s.precv = listenOnly
	}
	return s.fatal(s.receive(ctx))
}

// atLeast3 tells the first versions of RUI3, which have no name in front, from what
// was before: that ended with V1.0.4.
func atLeast3(version string) bool {
	v := strings.TrimLeft(version, "vV")
	return v != "" && v[0] >= '3' && v[0] <= '9'
}

// sync waits until the module understands.
func (s *session) sync(ctx context.Context) error {
	var err error
	for range synchronised {
		_, err = s.command(ctx, "AT")
		switch {
		case err == nil:
			// An answer to what was on the line before us may still come.
			return s.drain(ctx)
		case errors.Is(err, errRestarted):
			if err := s.drain(ctx); err != nil {
				return err
			}
		case !isRefusal(err) && !errors.Is(err, errNoAnswer):
			return err
		}
	}
	return err
}

// switchMode sets P2P mode. The module restarts, with an OK before or without.
func (s *session) switchMode(ctx context.Context) error {
	_, err := s.command(ctx, "AT+NWM=0")
	if err != nil && !errors.Is(err, errRestarted) && !errors.Is(err, errNoAnswer) {
		return err
	}
	for begun := time.Now(); time.Since(begun) < bootIn; {
		if err := s.drain(ctx); err != nil {
			return err
		}
		var mode string
		if mode, err = s.command(ctx, "AT+NWM=?"); err == nil && mode == "0" {
			return s.drain(ctx)
		}
		if err != nil && !isRefusal(err) && !errors.Is(err, errRestarted) && !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	if err == nil {
		err = driver.Permanent(errors.New("the module does not go into P2P mode"))
	}
	return err
}

// radio writes how the module hears, if it is not so.
func (s *session) radio(ctx context.Context) error {
	want := s.d.cfg.Radio
	have, err := s.patient(ctx, "AT+P2P=?")
	if err != nil {
		return err
	}
	if want.is(have) {
		return nil
	}
	s.d.cfg.Log.Info("a LoRa module is configured", "from", have, "to", want.value(false))
	_, err = s.patient(ctx, "AT+P2P="+want.value(false))
	if r := (*refusal)(nil); errors.As(err, &r) && r.code == "AT_PARAM_ERROR" {
		_, err = s.patient(ctx, "AT+P2P="+want.value(true))
	}
	if err != nil {
		return err
	}
	for range refusals {
		have, err = s.patient(ctx, "AT+P2P=?")
		if err != nil || want.is(have) {
			return err
		}
	}
	return driver.Permanent(fmt.Errorf("the module was set to %s and has %s", want.value(false), have))
}

// receive has the module listen.
func (s *session) receive(ctx context.Context) error {
	_, err := s.patient(ctx, "AT+PRECV="+s.precv)
	if r := (*refusal)(nil); errors.As(err, &r) && r.code == "AT_PARAM_ERROR" && s.precv == listenAndTx {
		s.precv = listenOnly
		_, err = s.patient(ctx, "AT+PRECV="+s.precv)
	}
	if err != nil {
		return err
	}
	s.idle = false
	now, err := s.command(ctx, "AT+PRECV=?")
	if err != nil && !isRefusal(err) {
		return err
	}
	s.blind = now != s.precv
	return nil
}

// patient is command, again while the module is busy, or if noise on the line may have
// changed what it was told.
func (s *session) patient(ctx context.Context, cmd string) (string, error) {
	for try := 1; ; try++ {
		value, err := s.command(ctx, cmd)
		if !isRefusal(err) || try == refusals {
			return value, err
		}
		if err := s.drain(ctx); err != nil {
			return "", err
		}
	}
}

func isRefusal(err error) bool {
	r := (*refusal)(nil)
	return errors.As(err, &r)
}

// fatal makes a refusal one that lasts: the same command will not do better.
func (s *session) fatal(err error) error {
	r := (*refusal)(nil)
	if errors.As(err, &r) && r.code != "AT_BUSY_ERROR" {
		return driver.Permanent(err)
	}
	return err
}

// listen takes what the module hears, until the line ends or the module restarts.
func (s *session) listen(ctx context.Context) error {
	check := time.NewTimer(checkIdle)
	defer check.Stop()
	for {
		if s.idle {
			if err := s.receive(ctx); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.broken:
			return err
		case text := <-s.in:
			if s.take(text).kind == banner {
				return errRestarted
			}
		case r := <-s.requests:
			err := s.send(ctx, r.data)
			r.done <- err
			if err != nil && !isRefusal(err) {
				return err
			}
		case <-check.C:
			if err := s.check(ctx); err != nil {
				return err
			}
		}
		check.Reset(checkIdle)
	}
}

// check asks whether the module still listens. Noise may cost an answer, so one
// that is missing is asked for again.
func (s *session) check(ctx context.Context) error {
	cmd := "AT+PRECV=?"
	if s.blind {
		cmd = "AT"
	}
	var value string
	var err error
	for range 3 {
		value, err = s.command(ctx, cmd)
		if !errors.Is(err, errNoAnswer) {
			break
		}
	}
	switch {
	case isRefusal(err):
		return nil
	case err != nil:
		return err
	case !s.blind && value != s.precv:
		return errRestarted
	}
	return nil
}
