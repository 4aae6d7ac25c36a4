package duty

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"sentrybox/gateway/brake"
	"sentrybox/gateway/text"
)

const (
	maxName   = 64
	maxSecret = 1024
)

// form is the page to sign in, shown again with what was wrong.
type form struct{ Error, Name string }

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request, a *asker) error {
	c.show(w, r, a, http.StatusOK, "signin", form{})
	return nil
}

var errWrong = &failure{http.StatusForbidden, "duty.error.wrong"}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request, a *asker) error {
	name := strings.TrimSpace(r.PostFormValue("name"))
	token, err := c.begin(r.Context(), name, r.PostFormValue("password"), a.origin)
	var locked *brake.Locked
	if errors.Is(err, errWrong) || errors.As(err, &locked) {
		f := c.failureOf(r, err)
		c.show(w, r, a, f.status, "signin", form{text.T(a.lang, f.key), name})
		return nil
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: c.cookie(), Value: token, Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// begin checks a password and begins a session.
func (c *Console) begin(ctx context.Context, name, secret, from string) (token string, err error) {
	if len(name) > maxName || len(secret) > maxSecret || !utf8.ValidString(name) {
		return "", errWrong
	}
	if err := c.brake.Take(c.Now(), name, from); err != nil {
		return "", err
	}
	u, known := c.users[name]
	if !known {
		u.hash = c.nobody // takes as long
	}
	select {
	case c.hashing <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	fits := u.hash.Fits(secret)
	<-c.hashing
	if !fits || !known {
		if err := c.ledger.Audit(ctx, name, "signin.failed", "", from); err != nil {
			return "", err
		}
		return "", errWrong
	}
	c.brake.Fine(name, from)
	return c.ledger.Begin(ctx, name, from)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request, a *asker) error {
	if err := c.ledger.End(r.Context(), a.Session); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: c.cookie(), Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}
