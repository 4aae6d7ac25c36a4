package dvrip

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/netfail"
)

// session is one connection to a device and its process.
type session struct {
	cfg    *Config
	addr   address
	line   *timeline
	count  *counters
	again  bool // pictures were handed on before
	sink   func(media.AccessUnit)
	online func(media.Info) // when pictures begin, and when they change

	hello    *hello // nil before the login
	began    time.Time
	last     time.Time
	info     media.Info
	pictures int
	expired  atomic.Pointer[Error] // why time ran out
}

// run holds the session until it fails or ctx ends; then it returns nil.
func (s *session) run(ctx context.Context) *Error {
	dialling, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	conn, err := s.cfg.Dial(dialling, "tcp", s.addr.host)
	cancel()
	if ctx.Err() != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil
	}
	if err != nil {
		return failed(media.Unreachable, "connect to %s: %s", s.addr, explainNetwork(err))
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return failed(media.Unreachable, "the connection cannot be handed on")
	}
	p, err := spawn(s.cfg.Process, tcp, order{
		User: s.addr.user, Password: s.addr.password, Channel: s.addr.channel, Stream: s.addr.streamType(), MaxFrame: s.cfg.MaxFrame,
		Timeout: s.cfg.Timeout,
	})
	_ = tcp.Close() // the process has it
	if err != nil {
		return failed(media.Unreachable, "start the session's process: %v", err)
	}
	stop := context.AfterFunc(ctx, p.kill)
	fail := s.read(p)
	stop()
	exit := p.close()
	switch {
	case ctx.Err() != nil:
		return nil
	case s.expired.Load() != nil:
		return s.expired.Load()
	case fail != nil:
		return fail
	}
	s.count.crashes.Add(1)
	return failed(media.Unreachable, "the session's process failed: %v %s", exit, s.redact(p.said))
}

// read takes what the process tells until it ends. It returns nil if the process
// did not say why.
func (s *session) read(p *process) *Error {
	s.began = time.Now()
	timer := time.AfterFunc(s.cfg.Timeout, func() { s.expire(p, "no answer to the login within %v", s.cfg.Timeout) })
	defer func() { timer.Stop() }()
	for {
		rec, err := readRecord(p.read, s.cfg.MaxFrame+maxExtra)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, os.ErrClosed) {
				return failed(media.Unreachable, "the session's process is not understood: %v", err)
			}
			return nil
		}
		switch rec.kind {
		case recordHello:
			h := &hello{}
			if err := json.Unmarshal(rec.text, h); err != nil || s.hello != nil {
				return failed(media.Unreachable, "the session's process is not understood")
			}
			h.Device = printable(h.Device)
			s.hello = h
			timer.Stop()
			wait := s.cfg.KeyframeWait
			timer = time.AfterFunc(wait, func() { s.expire(p, "logged in, but no picture that can be shown for %v", wait) })
		case recordEnd:
			return s.ended(rec.text)
		case recordPicture:
			if s.hello == nil {
				return failed(media.Unreachable, "the session's process is not understood")
			}
			timer.Stop()
			s.take(rec.picture)
			timer = time.AfterFunc(s.cfg.Stall, func() { s.expire(p, "no picture for %v", s.cfg.Stall) })
		}
	}
}

// maxExtra is what parameter sets may add to a picture.
const maxExtra = 256 << 10

func (s *session) expire(p *process, format string, args ...any) {
	e := failed(media.Stalled, format, args...)
	if s.expired.CompareAndSwap(nil, e) {
		p.kill()
	}
}

func (s *session) ended(text []byte) *Error {
	var e end
	if err := json.Unmarshal(text, &e); err != nil {
		return failed(media.Unreachable, "the session's process is not understood")
	}
	s.count.damaged.Add(e.Damaged)
	s.count.undecodable.Add(e.Waiting)
	fail := &Error{Phase: e.Phase, Ret: e.Ret, text: s.redact(printableLine(e.Text))}
	switch e.Phase {
	case media.Refused, media.NoVideo, media.Unreadable, media.Stalled, media.Unreachable:
	default:
		fail.Phase = media.Unreachable
	}
	return fail
}

// redact hides the password in what the process says, whatever came over it.
func (s *session) redact(text string) string {
	if s.addr.password == "" {
		return text
	}
	return strings.NewReplacer(s.addr.password, "***", Hash(s.addr.password), "***").Replace(text)
}

func (s *session) take(pic picture) {
	now := time.Now()
	au := media.AccessUnit{Codec: pic.codec, Keyframe: pic.key, Gap: pic.gap, Wall: now, Data: pic.data}
	au.PTS = s.line.at(now, pic.fps)
	if s.pictures == 0 {
		au.Gap = s.again
	}
	s.pictures++
	s.last = now
	s.count.accessUnits.Add(1)
	s.count.bytes.Add(uint64(len(au.Data)))
	if au.Keyframe {
		s.count.keyframes.Add(1)
	}
	info := media.Info{Codec: pic.codec, Width: pic.width, Height: pic.height, FPS: float64(pic.fps), Transport: "tcp"}
	if s.pictures == 1 || info != s.info {
		s.info = info
		s.online(info)
	}
	s.sink(au)
}

func explainNetwork(err error) string {
	if why := netfail.Explain(err); why != "" {
		return why
	}
	return err.Error()
}
