package digest

import (
	"crypto/subtle"
	"strings"
)

// Credentials are what an Authorization header holds.
type Credentials struct {
	User, Realm, Nonce, URI, Algorithm, Opaque string
	QOP, CNonce, NC                            string
	Response                                   string
}

// ParseCredentials reads an Authorization header. It says whether it is one of Digest with all that
// its algorithm needs.
func ParseCredentials(header string) (Credentials, bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Digest") || len(header) > 2048 {
		return Credentials{}, false
	}
	p := Parameters(rest)
	c := Credentials{
		User: p["username"], Realm: p["realm"], Nonce: p["nonce"], URI: p["uri"], Algorithm: strings.ToUpper(p["algorithm"]), Opaque: p["opaque"],
		QOP: strings.ToLower(p["qop"]), CNonce: p["cnonce"], NC: p["nc"], Response: strings.ToLower(p["response"]),
	}
	if c.Algorithm == "" {
		c.Algorithm = "MD5"
	}
	whole := c.User != "" && c.Nonce != "" && c.URI != "" && c.Response != "" && hashOf(c.Algorithm) != nil
	switch {
	case c.QOP == "auth":
		whole = whole && c.CNonce != "" && len(c.NC) == 8
	case c.QOP != "":
		whole = false // auth-int is not offered
	case strings.HasSuffix(c.Algorithm, "-SESS"):
		whole = whole && c.CNonce != ""
	}
	return c, whole
}

// Right says whether the response is that of the password. The nonce, the realm and the user are for the
// caller to look at.
func (c *Credentials) Right(method, password string) bool {
	if hashOf(c.Algorithm) == nil {
		return false
	}
	want := respond(c.Algorithm, c.User, c.Realm, password, c.Nonce, c.NC, c.CNonce, c.QOP, method, c.URI)
	return subtle.ConstantTimeCompare([]byte(want), []byte(c.Response)) == 1
}
