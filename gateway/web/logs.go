package web

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"sentrybox/gateway/recent"
)

// logView is lines of the log, the newest first, and the parts of the program there are.
type logView struct {
	Lines []recent.Line `json:"lines"`
	Parts []string      `json:"parts"`
}

// listLogs answers with the newest lines of the log that the query asks for.
func (s *Server) listLogs(r *http.Request) (any, error) {
	if s.Recent == nil {
		return logView{[]recent.Line{}, []string{}}, nil
	}
	q := r.URL.Query()
	f := recent.Filter{Least: slog.LevelDebug, Text: q.Get("text"), Part: q.Get("part")}
	bad := problem(http.StatusBadRequest, "web.error.json")
	if l := q.Get("level"); l != "" && f.Least.UnmarshalText([]byte(l)) != nil {
		return nil, bad
	}
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if v := q.Get(name); v != "" {
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return nil, bad
			}
			*into = t
		}
	}
	if v := q.Get("after"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, bad
		}
		f.After = n
	}
	return logView{s.Recent.Find(f), s.Recent.Parts()}, nil
}
