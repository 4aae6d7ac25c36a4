package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	eventEvery   = 2 * time.Second
	eventWritten = 10 * time.Second // to a browser that does not read
)

// events is the one stream of a page (server-sent events, HTML standard, 9.2): an
// overview every two seconds, so that a page knows at once when it looks at old
// data. It ends with the session.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.fail(w, r, problem(http.StatusServiceUnavailable, "web.error.busy"))
		return
	}
	q, out := from(r), http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(eventEvery)
	defer tick.Stop()
	for {
		if !s.Accounts.Lives(r.Context(), q.token) {
			return
		}
		st, err := s.look(r.Context())
		if r.Context().Err() != nil {
			return
		}
		if err != nil {
			s.Log.Error("no overview", "error", err)
		} else if data, err := json.Marshal(s.words(&st, q.lang)); err == nil {
			_ = out.SetWriteDeadline(time.Now().Add(eventWritten))
			if _, err := fmt.Fprintf(w, "retry: 2000\nevent: overview\ndata: %s\n\n", data); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
