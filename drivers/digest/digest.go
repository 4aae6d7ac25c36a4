// Package digest is Digest access authentication (RFC 7616) for HTTP and SIP: answering a
// challenge as a client does, and looking at credentials as a server does.
//
// MD5 and SHA-256 with their -sess forms, qop=auth, and none as in RFC 2069, which old
// devices speak.
package digest

import (
	"crypto/md5" // RFC 7616's, and all that many devices know
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// Challenge is what a WWW-Authenticate header asks for (RFC 7616 section 3.3).
type Challenge struct {
	Realm, Nonce, Opaque, Algorithm string
	QOP                             bool // "auth" is offered
	Stale                           bool
	count                           int // of requests with this nonce
}

// Best picks the best Digest challenge among the values of WWW-Authenticate headers; nil if
// there is none.
func Best(values []string) *Challenge {
	var best *Challenge
	for i, v := range values {
		if i == 8 {
			break
		}
		scheme, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
		if !strings.EqualFold(scheme, "Digest") {
			continue
		}
		p := Parameters(rest)
		c := &Challenge{Realm: p["realm"], Nonce: p["nonce"], Opaque: p["opaque"], Algorithm: strings.ToUpper(p["algorithm"]), Stale: strings.EqualFold(p["stale"], "true")}
		for q := range strings.SplitSeq(p["qop"], ",") {
			c.QOP = c.QOP || strings.EqualFold(strings.TrimSpace(q), "auth")
		}
		if c.Algorithm == "" {
			c.Algorithm = "MD5"
		}
		if c.hash() == nil || c.Nonce == "" {
			continue
		}
		if best == nil || strings.HasPrefix(c.Algorithm, "SHA-256") && !strings.HasPrefix(best.Algorithm, "SHA-256") {
			best = c
		}
	}
	return best
}

func (c *Challenge) hash() func() hash.Hash { return hashOf(c.Algorithm) }

// hashOf returns the hash of an algorithm in capitals; nil if it is unknown.
func hashOf(algorithm string) func() hash.Hash {
	switch algorithm {
	case "MD5", "MD5-SESS":
		return md5.New
	case "SHA-256", "SHA-256-SESS":
		return sha256.New
	}
	return nil
}

// Parameters reads key="value", … (RFC 9110 section 11.2).
func Parameters(s string) map[string]string {
	p := map[string]string{}
	for len(p) < 16 {
		s = strings.TrimLeft(s, ", \t")
		key, rest, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		key = strings.ToLower(strings.TrimSpace(key))
		rest = strings.TrimLeft(rest, " \t")
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest = quoted(rest[1:])
		} else {
			value, rest, _ = strings.Cut(rest, ",")
			value = strings.TrimSpace(value)
		}
		p[key] = value
		s = rest
	}
	return p
}

// quoted reads a quoted-string whose first quote is gone.
func quoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// Authorize returns the Authorization header for a request (RFC 7616 section 3.4).
func (c *Challenge) Authorize(method, uri, user, password string) (string, error) {
	return c.authorizeWith(rand.Text(), method, uri, user, password)
}

func (c *Challenge) authorizeWith(cnonce, method, uri, user, password string) (string, error) {
	// What goes between quotes of the header comes from the device, and from the user.
	for _, s := range []string{c.Realm, c.Nonce, c.Opaque, user} {
		if strings.ContainsAny(s, "\r\n\x00") {
			return "", errors.New("a challenge that breaks HTTP")
		}
	}
	c.count++
	nc := fmt.Sprintf("%08x", c.count)
	count, qop := "", ""
	if c.QOP {
		count, qop = nc, "auth"
	}
	response := respond(c.Algorithm, user, c.Realm, password, c.Nonce, count, cnonce, qop, method, uri)
	var b strings.Builder
	quote := func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s`, quote(user), quote(c.Realm), quote(c.Nonce), uri, c.Algorithm)
	if c.QOP {
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s", response="%s"`, nc, cnonce, response)
	} else {
		fmt.Fprintf(&b, `, response="%s"`, response)
	}
	if c.Opaque != "" {
		fmt.Fprintf(&b, `, opaque="%s"`, quote(c.Opaque))
	}
	return b.String(), nil
}

// respond computes a response (RFC 7616 section 3.4.1; RFC 2069 if qop is empty).
func respond(algorithm, user, realm, password, nonce, nc, cnonce, qop, method, uri string) string {
	h := func(parts ...string) string {
		d := hashOf(algorithm)()
		_, _ = d.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(d.Sum(nil))
	}
	ha1 := h(user, realm, password)
	if strings.HasSuffix(algorithm, "-SESS") {
		ha1 = h(ha1, nonce, cnonce)
	}
	if qop == "" {
		return h(ha1, nonce, h(method, uri))
	}
	return h(ha1, nonce, nc, cnonce, qop, h(method, uri))
}
