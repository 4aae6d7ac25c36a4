package rtsp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

// Report is what a camera offers.
type Report struct {
	URL       string        // without secrets
	Server    string        // as the camera names itself, "" if it does not
	Auth      string        // that it asks for: none, basic, digest MD5, digest SHA-256, or several with commas
	Transport Transport     // that worked
	Medias    []MediaReport // everything in the description
	Info      media.Info    // the chosen video; FPS as the parameter sets say it

	// What was measured, over Watched.
	Watched          time.Duration
	Pictures         int
	FPS              float64 // pictures a second of media time
	Keyframes        int
	KeyframeInterval time.Duration // mean; 0 if fewer than two keyframes came
	Bitrate          float64       // bits a second of the video
	PacketsLost      uint64
	// ClockOffset is the camera's clock less ours, by RTCP. ClockKnown says
	// whether the camera told.
	ClockOffset time.Duration
	ClockKnown  bool
	// Problems are worth a technician's attention, in plain words.
	Problems []string
}

// MediaReport is one media of a description.
type MediaReport struct {
	Type   string   // video, audio, application
	Codecs []string // H.264, PCMA/8000, …
	Chosen bool
}

// Probe connects once, by each transport that the Config allows until one works,
// watches the stream for Config.ProbeTime, and hangs up. Its error, an *Error,
// says what was tried and what to do.
func Probe(ctx context.Context, cfg Config) (Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Report{}, err
	}
	addr, err := parseAddress(cfg.URL)
	if err != nil {
		return Report{}, err
	}
	proto := cfg.Transport
	auto := proto == Auto && !addr.secure
	if proto == Auto {
		proto = TCP
	}
	rep, fail, other := probe(ctx, &cfg, addr, proto, auto)
	if fail != nil && auto && other && keep.Sleep(ctx, breather) == nil {
		first := fail
		if rep, fail, _ = probe(ctx, &cfg, addr, swapped(rep.Transport), auto); fail != nil {
			fail = join(first, fail)
		} else {
			rep.Problems = append(rep.Problems, first.text)
		}
	}
	if ctx.Err() != nil && rep.Pictures == 0 {
		return rep, ctx.Err()
	}
	if fail != nil {
		return rep, &Error{Phase: fail.Phase, Status: fail.Status, text: fmt.Sprintf("probe %s: %s. %s", addr, fail.text, advice(fail.Phase, addr))}
	}
	return rep, nil
}

// advice says what to do about a phase.
func advice(p media.Phase, addr *address) string {
	switch p {
	case media.Refused:
		if addr.credentials() {
			return "Check user and password, and that RTSP login is allowed; many cameras lock out for minutes after a few wrong tries"
		}
		return "Put user and password into the URL: rtsp://user:password@host/path"
	case media.NoVideo:
		return "Check the path of the URL in the camera's manual or its ONVIF profiles"
	case media.Unreadable:
		return "Change the video coding in the camera's settings"
	case media.Stalled:
		return "Check the path, the camera's limit of viewers, and firewalls between"
	default:
		return "Check that the camera is on, its address and port, and that RTSP is enabled"
	}
}

// tally is what a probe measures.
type tally struct {
	mu                sync.Mutex
	first, high       time.Duration // of media time
	pictures, keys    int
	firstKey, lastKey time.Duration
	bytes             int
	twoKeys           chan struct{} // closed when as many have come
}

func (t *tally) add(au media.AccessUnit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pictures == 0 {
		t.first = au.PTS
	}
	t.pictures++
	t.bytes += len(au.Data)
	t.high = max(t.high, au.PTS)
	if au.Keyframe {
		if t.keys == 0 {
			t.firstKey = au.PTS
		}
		t.lastKey = au.PTS
		t.keys++
		if t.keys == 2 {
			close(t.twoKeys)
		}
	}
}

func probe(ctx context.Context, cfg *Config, addr *address, proto Transport, auto bool) (Report, *Error, bool) {
	var count counters
	t := &tally{twoKeys: make(chan struct{})}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var began time.Time
	var timers sync.WaitGroup
	s := &session{
		haste: &urgency{},
		cfg:   cfg, addr: addr, proto: proto, count: &count, line: &timeline{},
		swap: auto, wait: cfg.Stall, sink: t.add,
		online: func(progress) {
			if !began.IsZero() {
				return
			}
			began = time.Now()
			timers.Go(func() { watchFor(watching, cfg.ProbeTime, t.twoKeys, stop) })
		},
	}
	fail := s.run(watching)
	stop()
	timers.Wait()
	rep := Report{URL: addr.String(), Transport: s.proto}
	rep.Auth, rep.Server = s.auth.offered()
	rep.Server = addr.secret.text(rep.Server)
	s.report(&rep)
	if fail != nil && began.IsZero() {
		return rep, fail, s.other
	}
	if s.rx != nil {
		p := s.rx.snapshot()
		rep.Info, rep.ClockOffset, rep.ClockKnown = p.info, p.skew, p.skewKnown
	}
	rep.PacketsLost = count.packetsLost.Load()
	t.report(&rep, time.Since(began))
	if s.refused != nil {
		rep.Problems = append(rep.Problems, s.refused.text)
	}
	if fail != nil {
		rep.Problems = append(rep.Problems, "the stream broke off: "+fail.text)
	}
	rep.judge(cfg)
	return rep, nil, false
}

// watchFor ends a probe after d, or later if two keyframes have not come by then.
func watchFor(ctx context.Context, d time.Duration, twoKeys <-chan struct{}, stop func()) {
	defer stop()
	select {
	case <-ctx.Done():
		return
	case <-time.After(d):
	}
	select {
	case <-ctx.Done():
	case <-twoKeys:
	case <-time.After(d):
	}
}

// report tells what the description offers.
func (s *session) report(rep *Report) {
	if s.desc == nil {
		return
	}
	for i, m := range s.desc.Medias {
		mr := MediaReport{Type: shorten(printable(string(m.Type)), 20), Chosen: s.pick.media != nil && i == s.pick.index}
		for _, f := range m.Formats {
			mr.Codecs = append(mr.Codecs, s.addr.secret.text(formatName(f)))
		}
		rep.Medias = append(rep.Medias, mr)
	}
}

func (t *tally) report(rep *Report, watched time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rep.Watched, rep.Pictures, rep.Keyframes = watched, t.pictures, t.keys
	if span := (t.high - t.first).Seconds(); span > 0 && t.pictures > 1 {
		rep.FPS = float64(t.pictures-1) / span
		rep.Bitrate = float64(t.bytes) * 8 / (span + 1/rep.FPS)
	}
	if t.keys > 1 {
		rep.KeyframeInterval = (t.lastKey - t.firstKey) / time.Duration(t.keys-1)
	}
}

// judge names what will trouble the gateway.
func (rep *Report) judge(cfg *Config) {
	add := func(format string, args ...any) { rep.Problems = append(rep.Problems, fmt.Sprintf(format, args...)) }
	if rep.ClockKnown && rep.ClockOffset.Abs() > cfg.MaxSkew {
		add("the camera's clock is off by %v; set its time server", rep.ClockOffset.Round(time.Second))
	}
	if rep.KeyframeInterval > 5*time.Second || (rep.Keyframes < 2 && rep.Watched > 2*cfg.ProbeTime-time.Second) {
		add("keyframes are rare; set the interval to 1 or 2 seconds")
	}
	if rep.PacketsLost > 0 {
		add("%d packets were lost; use transport tcp or a better line", rep.PacketsLost)
	}
}
