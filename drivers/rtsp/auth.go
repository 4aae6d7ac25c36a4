package rtsp

import (
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
)

// authenticator watches a session's requests and answers. The library answers
// the first 401 of a connection and takes every later one for a refusal; but
// cameras let nonces age (RFC 7616 section 3.3, stale), some after each use.
type authenticator struct {
	user, pass string

	mu       sync.Mutex
	scheme   string       // that the camera asked for, "" while it did not
	asked    bool         // the request under way has credentials
	accepted bool         // the camera has accepted them in this session
	again    bool         // the last 401 was about the nonce, not the password
	fresh    *auth.Sender // with the latest nonce, once there was more than one
	server   string       // the Server header
}

func (a *authenticator) onRequest(req *base.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fresh != nil {
		a.fresh.AddAuthorization(req)
	}
	_, a.asked = req.Header["Authorization"]
}

func (a *authenticator) onResponse(res *base.Response) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if v := res.Header["Server"]; len(v) > 0 {
		a.server = v[0]
	}
	if res.StatusCode != base.StatusUnauthorized {
		if a.asked && res.StatusCode == base.StatusOK {
			a.accepted = true
		}
		return
	}
	offers := res.Header["WWW-Authenticate"]
	a.scheme = schemes(offers)
	if !a.asked {
		return
	}
	a.again = a.accepted || isStale(offers)
	if !a.again {
		return
	}
	s := &auth.Sender{WWWAuth: offers, User: a.user, Pass: a.pass}
	if err := s.Initialize(); err != nil {
		a.again = false
		return
	}
	a.fresh = s
}

// retry says, once, whether a request that ended in 401 deserves another try
// with the nonce that came with it.
func (a *authenticator) retry() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	again := a.again
	a.again = false
	return again
}

func (a *authenticator) offered() (scheme, server string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scheme == "" {
		return "none", a.server
	}
	return a.scheme, a.server
}

func isStale(offers base.HeaderValue) bool {
	for _, v := range offers {
		var h headers.Authenticate
		if h.Unmarshal(base.HeaderValue{v}) == nil && h.Stale != nil && strings.EqualFold(*h.Stale, "true") {
			return true
		}
	}
	return false
}

// schemes names what WWW-Authenticate headers offer, in their order.
func schemes(offers base.HeaderValue) string {
	var names []string
	for _, v := range offers {
		var h headers.Authenticate
		switch err := h.Unmarshal(base.HeaderValue{v}); {
		case err != nil:
			name, _, _ := strings.Cut(v, " ")
			names = append(names, shorten(printable(name), 20)+" (not supported)")
		case h.Method == headers.AuthMethodBasic:
			names = append(names, "basic")
		case h.Algorithm != nil && *h.Algorithm == headers.AuthAlgorithmSHA256:
			names = append(names, "digest SHA-256")
		default:
			names = append(names, "digest MD5")
		}
	}
	if len(names) == 0 {
		return "unnamed"
	}
	return strings.Join(names, ", ")
}
