package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sentrybox/gateway/alert"
)

// LineTester tests the way to the duty room with an alert of the kind test.
type LineTester interface {
	// RaiseTest raises the alert and returns its id once it is durable.
	RaiseTest(ctx context.Context) (id string, err error)
	// TestState says how far it has come; alert.ErrInvalid if there is none.
	TestState(ctx context.Context, id string) (TestState, error)
}

// TestState is how far a test alert has come.
type TestState struct {
	Raised   time.Time
	Waiting  bool      // no broker has acknowledged it
	Answered time.Time // zero if nobody has
	By       string
	Action   string
}

// testView is what the page shows of a test.
type testView struct {
	ID        string  `json:"id"`
	Elapsed   float64 `json:"elapsed_seconds"` // since it was durable
	Delivered bool    `json:"delivered"`       // a broker has acknowledged it
	Answered  float64 `json:"answered_seconds,omitempty"`
	By        string  `json:"by,omitempty"`
}

func (s *Server) startTest(r *http.Request) (any, error) {
	id, err := s.Tester.RaiseTest(r.Context())
	if err != nil {
		return nil, err
	}
	s.Accounts.Audit(r.Context(), from(r).actor(), "uplink.test", id)
	return testView{ID: id}, nil
}

func (s *Server) getTest(r *http.Request) (any, error) {
	id := r.PathValue("id")
	st, err := s.Tester.TestState(r.Context(), id)
	if errors.Is(err, alert.ErrInvalid) {
		return nil, problem(http.StatusNotFound, "web.error.noalert")
	}
	if err != nil {
		return nil, err
	}
	v := testView{ID: id, Elapsed: max(s.Now().Sub(st.Raised).Seconds(), 0), Delivered: !st.Waiting, By: st.By}
	if !st.Answered.IsZero() {
		v.Answered = max(st.Answered.Sub(st.Raised).Seconds(), 0.001)
	}
	return v, nil
}
