package dvrip

import (
	"context"
	"fmt"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/sandbox"
)

// Report is what one stream of a device offers.
type Report struct {
	URL              string // without secrets
	Device           string // as it names its type
	Channels         int    // that it has, 0 if it does not say
	Info             media.Info
	Watched          time.Duration
	Pictures         int
	FPS              float64 // pictures a second that came
	Keyframes        int
	KeyframeInterval time.Duration  // mean; 0 if fewer than two keyframes came
	Bitrate          float64        // bits a second
	Sandbox          sandbox.Report // of the session's process
}

// Probe connects once, watches the stream for Config.ProbeTime, twice that if
// keyframes are rare, and hangs up. Its error is an *Error if the device is at fault.
func Probe(ctx context.Context, cfg Config) (Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Report{}, err
	}
	addr, err := parseAddress(cfg.URL)
	if err != nil {
		return Report{}, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	rep := Report{URL: addr.String()}
	var first, last, firstKey, lastKey time.Time
	var bytes int
	s := &session{cfg: &cfg, addr: addr, line: &timeline{}, count: &counters{}, online: func(media.Info) {}}
	s.sink = func(au media.AccessUnit) {
		if rep.Pictures == 0 {
			first = au.Wall
		}
		rep.Pictures++
		last = au.Wall
		bytes += len(au.Data)
		if au.Keyframe {
			if rep.Keyframes == 0 {
				firstKey = au.Wall
			}
			rep.Keyframes++
			lastKey = au.Wall
		}
		if d := last.Sub(first); d >= 2*cfg.ProbeTime || d >= cfg.ProbeTime && rep.Keyframes > 1 {
			stop()
		}
	}
	fail := s.run(watching)
	if s.hello != nil {
		rep.Device, rep.Channels, rep.Sandbox = s.hello.Device, s.hello.Channels, s.hello.Sandbox
	}
	switch {
	case ctx.Err() != nil && rep.Pictures == 0:
		return rep, ctx.Err()
	case fail != nil && rep.Pictures < 2:
		return rep, &Error{Phase: fail.Phase, Ret: fail.Ret, text: fmt.Sprintf("probe %s: %s", addr, fail.text)}
	}
	rep.Info, rep.Watched = s.info, last.Sub(first)
	if d := rep.Watched.Seconds(); d > 0 {
		rep.FPS = float64(rep.Pictures-1) / d
		rep.Bitrate = float64(bytes) * 8 / d
	}
	if rep.Keyframes > 1 {
		rep.KeyframeInterval = lastKey.Sub(firstKey) / time.Duration(rep.Keyframes-1)
	}
	return rep, nil
}
