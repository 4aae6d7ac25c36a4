package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"sentrybox/gateway/web/account"
)

// Frame is what a browser is sent of a live picture.
type Frame struct {
	// MIME begins a stream: Data is its head then, or a whole picture if it is
	// image/jpeg. Empty: Data is a fragment of the stream.
	MIME string
	Data []byte
	// At is the media time of the stream's first picture.
	At time.Duration
	// Age is how long ago the picture came from the camera. A stream begins with what is kept.
	Age time.Duration
}

// ErrNoCamera means that there is no such camera, or that it does not run; ErrNoPicture
// that nothing of it has been decoded of late.
var (
	ErrNoCamera  = errors.New("no such camera")
	ErrNoPicture = errors.New("no picture now")
)

// Live is a running camera's picture.
type Live interface {
	// Watch sends what a browser needs to show the camera, from its newest keyframe
	// on, until ctx ends or send fails. It returns ErrNoCamera.
	Watch(ctx context.Context, id string, send func(Frame) error) error
	// Still returns the newest picture that was decoded, a JPEG with private parts painted
	// over, and how long ago it came. It returns ErrNoCamera or ErrNoPicture.
	Still(ctx context.Context, id string) (jpeg []byte, age time.Duration, err error)
	// See sends what the detectors make of each picture, until ctx ends or send fails. It
	// returns ErrNoCamera.
	See(ctx context.Context, id string, send func(Sight) error) error
	// Private says whether parts of the picture are never to be shown.
	Private(id string) bool
}

const (
	mostViewers  = 24
	frameWithin  = 10 * time.Second // to a browser that does not read
	aliveEvery   = 2 * time.Second
	sessionEvery = 10 * time.Second
	mostStills   = 6               // that are made at the same time
	stillWithin  = 5 * time.Second // a process that does not answer is replaced by then
	headerAge    = "X-Picture-Age" // in milliseconds
	oldFrame     = time.Second     // a frame that is older has its age told
)

// still is the newest picture of a camera: what is shown before its video comes, where a
// browser cannot play that, and to who may not see it since parts are private.
func (s *Server) still(w http.ResponseWriter, r *http.Request) {
	select {
	case s.stills <- struct{}{}:
		defer func() { <-s.stills }()
	default:
		s.fail(w, r, problem(http.StatusTooManyRequests, "web.error.busy"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), stillWithin)
	defer cancel()
	jpeg, age, err := s.Live.Still(ctx, r.PathValue("id"))
	switch {
	case errors.Is(err, ErrNoCamera):
		err = problem(http.StatusNotFound, "web.error.nocamera")
	case errors.Is(err, ErrNoPicture):
		err = problem(http.StatusNotFound, "web.error.nopicture")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set(headerAge, strconv.FormatInt(age.Milliseconds(), 10))
	_, _ = w.Write(jpeg) // nobody is left to tell
}

// streamBegin begins a stream.
type streamBegin struct {
	MIME string  `json:"mime"`
	At   float64 `json:"at,omitempty"` // media time of its first picture, seconds
}

// frameAge says how old the next binary message's picture is.
type frameAge struct {
	Age int64 `json:"age"` // milliseconds
}

// mayWatch says whether somebody may see a camera. Video is not painted over, so that
// where parts are private only who draws them may.
func (s *Server) mayWatch(q *request, id string) bool {
	return q.Role.May(account.Technician) || !s.Live.Private(id)
}

// socket answers with a WebSocket to who may watch the camera, while one of the seats is free. tell
// has its context until nobody looks any more or the session ends.
func (s *Server) socket(w http.ResponseWriter, r *http.Request, seats chan struct{}, tell func(ctx context.Context, c *websocket.Conn) error) {
	q := from(r)
	if !s.mayWatch(q, r.PathValue("id")) {
		s.fail(w, r, problem(http.StatusForbidden, "web.error.private"))
		return
	}
	select {
	case seats <- struct{}{}:
		defer func() { <-seats }()
	default:
		s.fail(w, r, problem(http.StatusServiceUnavailable, "web.error.busy"))
		return
	}
	c, err := websocket.Accept(w, r, nil) // refuses other sites by their Origin
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	ctx, cancel := context.WithCancel(c.CloseRead(r.Context()))
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		s.keepAlive(ctx, c, q.token)
	}()
	if err = tell(ctx, c); errors.Is(err, ErrNoCamera) {
		_ = c.Close(websocket.StatusPolicyViolation, "no such camera")
	}
	cancel()
	<-done
}

// sendJSON sends a text message to a browser.
func sendJSON(ctx context.Context, c *websocket.Conn, v any) error {
	ctx, cancel := context.WithTimeout(ctx, frameWithin)
	defer cancel()
	return wsjson.Write(ctx, c, v)
}

// live is the picture of a camera over a WebSocket. A text message says what the binary
// ones after it are: {"mime":…,"at":…} begins a stream whose head comes next, and whose first
// picture has that media time in seconds; {"age":…} that the next is so many milliseconds old, which is left out
// while that is less than a second; {"alive":true}
// says that the box is there while no picture comes.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.socket(w, r, s.viewers, func(ctx context.Context, c *websocket.Conn) error {
		if s.Live.Private(id) {
			s.Accounts.Audit(context.WithoutCancel(ctx), from(r).actor(), "camera.unmasked", id)
		}
		return s.Live.Watch(ctx, id, func(f Frame) error {
			if f.MIME != "" {
				if err := sendJSON(ctx, c, streamBegin{f.MIME, f.At.Seconds()}); err != nil {
					return err
				}
			}
			if f.Age >= oldFrame {
				if err := sendJSON(ctx, c, frameAge{f.Age.Milliseconds()}); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(ctx, frameWithin)
			defer cancel()
			return c.Write(ctx, websocket.MessageBinary, f.Data)
		})
	})
}

// keepAlive says that the box is there, until the session ends.
func (s *Server) keepAlive(ctx context.Context, c *websocket.Conn, token string) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	checked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if now.Sub(checked) > sessionEvery {
				if !s.Accounts.Lives(ctx, token) {
					return
				}
				checked = now
			}
			if sendJSON(ctx, c, map[string]bool{"alive": true}) != nil {
				return
			}
		}
	}
}
