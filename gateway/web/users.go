package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sentrybox/gateway/text"
	"sentrybox/gateway/web/account"
)

// done is the answer of what has nothing to say.
type done struct{}

type userView struct {
	account.User
	RoleText string `json:"role_text"`
}

func (s *Server) listUsers(r *http.Request) (any, error) {
	users, err := s.Accounts.Users(r.Context())
	all := make([]userView, len(users))
	for i, u := range users {
		all[i] = userView{User: u, RoleText: text.T(from(r).lang, text.Key("role."+string(u.Role)))}
	}
	return all, err
}

// newUser is a user to be made.
type newUser struct {
	Name     string       `json:"name"`
	Role     account.Role `json:"role"`
	Password string       `json:"password"`
}

func (s *Server) addUser(r *http.Request) (any, error) {
	var in newUser
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return done{}, s.Accounts.Add(r.Context(), from(r).actor(), in.Name, in.Role, in.Password)
}

// userChange changes a role, a password, or both.
type userChange struct {
	Role     account.Role `json:"role"`
	Password string       `json:"password"`
}

// changeUser sets a role, a password, or both.
func (s *Server) changeUser(r *http.Request) (any, error) {
	var in userChange
	if err := read(r, &in); err != nil {
		return nil, err
	}
	name, q := r.PathValue("name"), from(r)
	if in.Role != "" {
		if err := s.Accounts.SetRole(r.Context(), q.actor(), name, in.Role); err != nil {
			return nil, err
		}
	}
	if in.Password != "" {
		return done{}, s.Accounts.SetPassword(r.Context(), q.actor(), name, in.Password, q.token)
	}
	return done{}, nil
}

func (s *Server) removeUser(r *http.Request) (any, error) {
	return done{}, s.Accounts.Remove(r.Context(), from(r).actor(), r.PathValue("name"))
}

// passwordChange is the old and the new password of who asks.
type passwordChange struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// ownPassword changes the password of who asks, who must know the old one.
func (s *Server) ownPassword(r *http.Request) (any, error) {
	var in passwordChange
	if err := read(r, &in); err != nil {
		return nil, err
	}
	q := from(r)
	if err := s.Accounts.Check(r.Context(), q.User, in.Old, q.origin); err != nil {
		return nil, err
	}
	return done{}, s.Accounts.SetPassword(r.Context(), q.actor(), q.User, in.New, q.token)
}

// entriesAtOnce is how much of the audit log one answer has.
const entriesAtOnce = 100

type entryView struct {
	account.Entry
	Text string `json:"text"` // of the action
}

// listAudit answers with entries of the audit log, newest first; ?before= goes on.
func (s *Server) listAudit(r *http.Request) (any, error) {
	before := int64(0)
	if b := r.URL.Query().Get("before"); b != "" {
		var err error
		if before, err = strconv.ParseInt(b, 10, 64); err != nil || before < 1 {
			return nil, problem(http.StatusBadRequest, "web.error.json")
		}
	}
	q := r.URL.Query()
	entries, err := s.Accounts.Entries(r.Context(), account.Asked{Before: before, Who: q.Get("who"), Action: q.Get("action")}, entriesAtOnce)
	all := make([]entryView, len(entries))
	for i, e := range entries {
		e.At = e.At.UTC().Truncate(time.Second)
		e.Detail = detailText(&e, from(r).lang)
		all[i] = entryView{Entry: e, Text: text.T(from(r).lang, text.Key("audit."+e.Action))}
	}
	return all, err
}

// detailText says the role or the scope that an entry ends in.
func detailText(e *account.Entry, l text.Lang) string {
	kind := map[string]string{"user.add": "role.", "user.role": "role.", "token.use": "scope.", "token.add": "scope."}[e.Action]
	at := strings.LastIndexByte(e.Detail, ' ') + 1
	if key := text.Key(kind + e.Detail[at:]); kind != "" && text.Has(key) {
		return e.Detail[:at] + text.T(l, key)
	}
	return e.Detail
}
