// Package web is the technicians' page and its API: everything that a site needs,
// in Chinese and English, without internet.
//
// The page is plain HTML with a little JavaScript of our own; what that shows and
// changes goes by the same JSON under /api/v1 that programs use. All that answers
// is in the table of routes, each with the least role that may ask. Without a
// session only signing in answers, and on a new box only setting the first
// password.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/recent"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/update"
	"sentrybox/gateway/web/account"
)

// Server is the page. Set the fields, then Run.
type Server struct {
	Listen      string
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error) // nil for plain HTTP
	Authority   func() ([]byte, error)                               // PEM, for who wants to trust the certificate; nil without one
	Accounts    *account.Accounts
	Gateway     Gateway
	Care        Care   // nil where the configuration is no file
	Path        string // of the configuration's file, empty for none
	Probe       Prober
	Live        Live
	Tryer       Tryer
	Tester      LineTester
	Survey      *survey.Survey
	Field       Field
	Waves       Waves
	Searcher    Searcher
	Recent      *recent.Log           // nil for none
	Running     func() *config.Config // the configuration in use
	Vault       *Vault                // nil where the configuration is no file
	// Support writes the support bundle; nil for none.
	Support func(context.Context, io.Writer) error
	Update  *update.Inbox // nil where the configuration is no file
	Version string
	Log     *slog.Logger
	Now     func() time.Time

	// Listening hears of the address; nil for nobody.
	Listening func(net.Addr)

	pages   *pages.Set
	streams chan struct{} // holds a token for each stream of events
	probing chan struct{} // holds a token for each camera that is tried
	viewers chan struct{} // holds a token for each live picture
	stills  chan struct{} // holds a token for each still picture that is made
	seers   chan struct{} // holds a token for each who sees what the detectors see

	searching chan struct{} // holds a token while a line is searched

	libraryMu sync.Mutex
	library   library // guarded by libraryMu

	vaultMu sync.Mutex // held while a backup is made, uploaded or restored

	mu      sync.Mutex
	restore restoring // guarded by mu
	state   State     // guarded by mu, as is all that follows
	asked   time.Time // when state was asked for
	failed  error
}

const (
	listenAgain  = 5 * time.Second // after the port was taken
	answerWithin = 30 * time.Second
	stopWithin   = 2 * time.Second
	mostStreams  = 64
	mostProbes   = 2
	maxBody      = 4 << 20 // a configuration of 1 MiB as JSON
)

// Handler returns everything that answers.
func (s *Server) Handler() (http.Handler, error) {
	var err error
	if s.pages, err = pages.Read(files); err != nil {
		return nil, err
	}
	s.viewers, s.stills, s.seers = make(chan struct{}, mostViewers), make(chan struct{}, mostStills), make(chan struct{}, mostSeers)
	s.searching = make(chan struct{}, 1)
	s.streams, s.probing = make(chan struct{}, mostStreams), make(chan struct{}, mostProbes)
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.Handle(r.method+" "+r.path, s.guard(r))
	}
	mux.Handle("/", s.guard(route{path: "/", least: account.Viewer, handle: (*Server).notFound}))
	return pages.Headers(http.NewCrossOriginProtection().Handler(mux), "blob:"), nil
}

// Run answers until ctx ends. A port that is taken is tried again.
func (s *Server) Run(ctx context.Context) error {
	handler, err := s.Handler()
	if err != nil {
		return err
	}
	for {
		err := s.serve(ctx, handler)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("another program listens on %s: stop it or choose another web.listen", s.Listen)
		}
		s.Log.Error("no page, trying again", "error", err, "after", listenAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(listenAgain):
		}
	}
}

func (s *Server) serve(ctx context.Context, handler http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: answerWithin, WriteTimeout: 2 * answerWithin,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // handshakes of scanners
		// Streams end with the server, so that it need not wait for them.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	scheme := "http"
	if s.Certificate != nil {
		scheme = "https"
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.Certificate}
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	})
	s.Log.Info("the page listens", "address", strings.Join(reached(scheme, l.Addr()), " "))
	s.Accounts.SayCode()
	if s.Listening != nil {
		s.Listening(l.Addr())
	}
	if s.Certificate != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if !stop() {
		<-stopped // Serve returns before what it serves has ended
	}
	return err
}

// reached are the addresses at which a browser finds the page: on every network if it listens on all.
func reached(scheme string, at net.Addr) []string {
	tcp, ok := at.(*net.TCPAddr)
	networks, err := survey.Networks()
	if !ok || !tcp.IP.IsUnspecified() || err != nil || len(networks) == 0 {
		return []string{scheme + "://" + at.String()}
	}
	var all []string
	for _, n := range networks {
		all = append(all, scheme+"://"+net.JoinHostPort(n.Address.String(), strconv.Itoa(tcp.Port)))
	}
	return all
}
