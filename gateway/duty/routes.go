package duty

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"sentrybox/gateway/brake"
	"sentrybox/gateway/duty/feed"
	"sentrybox/gateway/duty/ledger"
	"sentrybox/gateway/pages"
	"sentrybox/gateway/text"
)

const (
	cookiePlain  = "sentrybox-duty"
	cookieSecure = "__Host-sentrybox-duty"
	supervisor   = "supervisor"
)

// asker is what a handler knows of who asks.
type asker struct {
	ledger.Session
	token  string
	role   string
	origin string
	lang   text.Lang
}

// who is on duty: the person who was chosen, else the account.
func (a *asker) who() string {
	if a.Person != "" {
		return a.Person
	}
	return a.Account
}

// route is something that answers.
type route struct {
	method, path string
	open         bool   // without a session
	role         string // supervisor, or "" for everybody who is signed in
	handle       func(*Console, http.ResponseWriter, *http.Request, *asker) error
}

// routes is all that answers.
func routes() []route {
	return []route{
		{"GET", "/assets/{name}", true, "", (*Console).asset},
		{"GET", "/signin", true, "", (*Console).signInPage},
		{"POST", "/signin", true, "", (*Console).signIn},
		{"POST", "/signout", false, "", (*Console).signOut},
		{"GET", "/{$}", false, "", page("console")},
		{"GET", "/history", false, "", (*Console).historyPage},
		{"GET", "/report", false, "", (*Console).reportPage},
		{"GET", "/report.csv", false, "", (*Console).reportCSV},
		{"GET", "/card", false, "", page("card")},
		{"GET", "/audit", false, supervisor, (*Console).auditPage},
		{"GET", "/api/state", false, "", (*Console).state},
		{"GET", "/api/events", false, "", (*Console).events},
		{"POST", "/api/shift", false, "", (*Console).shift},
		{"POST", "/api/answer", false, "", (*Console).answer},
		{"POST", "/api/undo", false, "", (*Console).undo},
		{"GET", "/api/alerts", false, "", (*Console).past},
		{"GET", "/api/alerts/{id}", false, "", (*Console).history},
		{"GET", "/thumb/{id}", false, "", (*Console).thumb},
		{"POST", "/api/clip/{id}", false, "", (*Console).askClip},
		{"POST", "/api/voice/{id}", false, "", (*Console).askVoice},
		{"POST", "/api/picture/{id}", false, "", (*Console).askPicture},
		{"GET", "/clip/{id}", false, "", (*Console).clip},
		{"GET", "/clip/{id}/pictures", false, "", (*Console).pictures},
		{"GET", "/voice/{id}", false, "", (*Console).voice},
	}
}

func (c *Console) handler() (http.Handler, error) {
	var err error
	if c.pages, err = pages.Read(files); err != nil {
		return nil, err
	}
	c.secure = c.Config.Secure()
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.Handle(r.method+" "+r.path, c.guard(r))
	}
	mux.Handle("/", c.guard(route{handle: func(*Console, http.ResponseWriter, *http.Request, *asker) error {
		return &failure{http.StatusNotFound, "duty.error.missing"}
	}}))
	return pages.Headers(http.NewCrossOriginProtection().Handler(mux), ""), nil
}

// guard lets through who may ask.
func (c *Console) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		a := &asker{origin: pages.Origin(r), lang: pages.Language(w, r, c.secure)}
		if err := c.admit(rt, r, a); err != nil {
			c.fail(w, r, a, err)
			return
		}
		if err := rt.handle(c, w, r, a); err != nil {
			c.fail(w, r, a, err)
		}
	})
}

func (c *Console) admit(rt route, r *http.Request, a *asker) error {
	if rt.open {
		return nil
	}
	cookie, err := r.Cookie(c.cookie())
	if err != nil {
		return errSignIn
	}
	s, ok, err := c.ledger.Session(r.Context(), cookie.Value)
	if err != nil {
		return err
	}
	u, known := c.users[s.Account]
	if !ok || !known { // a user who was taken out of the config has no session any more
		return errSignIn
	}
	a.Session, a.token, a.role = s, cookie.Value, u.role
	if rt.role != "" && rt.role != u.role {
		return &failure{http.StatusForbidden, "duty.error.role"}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && subtle.ConstantTimeCompare([]byte(pages.CSRF(r)), []byte(s.CSRF)) != 1 {
		return &failure{http.StatusForbidden, "duty.error.csrf"}
	}
	return nil
}

func (c *Console) cookie() string {
	if c.secure {
		return cookieSecure
	}
	return cookiePlain
}

// failure is an error that is told to who asks.
type failure struct {
	status int
	key    text.Key
}

// Error says it in English.
func (f *failure) Error() string { return text.T(text.English, f.key) }

var errSignIn = &failure{http.StatusUnauthorized, "duty.error.signin"}

func (c *Console) fail(w http.ResponseWriter, r *http.Request, a *asker, err error) {
	f := c.failureOf(r, err)
	api := strings.HasPrefix(r.URL.Path, "/api/")
	switch {
	case f == errSignIn && !api && r.Method == http.MethodGet:
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	case api:
		pages.WriteJSON(w, f.status, map[string]string{"error": text.T(a.lang, f.key)})
	default:
		c.show(w, r, a, f.status, "error", text.T(a.lang, f.key))
	}
}

func (c *Console) failureOf(r *http.Request, err error) *failure {
	var f *failure
	var locked *brake.Locked
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &locked):
		return &failure{http.StatusTooManyRequests, "duty.error.locked"}
	case errors.As(err, &large):
		return &failure{http.StatusRequestEntityTooLarge, "duty.error.request"}
	case errors.Is(err, ledger.ErrUnknown):
		return &failure{http.StatusNotFound, "duty.error.missing"}
	case errors.Is(err, feed.ErrOffline):
		return &failure{http.StatusServiceUnavailable, "duty.error.offline"}
	}
	if r.Context().Err() == nil {
		c.Log.Error("page", "path", r.URL.Path, "error", err)
	}
	return &failure{http.StatusInternalServerError, "duty.error.internal"}
}

// read decodes the body of a request strictly.
func read(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	if err != nil || dec.Decode(new(any)) != io.EOF {
		return &failure{http.StatusBadRequest, "duty.error.request"}
	}
	return nil
}
