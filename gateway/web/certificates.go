package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"sentrybox/gateway/certificate"
	"sentrybox/gateway/revision"
)

// certificateRequest has certificates for a broker, as PEM: either ca, or cert and key.
type certificateRequest struct {
	CA   string `json:"ca,omitempty"`   // that the broker's must be signed by
	Cert string `json:"cert,omitempty"` // the gateway's own, with those that follow it
	Key  string `json:"key,omitempty"`  // its private key, which no passphrase guards
}

// certificateView is where certificates are kept: paths for an uplink's settings. A key is never sent to a browser.
type certificateView struct {
	CA      string    `json:"ca,omitempty"`
	Cert    string    `json:"cert,omitempty"`
	Key     string    `json:"key,omitempty"`
	Subject string    `json:"subject"`
	Issuer  string    `json:"issuer"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Text    string    `json:"text"`
}

// keepCertificate keeps certificates on the box. They are in use once the configuration names them.
func (s *Server) keepCertificate(r *http.Request) (any, error) {
	var in certificateRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	ca := in.CA != ""
	if ca == (in.Cert != "" || in.Key != "") {
		return nil, problem(http.StatusBadRequest, "web.error.json")
	}
	var out certificateView
	var about certificate.About
	var err error
	shelf := certificate.Shelf{Data: s.Running().Data, Now: s.Now}
	kind := "client"
	if ca {
		kind = "ca"
		out.CA, about, err = shelf.Authority([]byte(in.CA))
	} else {
		out.Cert, out.Key, about, err = shelf.Client([]byte(in.Cert), []byte(in.Key))
	}
	var flaw *certificate.Flaw
	if errors.As(err, &flaw) {
		return nil, problem(http.StatusUnprocessableEntity, flaw.Key, flaw.Args...)
	}
	if err != nil {
		return nil, err
	}
	out.Subject, out.Issuer, out.From, out.Until = about.Subject, about.Issuer, about.From.UTC(), about.Until.UTC()
	out.Text = about.Say(from(r).lang)
	s.Accounts.Audit(context.WithoutCancel(r.Context()), from(r).actor(), "uplink.certificate", kind+" "+filepath.Base(cmp.Or(out.CA, out.Cert))+" "+about.Subject)
	return out, nil
}

// certificatesOf says what the certificates of a broker are, as far as they can be read.
func (s *Server) certificatesOf(r *http.Request, u revision.Fields, v *uplinkSettings) {
	said := func(key string) string {
		path := u.Text(key)
		if path == "" {
			return ""
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(s.Path), path)
		}
		about, err := certificate.Look(path)
		if err != nil {
			return "" // the check of the configuration says why
		}
		return about.Say(from(r).lang)
	}
	cert, key := u.Text("cert"), u.Text("key")
	v.CA, v.CAText, v.Cert, v.CertText, v.Key = u.Text("ca"), said("ca"), &cert, said("cert"), &key
}
