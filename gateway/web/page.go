package web

import (
	"embed"
	"net/http"

	"sentrybox/gateway/pages"
	"sentrybox/gateway/web/account"
)

//go:embed assets pages
var files embed.FS

// view is what a template shows.
type view struct {
	pages.View
	Role    account.Role
	Version string
	Secure  bool // over TLS
	Exposed bool // to who listens on the network
}

// May says whether the user's role is enough.
func (v view) May(least account.Role) bool { return v.Role.May(least) }

// page makes a handler of a template.
func page(name string) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) { s.show(w, r, http.StatusOK, name, nil) }
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	q := from(r)
	v := view{
		View: s.pages.View(r, q.lang, name, "js.", data), Role: q.Role, Version: s.Version,
		Secure: s.Certificate != nil, Exposed: s.Certificate == nil && !loopback(q.origin),
	}
	v.User, v.CSRF = q.User, q.CSRF
	if err := s.pages.Show(w, status, name, v); err != nil {
		s.Log.Error("a page cannot be shown", "page", name, "error", err)
		http.Error(w, "500", http.StatusInternalServerError)
	}
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	if !s.pages.ServeAsset(w, r) {
		http.NotFound(w, r)
	}
}

// authority hands out the certificate authority of the box.
func (s *Server) authority(w http.ResponseWriter, r *http.Request) {
	if s.Authority == nil {
		s.notFound(w, r)
		return
	}
	pem, err := s.Authority()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="sentrybox-ca.crt"`)
	_, _ = w.Write(pem) // nobody is left to tell
}
