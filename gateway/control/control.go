// Package control is the Unix socket in the data folder by which other commands
// talk to the running gateway. Only the folder's owner can reach it.
//
// It speaks HTTP with JSON: POST /raise with a [Request], answered by a
// [Response] once the alert is durable; POST /restored, without a body, when a
// backup was prepared; POST /privacy with a [PrivacyRequest], answered by a
// [PrivacyReport]; and GET /health, answered by a [State].
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/alert"
)

// Test is the kind of an alert that proves the line to the duty room.
const Test = "test"

// Kinds lists the kinds of alerts that can be asked for.
func Kinds() []string {
	all := []string{Test}
	for _, k := range wire.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// Request asks for an alert.
type Request struct {
	// ID is the alert's identifier, chosen by the asker: who asks again with the
	// same one gets the same alert.
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Severity int    `json:"severity"`
}

// Response is what became of a request.
type Response struct {
	ID    string `json:"id,omitempty"`
	Error string `json:"error,omitempty"`
}

// State says whether the main job works.
type State struct {
	Version string   `json:"version"`
	Stuck   []string `json:"stuck"` // what does not work, and why; empty while all does
	Blind   []string `json:"blind"` // cameras whose pictures cannot be looked at, and why
	// Contested says of each uplink off which this gateway is pushed again and again how that is: twin
	// if another one with its id is there, cut if that is not known.
	Contested map[string]string `json:"contested"`
	// Away are the cameras and uplinks that do not work although the gateway does.
	Away []Away `json:"away"`
}

// Away is a camera that sends no pictures, or an uplink whose broker is not reached.
type Away struct {
	Camera string    `json:"camera,omitempty"` // its identifier, or
	Uplink string    `json:"uplink,omitempty"` // its name
	Phase  string    `json:"phase"`            // as the camera's state, or an mqtt.Phase
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"` // for engineers, without secrets
}

const (
	maxRequest = 4 << 10
	timeout    = 10 * time.Second
)

// Server answers on the socket.
type Server struct {
	Dir    string // the data folder
	Device string // that the alerts are of: the gateway itself
	Raise  func(context.Context, alert.Event) (alert.Alert, error)
	Now    func() time.Time
	// Privacy finds, and removes, what there is of a time.
	Privacy func(context.Context, PrivacyRequest) (PrivacyReport, error)
	// Restored hears that a backup was prepared, which is to take the site's place.
	Restored func()
	Version  string
	Stuck    func() []string // as of [State], as Blind is
	Blind    func() []string
	// Contested is as of [State]; none when nil.
	Contested func() map[string]string
	// Away is as of [State]; none when nil.
	Away func() []Away
}

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	path, done, err := socketPath(s.Dir)
	if err != nil {
		return err
	}
	defer done()
	// The lock of the data folder is ours, so a socket there is a dead one's.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protect the control socket: %w", err), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /raise", s.raise)
	mux.HandleFunc("POST /privacy", s.privacy)
	mux.HandleFunc("POST /restored", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, Response{})
		s.Restored()
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		st := State{Version: s.Version, Stuck: s.Stuck(), Blind: s.Blind()}
		if s.Contested != nil {
			st.Contested = s.Contested()
		}
		if s.Away != nil {
			st.Away = s.Away()
		}
		reply(w, http.StatusOK, st)
	})
	srv := &http.Server{Handler: mux, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: timeout}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer on the control socket: %w", err)
	}
	return ctx.Err()
}

func (s *Server) raise(w http.ResponseWriter, r *http.Request) {
	var req Request
	if err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&req); err != nil {
		reply(w, http.StatusBadRequest, Response{Error: "read the request: " + err.Error()})
		return
	}
	if !slices.Contains(Kinds(), req.Kind) {
		reply(w, http.StatusBadRequest, Response{Error: fmt.Sprintf("kind %q: it is one of %v", req.Kind, Kinds())})
		return
	}
	now := s.Now()
	a, err := s.Raise(r.Context(), alert.Event{
		ID: req.ID, Device: s.Device, Kind: req.Kind, Severity: req.Severity, Start: now, Detected: now, Confidence: 1,
	})
	switch {
	case errors.Is(err, alert.ErrInvalid):
		reply(w, http.StatusBadRequest, Response{Error: err.Error()})
	case err != nil:
		reply(w, http.StatusInternalServerError, Response{Error: err.Error()})
	default:
		reply(w, http.StatusOK, Response{ID: a.ID})
	}
}

func reply(w http.ResponseWriter, status int, r any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(r) // nobody is left to tell
}

// maxSocketPath is the length of sun_path in sockaddr_un, less its NUL (unix(7)).
const maxSocketPath = 107

// socketPath returns the path of the socket in dir. Where that is too long for a
// socket's address it goes through an open descriptor of the folder, which done
// closes.
func socketPath(dir string) (path string, done func(), err error) {
	const name = "control.sock"
	if path := filepath.Join(dir, name); len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, fmt.Errorf("open the data folder: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), name), func() { _ = f.Close() }, nil
}
