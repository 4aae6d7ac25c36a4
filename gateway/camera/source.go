package camera

import (
	"context"
	"strings"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
	"sentrybox/drivers/rtsp"
)

// newSource returns the driver that the scheme of a camera's URL asks for.
func newSource(cfg rtsp.Config) (Source, error) {
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(cfg.URL)), "dvrip://") {
		return rtsp.New(cfg)
	}
	s, err := dvrip.New(dvrip.Config{URL: cfg.URL, Log: cfg.Log, OnState: cfg.OnState})
	if err != nil {
		return nil, err
	}
	drained := cfg.OnDrained
	if drained == nil {
		drained = func() {}
	}
	return &dvripSource{s, drained}, nil
}

// dvripSource counts in the words of drivers/rtsp, and hands on what it has as it comes.
type dvripSource struct {
	*dvrip.Source
	drained func()
}

func (s *dvripSource) Run(ctx context.Context, sink func(media.AccessUnit)) error {
	return s.Source.Run(ctx, func(au media.AccessUnit) {
		sink(au)
		s.drained()
	})
}

func (*dvripSource) Relax(time.Duration) {}

func (s *dvripSource) Stats() rtsp.Stats {
	n := s.Source.Stats()
	return rtsp.Stats{
		AccessUnits: n.AccessUnits, Keyframes: n.Keyframes, Bytes: n.Bytes, Damaged: n.Damaged,
		Undecodable: n.Undecodable, DecodeErrors: n.Crashes, Reconnects: n.Reconnects,
	}
}
