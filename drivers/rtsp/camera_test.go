package rtsp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"sentrybox/drivers/media"
)

const description264 = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" +
	"m=audio 0 RTP/AVP 0\r\na=control:track1\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; %s\r\na=control:track2\r\n"

func sdp264() string {
	return fmt.Sprintf(description264, "sprop-parameter-sets="+b64(sps264a)+","+b64(pps264))
}

// camera is a server that does what its fields say, over net.Pipe and so in
// synctest's time.
type camera struct {
	sdp     string
	answer  func(c *camera, req *base.Request) *base.Response // nil: as a good camera would
	play    func(l *link)                                     // after PLAY; the link ends with it
	refuse  error                                             // of dialling
	silent  bool                                              // accepts and never answers
	session func(n int, c *camera)                            // changes the camera before its n-th connection
	pieces  bool                                              // all that it says comes byte by byte
	early   func(l *link)                                     // before the answer to PLAY
	alive   time.Duration                                     // after which a request while it plays is answered; never if 0

	mu       sync.Mutex
	tasks    sync.WaitGroup
	dials    []time.Time
	requests []string
}

// link is a connection to a camera.
type link struct {
	net.Conn
	cam *camera
	packer
}

// send writes packets on the connection, 40 ms a picture.
func (l *link) send(packets ...*rtp.Packet) error {
	for _, p := range packets {
		b, err := p.Marshal()
		if err != nil {
			return err
		}
		if err := l.frame(0, b); err != nil {
			return err
		}
	}
	return nil
}

func (l *link) frame(channel byte, b []byte) error {
	_, err := l.Write(append([]byte{'$', channel, byte(len(b) >> 8), byte(len(b))}, b...))
	return err
}

// pictures sends a keyframe and P pictures in turn, at 25 a second, until the
// connection ends or those of d are sent.
func (l *link) pictures(d time.Duration, ts uint32) uint32 {
	const each = 40 * time.Millisecond
	for i := range int((d + each - 1) / each) {
		nal := p264
		if i%5 == 0 {
			nal = idr264
		}
		if l.send(l.picture(ts, nal)...) != nil {
			return ts
		}
		ts += 3600
		time.Sleep(each)
	}
	return ts
}

func (c *camera) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	c.mu.Lock()
	c.dials = append(c.dials, time.Now())
	n := len(c.dials)
	c.mu.Unlock()
	if c.session != nil {
		c.session(n, c)
	}
	if c.refuse != nil {
		return nil, c.refuse
	}
	near, far := net.Pipe()
	c.tasks.Go(func() { c.serve(far) })
	return tcpPipe{near}, ctx.Err()
}

// tcpPipe is a pipe that says it is a TCP connection.
type tcpPipe struct{ net.Conn }

func (tcpPipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 11), Port: 554} }

// spoken is a connection on which one thing is said at a time, byte by byte if pieces is set.
type spoken struct {
	net.Conn
	pieces bool
	mu     sync.Mutex // guards writing
}

func (s *spoken) Write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pieces {
		return s.Conn.Write(b)
	}
	for i := range b {
		if _, err = s.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// hear takes the next request; false if there is none.
func (c *camera) hear(req *base.Request, r *bufio.Reader) bool {
	if req.Unmarshal(r) != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, string(req.Method))
	return true
}

// chat takes what is asked while the camera plays.
func (c *camera) chat(conn net.Conn, r *bufio.Reader) {
	for {
		var req base.Request
		if !c.hear(&req, r) {
			return
		}
		if c.alive == 0 {
			continue
		}
		time.Sleep(c.alive)
		if b, err := c.respond(&req).Marshal(); err == nil {
			_, _ = conn.Write(b) // it may have gone
		}
	}
}

func (c *camera) serve(conn net.Conn) {
	defer conn.Close()
	conn = &spoken{Conn: conn, pieces: c.pieces}
	r := bufio.NewReader(conn)
	if c.silent {
		for {
			if _, err := r.ReadByte(); err != nil {
				return
			}
		}
	}
	for {
		var req base.Request
		if !c.hear(&req, r) {
			return
		}
		res := c.respond(&req)
		if res == nil {
			continue
		}
		b, err := res.Marshal()
		if err != nil {
			return
		}
		l := &link{Conn: conn, cam: c}
		if req.Method == base.Play && c.early != nil {
			c.early(l)
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
		if req.Method == base.Play && res.StatusCode == base.StatusOK && c.play != nil {
			var drain sync.WaitGroup
			drain.Go(func() { c.chat(conn, r) }) // keep-alives, and the TEARDOWN
			c.play(l)
			conn.Close()
			drain.Wait()
			return
		}
	}
}

func (c *camera) respond(req *base.Request) *base.Response {
	var res *base.Response
	if c.answer != nil {
		if res = c.answer(c, req); res != nil && res.StatusCode == 0 {
			return nil
		}
	}
	if res == nil {
		res = &base.Response{StatusCode: base.StatusOK}
	}
	if res.Header == nil {
		res.Header = base.Header{}
	}
	res.Header["CSeq"] = req.Header["CSeq"]
	if res.StatusCode != base.StatusOK {
		return res
	}
	switch req.Method {
	case base.Options:
		res.Header["Public"] = base.HeaderValue{"DESCRIBE, SETUP, PLAY, TEARDOWN"}
	case base.Describe:
		res.Header["Content-Type"] = base.HeaderValue{"application/sdp"}
		if res.Body == nil {
			res.Body = []byte(c.sdp)
		}
	case base.Setup:
		res.Header["Transport"] = base.HeaderValue{"RTP/AVP/TCP;unicast;interleaved=0-1"}
		res.Header["Session"] = base.HeaderValue{"1234;timeout=60"}
	}
	return res
}

// watcher keeps what a Source says.
type watcher struct {
	mu     sync.Mutex
	states []media.State
	at     []time.Time
	units  []media.AccessUnit
}

func (w *watcher) state(s media.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, s)
	w.at = append(w.at, time.Now())
}

func (w *watcher) sink(au media.AccessUnit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.units = append(w.units, au)
}

func (w *watcher) phases() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var p []string
	for _, s := range w.states {
		if len(p) == 0 || p[len(p)-1] != string(s.Phase) {
			p = append(p, string(s.Phase))
		}
	}
	return strings.Join(p, " ")
}

func (w *watcher) last() media.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states[len(w.states)-1]
}

func (w *watcher) pictures() []media.AccessUnit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]media.AccessUnit(nil), w.units...)
}

// live runs a Source on a camera in synctest's time for d. That every goroutine
// has ended afterwards is synctest's own check.
func live(t *testing.T, c *camera, cfg Config, d time.Duration, then func(w *watcher, s *Source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watcher{}
		if cfg.URL == "" {
			cfg.URL = "rtsp://10.0.0.11/ch1"
		}
		if cfg.Transport == "" {
			cfg.Transport = TCP
		}
		cfg.Dial, cfg.OnState = c.dial, w.state
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		start := time.Now()
		if err := s.Run(ctx, w.sink); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run: %v", err)
		}
		if over := time.Since(start) - d; over > 2*time.Second {
			t.Errorf("Run ended %v late", over)
		}
		c.tasks.Wait()
		then(w, s)
	})
}

func goodbyeFrame() []byte {
	b, _ := (&rtcp.Goodbye{Sources: []uint32{7}}).Marshal()
	return b
}
