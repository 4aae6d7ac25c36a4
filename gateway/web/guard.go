package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"sentrybox/gateway/backup"
	"sentrybox/gateway/brake"
	"sentrybox/gateway/config"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/revision"
	"sentrybox/gateway/text"
	"sentrybox/gateway/update"
	"sentrybox/gateway/web/account"
)

// The cookies. With TLS the session's has a name that a browser takes from this
// host over TLS alone (RFC 6265bis, 4.1.3.2).
const (
	cookiePlain  = "sentrybox"
	cookieSecure = "__Host-sentrybox"
)

// request is what a handler knows of who asks.
type request struct {
	account.Session
	token  string        // of the session, or of a program
	scope  account.Scope // of a program's token, otherwise empty
	origin string        // an IP address
	lang   text.Lang
}

type requestKey struct{}

// from returns what guard has found out.
func from(r *http.Request) *request {
	q, _ := r.Context().Value(requestKey{}).(*request)
	return q
}

func (q *request) actor() account.Actor { return account.Actor{Name: q.User, Origin: q.origin} }

// guard lets through who may ask for what the route gives.
func (s *Server) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(&rt))
		q := &request{origin: pages.Origin(r), lang: pages.Language(w, r, s.Certificate != nil)}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
		if rt.public() {
			rt.handle(s, w, r)
			return
		}
		switch claimed := s.Accounts.Claimed(); {
		case !claimed && rt.stage != setup:
			s.turnAway(w, r, http.StatusForbidden, "/setup", "web.error.setup")
			return
		case claimed && rt.stage == setup:
			s.fail(w, r, problem(http.StatusNotFound, "web.error.missing"))
			return
		case rt.stage != inside:
			rt.handle(s, w, r)
			return
		}
		if secret, ok := bearer(r); ok {
			s.byToken(&rt, secret, q, w, r)
			return
		}
		if c, err := r.Cookie(s.cookie()); err == nil {
			if found, ok := s.Accounts.Session(r.Context(), c.Value); ok {
				q.Session, q.token = found, c.Value
			}
		}
		switch {
		case q.token == "":
			s.turnAway(w, r, http.StatusUnauthorized, "/signin", "web.error.signin")
		case !q.Role.May(rt.least):
			s.fail(w, r, problem(http.StatusForbidden, "web.error.role"))
		case unsafe(r.Method) && !q.Fits(pages.CSRF(r)):
			s.fail(w, r, problem(http.StatusForbidden, "web.error.csrf"))
		default:
			rt.handle(s, w, r)
		}
	})
}

func unsafe(method string) bool { return method != http.MethodGet && method != http.MethodHead }

// turnAway sends a browser to another page, and tells a program.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, status int, to string, why text.Key) {
	if isAPI(r) || unsafe(r.Method) {
		s.fail(w, r, problem(status, why))
		return
	}
	if to == "/signin" && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/setup/restore")
}

func (s *Server) cookie() string {
	if s.Certificate != nil {
		return cookieSecure
	}
	return cookiePlain
}

// remember gives the browser a session's token.
func (s *Server) remember(w http.ResponseWriter, token string) {
	c := &http.Cookie{
		Name: s.cookie(), Value: token, Path: "/", HttpOnly: true, Secure: s.Certificate != nil, SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func loopback(origin string) bool {
	ip := net.ParseIP(origin)
	return ip != nil && ip.IsLoopback()
}

// local returns a path of this page to go to after signing in.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// A failure is an error that is answered to who asks, in their language.
type failure struct {
	status int
	key    text.Key
	args   []any
}

func problem(status int, key text.Key, args ...any) *failure { return &failure{status, key, args} }

// Error says it in English.
func (f *failure) Error() string { return text.T(text.English, f.key, f.args...) }

// failureOf says an error in words for people; one that nobody foresaw is logged
// and told as such.
func (s *Server) failureOf(r *http.Request, err error) *failure {
	var f *failure
	var locked *brake.Locked
	var limited *account.Limited
	var large *http.MaxBytesError
	var problems *config.Problems
	switch {
	case errors.As(err, &problems):
		return problem(http.StatusUnprocessableEntity, "web.error.problems", len(problems.List))
	case errors.As(err, &f):
		return f
	case errors.As(err, &locked):
		return problem(http.StatusTooManyRequests, "web.error.locked", int(locked.Wait.Seconds())+1)
	case errors.As(err, &limited):
		return problem(http.StatusTooManyRequests, "web.error.locked", int(limited.Wait.Seconds())+1)
	case errors.As(err, &large):
		return problem(http.StatusRequestEntityTooLarge, "web.error.large", large.Limit>>10)
	}
	for known, as := range map[error]failure{
		account.ErrName: {http.StatusUnprocessableEntity, "web.error.name", nil}, account.ErrPassword: {http.StatusUnprocessableEntity, "web.error.password", nil},
		account.ErrRole: {http.StatusUnprocessableEntity, "web.error.norole", nil}, account.ErrTaken: {http.StatusConflict, "web.error.taken", nil},
		account.ErrUnknown: {http.StatusNotFound, "web.error.nouser", nil}, account.ErrLast: {http.StatusConflict, "web.error.last", nil},
		account.ErrWrong: {http.StatusUnprocessableEntity, "web.error.wrong", nil}, account.ErrCode: {http.StatusForbidden, "web.error.code", nil},
		account.ErrScope: {http.StatusUnprocessableEntity, "web.error.noscope", nil}, account.ErrToken: {http.StatusUnauthorized, "web.error.token", nil},
		account.ErrTooMany: {http.StatusConflict, "web.error.tokens", nil},
		account.ErrDone:    {http.StatusConflict, "web.error.done", nil},
		revision.ErrStale:  {http.StatusConflict, "web.error.stale", nil}, revision.ErrSame: {http.StatusUnprocessableEntity, "web.error.same", nil},
		revision.ErrUnknown: {http.StatusNotFound, "web.error.missing", nil}, revision.ErrNoTrial: {http.StatusConflict, "web.error.notrial", nil},
		revision.ErrByHand: {http.StatusConflict, "web.error.byhand", nil},
	} {
		if errors.Is(err, known) {
			return &as
		}
	}
	if key := backup.Sentence(err); key != "" {
		return problem(http.StatusUnprocessableEntity, key)
	}
	if key, more := update.Sentence(err); key != "" {
		return problem(http.StatusUnprocessableEntity, key, more)
	}
	if r.Context().Err() == nil {
		s.Log.Error("page", "path", r.URL.Path, "error", err)
	}
	return problem(http.StatusInternalServerError, "web.error.internal")
}
