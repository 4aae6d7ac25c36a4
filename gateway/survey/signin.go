package survey

import (
	"context"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"sentrybox/gateway/config"
	"sentrybox/gateway/find"
)

// Account is a user of devices, and how far to go with it.
type Account struct {
	User     string
	Password config.Secret
	Plain    bool // let ONVIF send the password in clear, as the last way
	Channels int  // of a recorder that are looked at; 1 if 0
}

// SignIn tries one account at several devices. It returns ErrUnknown if there are none, or
// one that has not been found.
func (s *Survey) SignIn(addrs []netip.Addr, a Account) error {
	if len(addrs) == 0 {
		return ErrUnknown
	}
	s.mu.Lock()
	for _, addr := range addrs {
		if s.devices[addr] == nil {
			s.mu.Unlock()
			return ErrUnknown
		}
	}
	s.mu.Unlock()
	return s.begin(SigningIn, "", len(addrs), func(ctx context.Context) error {
		for _, addr := range addrs {
			s.signing(addr, true)
		}
		var g errgroup.Group
		g.SetLimit(signInAtOnce)
		for _, addr := range addrs {
			g.Go(func() error {
				s.signIn(ctx, addr, a)
				return nil
			})
		}
		_ = g.Wait()
		return ctx.Err()
	})
}

// signing notes that a device is waited for, and forgets what came of it before.
func (s *Survey) signing(addr netip.Addr, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[addr]
	d.SigningIn = on
	if on {
		d.Result, d.pictures = nil, nil
	}
}

func (s *Survey) signIn(ctx context.Context, addr netip.Addr, a Account) {
	defer s.signing(addr, false)
	s.mu.Lock()
	candidate, template := s.devices[addr].Candidate, s.devices[addr].Template
	s.mu.Unlock()
	res := find.SignIn(ctx, candidate, find.SignInOptions{
		User: a.User, Password: a.Password, Plain: a.Plain, Templates: s.Templates, Template: template, Channels: a.Channels,
		Process: s.Process, Watch: s.Watch,
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.job.Done++
	d := s.devices[addr]
	d.Result, d.signedIn, d.pictures = &res, s.Now(), map[int][]byte{}
}

// Still returns a picture of a channel of a device that was signed in to, a JPEG: of the
// stream that suits analysis, as browsers are sent. It returns ErrUnknown.
func (s *Survey) Still(ctx context.Context, addr netip.Addr, channel int) ([]byte, error) {
	c, err := s.Camera(addr, channel)
	if err != nil {
		return nil, err
	}
	select {
	case s.taking <- struct{}{}:
		defer func() { <-s.taking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	jpeg := s.devices[addr].pictures[channel]
	s.mu.Unlock()
	if jpeg != nil {
		return jpeg, nil
	}
	at := c.Main
	if c.Detect >= 0 {
		at = c.Detect
	}
	if jpeg, err = s.Picture(ctx, c.Streams[at].URL); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.devices[addr].pictures; p != nil {
		p[channel] = jpeg
	}
	return jpeg, nil
}
