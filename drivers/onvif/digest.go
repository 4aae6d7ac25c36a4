package onvif

import (
	"crypto/md5" //nolint:gosec // RFC 7616's
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strings"
)

// challenge is what a WWW-Authenticate header asks for (RFC 7616 section 3.3).
type challenge struct {
	realm, nonce, opaque, algorithm string
	qop                             bool // "auth" is offered
	stale                           bool
	count                           int // of requests with this nonce
}

// digestChallenge picks the best Digest challenge of an answer; nil if there is none.
func digestChallenge(h http.Header) *challenge {
	var best *challenge
	for i, v := range h.Values("Www-Authenticate") {
		if i == 8 {
			break
		}
		scheme, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
		if !strings.EqualFold(scheme, "Digest") {
			continue
		}
		p := parameters(rest)
		c := &challenge{realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], algorithm: strings.ToUpper(p["algorithm"]), stale: strings.EqualFold(p["stale"], "true")}
		for q := range strings.SplitSeq(p["qop"], ",") {
			c.qop = c.qop || strings.EqualFold(strings.TrimSpace(q), "auth")
		}
		if c.algorithm == "" {
			c.algorithm = "MD5"
		}
		if c.hash() == nil || c.nonce == "" {
			continue
		}
		if best == nil || strings.HasPrefix(c.algorithm, "SHA-256") && !strings.HasPrefix(best.algorithm, "SHA-256") {
			best = c
		}
	}
	return best
}

func (c *challenge) hash() func() hash.Hash {
	switch c.algorithm {
	case "MD5", "MD5-SESS":
		return md5.New
	case "SHA-256", "SHA-256-SESS":
		return sha256.New
	}
	return nil
}

// parameters reads key="value", … (RFC 9110 section 11.2).
func parameters(s string) map[string]string {
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

// authorize returns the Authorization header for a request (RFC 7616 section 3.4).
func (c *challenge) authorize(method, uri, user, password string) (string, error) {
	return c.authorizeWith(rand.Text(), method, uri, user, password)
}

func (c *challenge) authorizeWith(cnonce, method, uri, user, password string) (string, error) {
	// What goes between quotes of the header comes from the device, and from the user.
	for _, s := range []string{c.realm, c.nonce, c.opaque, user} {
		if strings.ContainsAny(s, "\r\n\x00") {
			return "", errors.New("a challenge that breaks HTTP")
		}
	}
	h := func(parts ...string) string {
		d := c.hash()()
		_, _ = d.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(d.Sum(nil))
	}
	c.count++
	nc := fmt.Sprintf("%08x", c.count)
	ha1 := h(user, c.realm, password)
	if strings.HasSuffix(c.algorithm, "-SESS") {
		ha1 = h(ha1, c.nonce, cnonce)
	}
	ha2 := h(method, uri)
	var b strings.Builder
	quote := func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
	fmt.Fprintf(&b, `Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s`, quote(user), quote(c.realm), quote(c.nonce), uri, c.algorithm)
	if c.qop {
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce="%s", response="%s"`, nc, cnonce, h(ha1, c.nonce, nc, cnonce, "auth", ha2))
	} else {
		fmt.Fprintf(&b, `, response="%s"`, h(ha1, c.nonce, ha2))
	}
	if c.opaque != "" {
		fmt.Fprintf(&b, `, opaque="%s"`, quote(c.opaque))
	}
	return b.String(), nil
}
