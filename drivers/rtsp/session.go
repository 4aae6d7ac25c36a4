package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

const (
	goodbye  = time.Second     // for a polite end of a session
	byeGrace = 2 * time.Second // that pictures may still come after RTCP BYE
)

// session is one connection to a camera, from dialling to hanging up.
type session struct {
	cfg    *Config
	addr   *address
	proto  Transport // TCP or UDP, of which the other is tried too if swap is set
	swap   bool
	wait   time.Duration // for the first packet
	count  *counters
	line   *timeline
	haste  *urgency
	again  bool // pictures were handed on before
	sink   func(media.AccessUnit)
	online func(progress) // called when pictures begin, and when Info changes

	client  *gortsplib.Client
	wire    *wire
	auth    *authenticator
	sets    map[int][][]byte // of the description, by media
	desc    *description.Session
	pick    choice
	rx      *receiver
	polls   atomic.Bool           // the connection says when it is drained
	broken  atomic.Pointer[Error] // our own failure on the camera's bytes
	bye     atomic.Bool
	began   time.Time // of playing
	other   bool      // the other transport may do better
	refused *Error    // what the camera said to the transport that was tried first
	misled  bool      // the camera answered with a transport that was not asked for
	silent  bool      // it agreed, and sent nothing
	turn    turn
	tasks   sync.WaitGroup
}

