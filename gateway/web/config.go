package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
	"sentrybox/gateway/veil"
)

// Care is the care of the configuration file: a *veil.Keeper. Its texts have no secrets, but markers
// in their places.
type Care interface {
	Current(ctx context.Context) (revision.Revision, []byte, error)
	Check(body []byte) (*config.Config, error)
	Grace(c *config.Config) time.Duration
	Save(ctx context.Context, who, note string, body []byte, base string) (revision.Revision, error)
	Begin(ctx context.Context, who string, body []byte) (apply func(), err error)
	List(ctx context.Context) ([]revision.Revision, error)
	Body(ctx context.Context, id int64) (revision.Revision, []byte, error)
	Trial(ctx context.Context) (revision.Revision, error)
	Confirm(ctx context.Context, id int64) error
	Return(ctx context.Context, id int64) error
	// Conceal shows what somebody has written, and Hold also keeps its new secrets until it is saved.
	Conceal(body []byte) []byte
	Hold(body []byte) []byte
	// Meant returns an address with what its markers stand for.
	Meant(ctx context.Context, address string) (string, error)
}

// problemView is a mistake beside its line.
type problemView struct {
	Line   int    `json:"line"` // from 1
	Column int    `json:"column"`
	Path   string `json:"path"`
	Text   string `json:"text"`
}

func problemViews(err error, l text.Lang) []problemView {
	all := []problemView{}
	var problems *config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems.List {
			all = append(all, problemView{p.Line, p.Column, p.Path, p.Message(l)})
		}
	}
	return all
}

// checked is what a configuration would change.
type checked struct {
	Problems []problemView     `json:"problems"`
	Diff     []revision.Change `json:"diff"`
	Changed  bool              `json:"changed"`
	// Grace is how many seconds there are to confirm it, 0 if it need not be.
	Grace int    `json:"grace_seconds"`
	Body  string `json:"body,omitempty"` // where the box has written it
	Base  string `json:"base,omitempty"` // what it is to take the place of
}

func (s *Server) check(r *http.Request, body []byte) (checked, error) {
	now, old, err := s.Care.Current(r.Context())
	if err != nil {
		return checked{}, err
	}
	out := checked{Diff: veil.Show(revision.Diff(old, s.Care.Conceal(body))), Changed: string(old) != string(body), Base: now.Sum}
	c, err := s.Care.Check(body)
	out.Problems = problemViews(err, from(r).lang)
	if err == nil {
		out.Grace = int(s.Care.Grace(c).Seconds())
	} else if len(out.Problems) == 0 {
		return out, err
	}
	return out, nil
}

// plan is check for what the box has written, which it answers with.
func (s *Server) plan(r *http.Request, body []byte) (checked, error) {
	body = s.Care.Hold(body)
	out, err := s.check(r, body)
	out.Body = string(body)
	return out, err
}

func (s *Server) getConfig(r *http.Request) (any, error) {
	now, body, err := s.Care.Current(r.Context())
	return configView{now, string(body)}, err
}

// configView is the configuration in the file.
type configView struct {
	revision.Revision
	Body string `json:"body"`
}

// checkRequest asks what a configuration would change.
type checkRequest struct {
	Body string `json:"body"`
}

func (s *Server) checkConfig(r *http.Request) (any, error) {
	var in checkRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.check(r, []byte(in.Body))
}

type saveRequest struct {
	Body string `json:"body"`
	Base string `json:"base"` // the sum of the one that was changed
	Note string `json:"note"`
}

func (s *Server) putConfig(r *http.Request) (any, error) {
	var in saveRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.save(r, in, "config.save")
}

// save saves a configuration, and notes it.
func (s *Server) save(r *http.Request, in saveRequest, action string) (any, error) {
	q := from(r)
	if n := []rune(in.Note); len(n) > 200 {
		in.Note = string(n[:200])
	}
	saved, err := s.Care.Save(r.Context(), q.User, in.Note, []byte(in.Body), in.Base)
	if err == nil {
		s.Accounts.Audit(context.WithoutCancel(r.Context()), q.actor(), action, strconv.FormatInt(saved.ID, 10)+" "+in.Note)
	}
	return saved, err
}

func (s *Server) listRevisions(r *http.Request) (any, error) {
	all, err := s.Care.List(r.Context())
	if all == nil {
		all = []revision.Revision{}
	}
	return all, err
}

func revisionID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, revision.ErrUnknown
	}
	return id, nil
}

// getRevision answers with an old configuration, and what going back to it changes.
func (s *Server) getRevision(r *http.Request) (any, error) {
	id, err := revisionID(r)
	if err != nil {
		return nil, err
	}
	_, body, err := s.Care.Body(r.Context(), id)
	if err != nil {
		return nil, err
	}
	out, err := s.check(r, body)
	out.Body = string(body)
	return out, err
}

// trialView is a configuration that waits to be confirmed.
type trialView struct {
	ID   int64 `json:"id"` // 0 if there is none
	Left int   `json:"left_seconds"`
}

func (s *Server) getTrial(r *http.Request) (any, error) {
	t, err := s.Care.Trial(r.Context())
	if errors.Is(err, revision.ErrNoTrial) {
		return trialView{}, nil
	}
	return trialView{ID: t.ID, Left: max(int(t.Deadline.Sub(s.Now()).Seconds()), 0)}, err
}

// trialEnd confirms a configuration on trial, or takes it back.
type trialEnd struct {
	ID   int64 `json:"id"`
	Keep bool  `json:"keep"`
}

// endTrial confirms a configuration, or takes it back.
func (s *Server) endTrial(r *http.Request) (any, error) {
	var in trialEnd
	if err := read(r, &in); err != nil {
		return nil, err
	}
	end, action := s.Care.Return, "config.return"
	if in.Keep {
		end, action = s.Care.Confirm, "config.confirm"
	}
	ctx := context.WithoutCancel(r.Context())
	if err := end(ctx, in.ID); err != nil {
		return nil, err
	}
	s.Accounts.Audit(ctx, from(r).actor(), action, strconv.FormatInt(in.ID, 10))
	return done{}, nil
}
