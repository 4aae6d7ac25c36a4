// Package rtsptest simulates RTSP cameras, with their faults.
//
// A Server plays video files over and over in real time, each under a path of
// its own, as a live camera would: a reader that connects gets the pictures of
// that moment. Timestamps go on over the end of a file. While it runs it can be
// told to do what cameras do to those who rely on them: fall silent, drop
// connections, refuse a password that was right, lose packets, change their
// parameter sets, send rubbish.
package rtsptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
)

// Clip opens a video file, an MP4 that drivers/mp4 reads. Each camera reads its own.
type Clip func() (io.ReadSeekCloser, error)

// File is the clip in a file.
func File(name string) Clip {
	return func() (io.ReadSeekCloser, error) { return os.Open(name) }
}

// Bytes is the clip in b, which must not change afterwards.
func Bytes(b []byte) Clip {
	return func() (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(b)}, nil }
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// Camera is one simulated camera.
type Camera struct {
	// Clip is what it sees. H.264 and H.265 need their parameter sets before the
	// first keyframe; MJPEG needs the default Huffman tables, since RTP does not
	// carry any (ffmpeg: -huffman default).
	Clip Clip
	// Offset is where in the clip it begins: at the first keyframe from there on.
	// With different offsets one file makes several cameras.
	Offset time.Duration
	// FirstTimestamp is the RTP timestamp of the first picture, in 1/90000 s; nil
	// for a random one. Shortly below 1<<32 it soon wraps.
	FirstTimestamp *uint32
	// ClockError is what the camera's clock is ahead of the true time, as its
	// sender reports show it.
	ClockError time.Duration
	// ReportEvery is the time between two RTCP sender reports: 5 s if 0, and
	// below 0 there are none. Another follows soon after each PLAY.
	ReportEvery time.Duration
	// Sent, if not nil, is told of each picture as it goes out: the time that sender
	// reports give it, and the true one, which is later on a busy machine.
	Sent func(named, at time.Time)
}

// Server is a host of simulated cameras. Set the fields, then call Start.
type Server struct {
	// Address is where it listens, "127.0.0.1:0" if empty. With port 0 it finds a free one.
	Address string
	// Cameras by their paths, without a slash in front, and with a query if the camera
	// is the one for that query. At least one.
	Cameras map[string]Camera
	// User and Password are asked for unless User is empty. With Basic, the
	// password may not have a colon in it, which gortsplib does not take.
	User, Password string
	// AuthMethods offered, in order of preference; Digest with MD5 if empty.
	AuthMethods []auth.VerifyMethod
	// TLS asks for RTSP over TLS, with the certificate of Certificate.
	TLS bool
	// NoUDP refuses UDP as a transport, as cameras behind NAT do.
	NoUDP bool
	// Log gets what happens, nothing of it at a level above Info. nil is silent.
	Log *slog.Logger

	gate   *gate
	rtsp   *gortsplib.Server
	cams   map[string]*camera
	cert   *x509.Certificate
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mutex    sync.Mutex // guards what follows
	refuse   bool       // the right password
	conns    map[*gortsplib.ServerConn]struct{}
	sessions map[*gortsplib.ServerSession]*camera // nil until it plays
}

// Start opens the clips and listens. After an error nothing is left running.
func (s *Server) Start() (err error) {
	if len(s.Cameras) == 0 {
		return errors.New("rtsptest: no cameras")
	}
	if s.Address == "" {
		s.Address = "127.0.0.1:0"
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	s.conns = make(map[*gortsplib.ServerConn]struct{})
	s.sessions = make(map[*gortsplib.ServerSession]*camera)
	s.cams = make(map[string]*camera)
	s.rtsp = nil
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	for path, c := range s.Cameras {
		cam, err := newCamera(path, c, s.Log)
		if err != nil {
			return fmt.Errorf("rtsptest: camera %q: %w", path, err)
		}
		s.cams[path] = cam
	}
	if err := s.listen(); err != nil {
		return fmt.Errorf("rtsptest: %w", err)
	}
	for path, cam := range s.cams {
		if err := cam.attach(s.rtsp); err != nil {
			return fmt.Errorf("rtsptest: camera %q: %w", path, err)
		}
	}
	for _, cam := range s.cams {
		s.wg.Go(func() { cam.run(ctx) })
	}
	s.gate.release()
	return nil
}

func (s *Server) listen() error {
	methods := s.AuthMethods
	if len(methods) == 0 {
		methods = []auth.VerifyMethod{auth.VerifyMethodDigestMD5}
	}
	g, err := newGate(s.Address)
	if err != nil {
		return err
	}
	s.gate = g
	srv := &gortsplib.Server{
		RTSPAddress:              g.Addr().String(),
		Listen:                   func(string, string) (net.Listener, error) { return g, nil },
		Handler:                  handler{s},
		AuthMethods:              methods,
		WriteQueueSize:           2048,
		DisableRTCPSenderReports: true, // gortsplib sends them every 10 s and knows no wrong clock
	}
	if s.TLS {
		var cert tls.Certificate
		if cert, s.cert, err = selfSigned(g.Addr()); err != nil {
			g.Close()
			return err
		}
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	var pair *udpPair
	if !s.NoUDP {
		if pair, err = newUDPPair(g.Addr()); err != nil {
			g.Close()
			return err
		}
		srv.UDPRTPAddress, srv.UDPRTCPAddress = pair.rtp.LocalAddr().String(), pair.rtcp.LocalAddr().String()
		srv.ListenPacket = pair.take
	}
	if err := srv.Start(); err != nil {
		if pair != nil {
			pair.close()
		}
		g.Close()
		return fmt.Errorf("listen at %s: %w", s.Address, err)
	}
	s.rtsp = srv
	return nil
}

// Close ends everything and waits for it. It may be called again, and after a failed Start.
func (s *Server) Close() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.cancel = nil
	s.wg.Wait()
	if s.rtsp != nil {
		s.rtsp.Close()
	}
	for _, cam := range s.cams {
		cam.close()
	}
}

// URL returns the URL of a camera, with user and password if there are any.
func (s *Server) URL(path string) string {
	u := s.url(path)
	if s.User != "" {
		u.User = url.UserPassword(s.User, s.Password)
	}
	return u.String()
}

// BareURL returns the URL of a camera without user and password.
func (s *Server) BareURL(path string) string { return s.url(path).String() }

func (s *Server) url(path string) *url.URL {
	u := &url.URL{Scheme: "rtsp", Host: s.Addr().String(), Path: "/" + path}
	if s.TLS {
		u.Scheme = "rtsps"
	}
	if a, ok := s.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		u.Host = fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return u
}

// Addr returns where the server listens, with its port.
func (s *Server) Addr() net.Addr { return s.gate.Addr() }

// Certificate returns the server's self-made certificate, nil without TLS. It
// is valid for its address and for localhost, and is its own authority.
func (s *Server) Certificate() *x509.Certificate { return s.cert }

// Readers returns how many sessions play a camera.
func (s *Server) Readers(path string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for _, cam := range s.sessions {
		if cam != nil && cam.path == path {
			n++
		}
	}
	return n
}

// asked returns the camera at a path with a query, or else at the path alone.
func (s *Server) asked(path, query string) *camera {
	if cam := s.camera(path + "?" + query); query != "" && cam != nil {
		return cam
	}
	return s.camera(path)
}

func (s *Server) camera(path string) *camera { return s.cams[strings.Trim(path, "/")] }