// run holds the session until it fails or ctx ends. It returns nil only when ctx
// ended.
func (s *session) run(ctx context.Context) *Error {
	s.wire = newWire(s.cfg, s.addr, s.swap || s.proto == UDP)
	s.haste.playing.Store(false)
	if s.cfg.Poller != nil {
		s.wire.adopt = s.adopt
	}
	s.auth = &authenticator{}
	if u := s.addr.url.User; u != nil {
		s.auth.user = u.Username()
		s.auth.pass, _ = u.Password()
	}
	s.client = s.newClient()
	if err := s.client.Start(); err != nil {
		return explain("start", err, s.addr)
	}
	err := s.start(ctx)
	if err == nil {
		err = s.watch(ctx)
	}
	s.hangUp()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// adopt has a connection polled.
func (s *session) adopt(conn net.Conn) net.Conn {
	c := s.cfg.Poller.adopt(conn, s.haste, s.cfg.OnDrained)
	_, polls := c.(*polled)
	s.polls.Store(polls)
	return c
}

func (s *session) newClient() *gortsplib.Client {
	// Its own time-outs are a second net under ours.
	wait := 2*max(s.cfg.Timeout, s.cfg.Stall, s.wait) + time.Second
	return &gortsplib.Client{
		Scheme:                s.addr.url.Scheme,
		Host:                  s.addr.url.Host,
		Protocol:              protocol(s.proto),
		ReadTimeout:           wait,
		InitialUDPReadTimeout: wait,
		WriteTimeout:          s.cfg.Timeout,
		UserAgent:             "sentrybox",
		TLSConfig: &tls.Config{
			ServerName:         s.addr.host,
			RootCAs:            s.cfg.RootCAs,
			InsecureSkipVerify: s.cfg.InsecureTLS, // the user's choice for this camera
			MinVersion:         tls.VersionTLS12,
		},
		DialContext:       s.wire.dial,
		ListenPacket:      listenPacket,
		OnRequest:         s.auth.onRequest,
		OnResponse:        s.onResponse,
		OnTransportSwitch: func(error) {},
		OnPacketsLost:     func(uint64) {}, // the receiver counts for itself
		OnDecodeError:     func(error) { s.count.decodeErrors.Add(1) },
	}
}

func protocol(t Transport) *gortsplib.Protocol {
	p := gortsplib.ProtocolTCP
	if t == UDP {
		p = gortsplib.ProtocolUDP
	}
	return &p
}

func (s *session) onResponse(res *base.Response) {
	s.turn.again()
	s.auth.onResponse(res)
	if ct := res.Header["Content-Type"]; len(ct) == 1 && strings.HasPrefix(ct[0], "application/sdp") {
		res.Body, s.sets = mend(res.Body)
	}
}

// start does everything up to the first packet.
func (s *session) start(ctx context.Context) *Error {
	err := s.step(ctx, "connect to "+s.addr.String(), func() (err error) {
		s.desc, _, err = s.client.Describe(s.addr.url)
		return err
	})
	if err != nil {
		return err
	}
	var e *Error
	if s.pick, e = choose(s.desc); e != nil {
		e.text = s.addr.secret.text(e.text)
		return e
	}
	// The library goes on with a nil URL here, and panics if it has a password
	// to send with it.
	if u, err := s.pick.media.URL(s.desc.BaseURL); err != nil || u == nil {
		return &Error{Phase: media.NoVideo, text: "the camera describes its video with an address that is none"}
	}
	if e = s.setup(ctx); e != nil {
		return e
	}
	info := media.Info{Codec: s.pick.codec, Transport: string(s.proto), Secure: s.addr.secure}
	s.rx = newReceiver(s.pick.codec, s.pick.format.ClockRate(), info, s.sets[s.pick.index], s.line, s.count, s.cfg, s.again)
	s.listen()
	e = s.step(ctx, "play over "+string(s.proto), func() error {
		_, err := s.client.Play(nil)
		return err
	})
	s.haste.playing.Store(e == nil)
	return e
}

// setup asks for the video over the session's transport, and for the other one
// if the camera says no.
func (s *session) setup(ctx context.Context) *Error {
	e := s.step(ctx, "set up "+string(s.proto), s.ask)
	if e == nil || !s.swap || !s.other || (e.Status == 0 && !s.misled) {
		return e
	}
	s.proto = swapped(s.proto)
	s.client.Protocol = protocol(s.proto) // it is read with the next request
	second := s.step(ctx, "set up "+string(s.proto), s.ask)
	if second == nil {
		s.other, s.refused = false, e
		return nil
	}
	s.proto = swapped(s.proto)
	return join(e, second)
}

// ask sends one SETUP. It chooses UDP ports itself: left alone, the library tries for ever when
// none can be had.
func (s *session) ask() error {
	if s.proto != UDP {
		_, err := s.client.Setup(s.desc.BaseURL, s.pick.media, 0, 0)
		return err
	}
	var err error
	for range 16 {
		port := 10000 + 2*rand.IntN((65534-10000)/2) // a port is no secret
		_, err = s.client.Setup(s.desc.BaseURL, s.pick.media, port, port+1)
		if !isAddressInUse(err) {
			break
		}
	}
	return err
}

// listen connects the library's callbacks with the receiver.
func (s *session) listen() {
	medi, forma := s.pick.media, s.pick.format
	polls := s.polls.Load() && s.proto == TCP
	s.rx.ntp = func(ts uint32) (time.Time, bool) {
		return s.client.PacketNTP(medi, &rtp.Packet{Header: rtp.Header{PayloadType: forma.PayloadType(), Timestamp: ts}})
	}
	s.client.OnPacketRTP(medi, forma, func(p *rtp.Packet) {
		if s.broken.Load() != nil {
			return
		}
		units, err := s.rx.take(p)
		if err != nil {
			s.broken.Store(&Error{Phase: media.Unreachable, text: s.addr.secret.text(err.Error())})
			return
		}
		for i := range units {
			s.count.accessUnits.Add(1)
			s.count.bytes.Add(uint64(len(units[i].Data)))
			if units[i].Keyframe {
				s.count.keyframes.Add(1)
			}
			s.sink(units[i])
		}
		if s.cfg.Transient && len(units) > 0 {
			s.rx.done()
		}
		s.haste.byClock.Store(s.line.byClock)
		if len(units) > 0 && !polls {
			s.cfg.OnDrained()
		}
	})
	s.client.OnPacketRTCP(medi, func(p rtcp.Packet) {
		if _, ok := p.(*rtcp.Goodbye); ok {
			s.bye.Store(true)
		}
	})
}

// step runs one request, and once more if the camera only wanted a newer nonce. Each
// answer has its time: a request may be several, with OPTIONS before and a login after.
func (s *session) step(ctx context.Context, what string, f func() error) *Error {
	var late atomic.Bool
	s.turn.begin(s.cfg.Timeout, func() {
		late.Store(true)
		s.wire.cut()
	})
	defer s.turn.end()
	stop := context.AfterFunc(ctx, s.wire.cut)
	defer stop()
	err := f()
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) && status.Code == base.StatusUnauthorized && s.auth.retry() {
		err = f()
	}
	switch {
	case err == nil:
		return nil
	case late.Load():
		return &Error{Phase: media.Unreachable, text: fmt.Sprintf("%s: no answer within %v", what, s.cfg.Timeout)}
	}
	s.other = s.desc != nil && wantsOther(err)
	s.misled = errors.Is(err, liberrors.ErrClientServerRequestedTCP{}) || errors.Is(err, liberrors.ErrClientServerRequestedUDP{})
	return explain(what, err, s.addr)
}

