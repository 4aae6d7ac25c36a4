package pages

import (
	"encoding/json"
	"mime"
	"net"
	"net/http"

	"sentrybox/gateway/text"
)

// HeaderCSRF is the header by which scripts send a session's CSRF token.
const HeaderCSRF = "X-CSRF-Token"

// CSRF returns the token that came with a change: in a header, or in a form.
func CSRF(r *http.Request) string {
	if t := r.Header.Get(HeaderCSRF); t != "" {
		return t
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		return r.PostFormValue("csrf")
	}
	return ""
}

// Origin returns the address that a request comes from, without its port.
func Origin(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Headers sets what every answer has. Nothing is loaded from elsewhere, nothing runs that is not a file of the
// site, and no other page may frame this one. Pictures and sound may also come from made, such as blob:.
func Headers(next http.Handler, made string) http.Handler {
	if made != "" {
		made = " " + made
	}
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" + made + "; media-src 'self'" + made + "; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

const cookieLang = "lang"

// Language is the one that was chosen, Chinese at first. ?lang= chooses, for as long as browsers keep a
// cookie (400 days); secure keeps the cookie to TLS.
func Language(w http.ResponseWriter, r *http.Request, secure bool) text.Lang {
	l, chosen := known(r.URL.Query().Get("lang"))
	if chosen {
		http.SetCookie(w, &http.Cookie{
			Name: cookieLang, Value: string(l), Path: "/", MaxAge: 400 * 24 * 3600, HttpOnly: true, Secure: secure,
			SameSite: http.SameSiteLaxMode,
		})
		return l
	}
	if c, err := r.Cookie(cookieLang); err == nil {
		if l, ok := known(c.Value); ok {
			return l
		}
	}
	return text.Chinese
}

func known(lang string) (text.Lang, bool) {
	switch l := text.Lang(lang); l {
	case text.Chinese, text.English:
		return l, true
	}
	return "", false
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // nobody is left to tell
}
