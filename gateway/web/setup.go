package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"sentrybox/gateway/config"
	"sentrybox/gateway/survey"
	"sentrybox/gateway/text"
)

// setupForm is the first page of a new box.
type setupForm struct {
	form
	// New says that there is no configuration yet, so that what is below is asked too.
	New                             bool
	ID, Street, Community, Timezone string
	Now                             time.Time // the box's clock
	ClockSet                        bool
	Zone                            string
	Networks                        []survey.Network
}

// blank says whether the configuration says nothing yet.
func (s *Server) blank(r *http.Request) (bool, error) {
	if s.Care == nil {
		return false, nil
	}
	_, body, err := s.Care.Current(r.Context())
	return config.Empty(body), err
}

// current is the configuration that a change begins with: where it says nothing, the least
// that this box could have.
func (s *Server) current(r *http.Request) ([]byte, error) {
	_, body, err := s.Care.Current(r.Context())
	if err != nil || !config.Empty(body) {
		return body, err
	}
	now := s.Running()
	f := setupForm{ID: now.Gateway.ID, Street: now.Gateway.Street, Community: now.Gateway.Community, Timezone: now.Gateway.Timezone}
	return f.document(now), nil
}

// look fills in what the page shows of the box.
func (f *setupForm) look(s *Server, r *http.Request) error {
	var err error
	if f.New, err = s.blank(r); err != nil {
		return err
	}
	f.Now = s.Now()
	f.Zone, _ = f.Now.Zone()
	if f.ID == "" {
		f.ID = s.Running().Gateway.ID
	}
	st, err := s.look(r.Context())
	f.ClockSet = st.ClockSet
	f.Networks, _ = survey.Networks() // shown where there are any
	return err
}

func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) {
	var f setupForm
	if err := f.look(s, r); err != nil {
		s.fail(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, "setup", f)
}

// claim sets the first password, and writes the first configuration where there is none.
func (s *Server) claim(w http.ResponseWriter, r *http.Request) {
	trim := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := setupForm{form: form{Name: trim("name"), Code: r.PostFormValue("code")}, ID: trim("id"), Street: trim("street"), Community: trim("community"), Timezone: trim("timezone")}
	if err := f.look(s, r); err != nil {
		s.fail(w, r, err)
		return
	}
	if r.PostFormValue("password") != r.PostFormValue("repeat") {
		s.setupAgain(w, r, f, problem(http.StatusUnprocessableEntity, "web.error.repeat"))
		return
	}
	apply := func() {}
	first := func() (err error) {
		if f.New {
			apply, err = s.Care.Begin(r.Context(), f.Name, f.document(s.Running()))
		}
		return err
	}
	token, err := s.Accounts.Claim(r.Context(), f.Code, f.Name, r.PostFormValue("password"), from(r).origin, first)
	if err != nil {
		s.setupAgain(w, r, f, err)
		return
	}
	s.remember(w, token)
	if !f.New {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	// The page begins again with it: setup.js waits for that; without scripts the browser does.
	w.Header().Set("Refresh", "8; url=/cameras/add")
	s.show(w, r, http.StatusOK, "started", nil)
	apply()
}

// document is the first configuration, in the folder and at the address of now.
func (f *setupForm) document(now *config.Config) []byte {
	c := config.First{ID: f.ID, Street: f.Street, Community: f.Community, Timezone: f.Timezone, Data: now.Data, Listen: now.Web.Listen}
	return c.Document()
}

// setupAgain shows the form once more, with what is wrong with it.
func (s *Server) setupAgain(w http.ResponseWriter, r *http.Request, f setupForm, err error) {
	said, l := s.failureOf(r, err), from(r).lang
	f.Error = text.T(l, said.key, said.args...)
	var problems *config.Problems
	if errors.As(err, &problems) {
		var all []string
		for _, p := range problems.List {
			label := text.Key("web.settings." + strings.TrimPrefix(p.Path, "gateway."))
			name := p.Path
			if text.Has(label) {
				name = text.T(l, label)
			}
			all = append(all, name+text.T(l, "web.dash")+p.Message(l))
		}
		f.Error = text.T(l, "web.setup.problems") + " " + strings.Join(all, text.T(l, "js.also"))
	}
	s.show(w, r, said.status, "setup", f)
}
