package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"sentrybox/gateway/web/account"
)

// newToken is a token to be made.
type newToken struct {
	Name  string        `json:"name"`
	Scope account.Scope `json:"scope"`
	Days  int           `json:"days"` // that it is good for; 0 for ever
}

// madeToken is a token that was made. It is shown this once.
type madeToken struct {
	Secret string        `json:"secret"`
	Token  account.Token `json:"token"`
}

func (s *Server) listTokens(r *http.Request) (any, error) { return s.Accounts.Tokens(r.Context()) }

func (s *Server) addToken(r *http.Request) (any, error) {
	var in newToken
	if err := read(r, &in); err != nil {
		return nil, err
	}
	q := from(r)
	if q.scope != "" && q.scope != account.Admin && !q.scope.May(in.Scope) { // a token makes none that may more
		return nil, problem(http.StatusForbidden, "web.error.role")
	}
	if in.Days < 0 || in.Days > 3650 {
		return nil, account.ErrScope
	}
	secret, t, err := s.Accounts.NewToken(r.Context(), q.actor(), in.Name, in.Scope, time.Duration(in.Days)*24*time.Hour)
	return madeToken{secret, t}, err
}

func (s *Server) revokeToken(r *http.Request) (any, error) {
	return done{}, gone(s.Accounts.Revoke(r.Context(), from(r).actor(), r.PathValue("id")))
}

// gone tells of a token or a session that is not there.
func gone(err error) error {
	if errors.Is(err, account.ErrToken) || errors.Is(err, account.ErrUnknown) {
		return problem(http.StatusNotFound, "web.error.missing")
	}
	return err
}

func (s *Server) listSessions(r *http.Request) (any, error) {
	return s.Accounts.Sessions("", from(r).token), nil
}

func (s *Server) endSession(r *http.Request) (any, error) {
	return done{}, gone(s.Accounts.End(r.Context(), from(r).actor(), "", r.PathValue("id")))
}

func (s *Server) ownSessions(r *http.Request) (any, error) {
	q := from(r)
	return s.Accounts.Sessions(q.User, q.token), nil
}

func (s *Server) endOwnSession(r *http.Request) (any, error) {
	q := from(r)
	return done{}, gone(s.Accounts.End(r.Context(), q.actor(), q.User, r.PathValue("id")))
}

// bearer returns the token that a program has come with.
func bearer(r *http.Request) (string, bool) {
	kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(kind, "Bearer") && strings.HasPrefix(r.URL.Path, "/api/")
}

// byToken answers a program. It needs no token against cross-site requests: no browser
// sends an Authorization header of itself.
func (s *Server) byToken(rt *route, secret string, q *request, w http.ResponseWriter, r *http.Request) {
	t, err := s.Accounts.TokenOf(r.Context(), secret, q.origin)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q.Session, q.scope, q.token = account.Session{User: t.Actor(), Role: t.Scope.Role()}, t.Scope, secret
	if least := scopeOf(rt); least == "" || !t.Scope.May(least) || !q.Role.May(rt.least) {
		s.fail(w, r, problem(http.StatusForbidden, "web.error.scope"))
		return
	}
	rt.handle(s, w, r)
}
