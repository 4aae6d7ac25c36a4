package web

import (
	"net/http"
	"strings"

	"sentrybox/gateway/text"
)

// form is a page with fields to fill in, shown again with what was wrong.
type form struct {
	Error string
	Name  string
	Code  string
	Next  string
}

// again shows a form once more, with what is wrong with it.
func (s *Server) again(w http.ResponseWriter, r *http.Request, name string, f form, err error) {
	said := s.failureOf(r, err)
	f.Error = text.T(from(r).lang, said.key, said.args...)
	s.show(w, r, said.status, name, f)
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, "signin", form{Next: local(r.URL.Query().Get("next"))})
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	f := form{Name: strings.TrimSpace(r.PostFormValue("name")), Next: local(r.PostFormValue("next"))}
	token, err := s.Accounts.SignIn(r.Context(), f.Name, r.PostFormValue("password"), from(r).origin)
	if err != nil {
		s.again(w, r, "signin", f, err)
		return
	}
	if c, err := r.Cookie(s.cookie()); err == nil { // the one of before is of no more use
		s.Accounts.SignOut(r.Context(), c.Value)
	}
	s.remember(w, token)
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	s.Accounts.SignOut(r.Context(), from(r).token)
	s.remember(w, "")
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}
