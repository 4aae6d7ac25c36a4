package rtsp

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"sentrybox/drivers/media"
	"sentrybox/drivers/media/keep"
)

// Transport is how RTP packets travel.
type Transport string

// The transports. The empty Transport is Auto.
const (
	Auto Transport = "auto" // what works, see the package documentation
	TCP  Transport = "tcp"  // interleaved in the RTSP connection
	UDP  Transport = "udp"  // a pair of UDP ports, unicast
)

// Config says which camera to read, and how. Only URL is required; every other
// field has a default that suits an untouched camera.
type Config struct {
	// URL is rtsp:// or rtsps://, with user and password in it if the camera
	// wants them. Characters that a URL cannot hold are percent-encoded.
	URL       string
	Transport Transport
	// InsecureTLS accepts any certificate of an rtsps:// camera.
	InsecureTLS bool
	// RootCAs are who may have signed the certificate of an rtsps:// camera; the
	// system's when nil.
	RootCAs *x509.CertPool
	// Log gets a line for each change of phase; nothing is logged when nil.
	Log *slog.Logger
	// OnState hears of every change. It is called by Run's own goroutine, never
	// twice at once, and should return soon.
	OnState func(media.State)

	// Waits are those between two sessions. RefusedMax is 5 min.
	Waits keep.Waits
	// Poller, if not nil, polls the camera's TCP connection instead of being woken for
	// each packet: access units come up to 100 ms late, while Relax is in force 250 ms.
	// UDP is not polled, as the library insists on sockets of its own.
	Poller *Poller
	// OnDrained is called by sink's goroutine when all that has arrived has been handed to
	// sink, so that it can be handed on as one batch.
	OnDrained func()
	// Transient says that sink does not keep an access unit's data, which are good only until it returns.
	Transient bool

	Timeout       time.Duration // for connecting, and for each answer; 10 s
	Stall         time.Duration // without a picture until the stream counts as stalled; 10 s
	KeyframeWait  time.Duration // for the first keyframe of a session; 60 s
	MaxSkew       time.Duration // between RTCP and our clock for RTCP to be believed; 10 s
	MaxAccessUnit int           // bytes of one picture; larger ones are dropped; 8 MiB
	ProbeTime     time.Duration // that Probe watches the stream, twice that if keyframes are rare; 6 s

	// Dial opens the RTSP connection; a net.Dialer's DialContext when nil. It must
	// heed its context, and unless Transport is TCP the connection's RemoteAddr
	// must be a *net.TCPAddr.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the wall clock that access units are stamped with; time.Now when nil.
	Now func() time.Time
}

func (c Config) withDefaults() (Config, error) {
	switch c.Transport {
	case "":
		c.Transport = Auto
	case Auto, TCP, UDP:
	default:
		return c, fmt.Errorf("transport %q: must be auto, tcp or udp", c.Transport)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnState == nil {
		c.OnState = func(media.State) {}
	}
	if c.OnDrained == nil {
		c.OnDrained = func() {}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Timeout, 10 * time.Second},
		{&c.Stall, 10 * time.Second},
		{&c.KeyframeWait, time.Minute},
		{&c.MaxSkew, 10 * time.Second},
		{&c.ProbeTime, 6 * time.Second},
	} {
		if *d.field < 0 {
			return c, errors.New("a duration is negative")
		}
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.MaxAccessUnit < 0 {
		return c, errors.New("the size of an access unit is negative")
	}
	if c.MaxAccessUnit == 0 {
		c.MaxAccessUnit = 8 << 20
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var err error
	c.Waits, err = c.Waits.WithDefaults(5 * time.Minute)
	return c, err
}
