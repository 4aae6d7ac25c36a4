// Package dvriptest simulates recorders that speak DVRIP, with their faults.
//
// A Server has channels, each with a main stream and perhaps a substream that play
// a video file over and over in real time. It answers logins by the protocol's
// hash, grants and starts live video, sends pictures in pieces, and drops those who
// do not keep their session alive. While it runs it can be told to do what devices
// do, and worse.
package dvriptest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
	"sentrybox/drivers/mp4"
)

// Clip is what a stream shows: access units with their times, over and over.
type Clip struct {
	units  []media.AccessUnit
	length time.Duration
	fps    int
}

// MP4 reads a clip of H.264 or H.265.
func MP4(r io.ReadSeeker) (*Clip, error) {
	rd, err := mp4.Open(r)
	if err != nil {
		return nil, err
	}
	c := &Clip{}
	for {
		au, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		c.units = append(c.units, au)
	}
	if len(c.units) < 2 || c.units[0].Codec == media.MJPEG {
		return nil, errors.New("dvriptest: a clip needs two pictures of H.264 or H.265")
	}
	first, last := c.units[0].PTS, c.units[0].PTS
	for _, u := range c.units {
		first, last = min(first, u.PTS), max(last, u.PTS)
	}
	step := (last - first) / time.Duration(len(c.units)-1)
	c.length = step * time.Duration(len(c.units))
	c.fps = int((time.Second + step/2) / step)
	return c, nil
}

// Channel is one input of a recorder.
type Channel struct {
	Main *Clip
	Sub  *Clip // nil if there is none
}

// Server is a simulated device. Set the fields, then call Start.
type Server struct {
	// Address is where it listens by TCP, "127.0.0.1:0" if empty.
	Address        string
	User, Password string
	Channels       []Channel
	// LockAfter is how many wrong passwords lock the user; never if 0.
	LockAfter int
	// KeepAlive is what it tells clients to keep to; a session is dropped after four times
	// that without a word. It tells nothing, and does not look, if 0.
	KeepAlive time.Duration
	// Mangle may change each message before it is sent, or return nil to leave it out. It
	// is called by several goroutines.
	Mangle func(dvrip.Message) []byte
	// MangleFrame may change each frame of a stream before it is cut in pieces.
	MangleFrame func(frame []byte) []byte

	ln net.Listener
	wg sync.WaitGroup

	mu       sync.Mutex // guards what follows
	conns    map[net.Conn]struct{}
	closed   bool
	wrong    int
	stalled  bool
	logins   int
	setTimes int
	alive    int
	watchers int
}

// Start listens.
func (s *Server) Start() error {
	if s.Address == "" {
		s.Address = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", s.Address)
	if err != nil {
		return fmt.Errorf("dvriptest: %w", err)
	}
	s.ln = ln
	s.conns = map[net.Conn]struct{}{}
	s.wg.Go(s.accept)
	return nil
}

func (s *Server) accept() {
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.conns[conn] = struct{}{}
			s.wg.Go(func() { s.serve(conn) })
		}
		s.mu.Unlock()
		if closed {
			_ = conn.Close()
		}
	}
}

// Close ends everything and waits for it.
func (s *Server) Close() {
	if s.ln == nil {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.ln.Close()
	s.DropConnections()
	s.wg.Wait()
}

// DropConnections closes all connections, as a device that is unplugged and back.
func (s *Server) DropConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// Stall keeps connections open and sends no pictures; Stall(false) ends it.
func (s *Server) Stall(stalled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = stalled
}

// Counts is what clients have done.
type Counts struct {
	Logins     int // tries
	SetTimes   int // requests to set the clock
	KeepAlives int
	Watchers   int // who watch now
}

// Counts returns what clients have done so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Counts{s.logins, s.setTimes, s.alive, s.watchers}
}

// Addr returns where it listens.
func (s *Server) Addr() *net.TCPAddr { return s.ln.Addr().(*net.TCPAddr) }

// URL returns the URL of a channel's stream, 0 or 1, with user and password.
func (s *Server) URL(channel, stream int) string {
	u := &url.URL{Scheme: "dvrip", User: url.UserPassword(s.User, s.Password), Host: s.Addr().String(),
		Path: fmt.Sprint("/", channel), RawQuery: fmt.Sprint("stream=", stream)}
	if strings.HasPrefix(u.Host, "[::]") {
		u.Host = fmt.Sprintf("127.0.0.1:%d", s.Addr().Port)
	}
	return u.String()
}