// watch waits for the stream's end, and ends it when pictures stay away.
func (s *session) watch(ctx context.Context) *Error {
	ended := make(chan error, 1)
	s.tasks.Go(func() { ended <- s.client.Wait() }) // hangUp ends it, and waits
	every := max(s.cfg.Stall/20, 5*time.Millisecond)
	tick := time.NewTimer(untilBeat(time.Now(), every))
	defer tick.Stop()
	s.began = time.Now()
	var told progress
	for {
		var err error
		over := false
		select {
		case <-ctx.Done():
			return nil
		case err = <-ended:
			over = true
		case <-s.rx.news:
		case <-tick.C:
			tick.Reset(untilBeat(time.Now(), every))
		}
		p := s.rx.snapshot()
		if p.delivered > 0 && (told.delivered == 0 || p.info != told.info) {
			told = p
			s.online(p)
		}
		if over {
			s.other = !p.packet
			return explain("stream", err, s.addr)
		}
		if e := s.check(p); e != nil {
			return e
		}
	}
}

// check says what is wrong with a running stream, if anything is.
func (s *session) check(p progress) *Error {
	if e := s.broken.Load(); e != nil {
		return e
	}
	now := time.Now()
	last := s.began
	if p.pictures > 0 {
		last = p.last
	}
	idle := now.Sub(last)
	switch {
	case !p.packet && idle >= s.wait:
		s.other, s.silent = true, true
		return &Error{Phase: media.Stalled, text: fmt.Sprintf("the camera accepts %s and sends nothing for %v", s.proto, s.wait)}
	case p.packet && idle >= s.cfg.Stall:
		return &Error{Phase: media.Stalled, text: fmt.Sprintf("no picture for %v", s.cfg.Stall)}
	case s.bye.Load() && idle >= byeGrace:
		return &Error{Phase: media.Unreachable, text: "the camera ended the stream"}
	case p.delivered == 0 && now.Sub(s.began) >= s.cfg.KeyframeWait:
		return &Error{Phase: media.Stalled, text: fmt.Sprintf("pictures, but no keyframe for %v", s.cfg.KeyframeWait)}
	}
	return nil
}

// hangUp ends the session. Afterwards no callback runs and nothing is left open.
func (s *session) hangUp() {
	timer := time.AfterFunc(goodbye, s.wire.cut)
	defer timer.Stop()
	s.client.Close()
	s.wire.cut()
	s.tasks.Wait()
}

// pictured returns how long the session has had pictures.
func (s *session) pictured() time.Duration {
	if s.rx == nil || s.began.IsZero() {
		return 0
	}
	p := s.rx.snapshot()
	if p.delivered == 0 {
		return 0
	}
	return p.last.Sub(s.began)
}

func isAddressInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
