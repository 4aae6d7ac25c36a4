package digest

import (
	"net/http"
	"strings"
	"testing"
)

// TestDigestRFC7616 is the example of RFC 7616 section 3.9.1.
func TestDigestRFC7616(t *testing.T) {
	h := http.Header{}
	h.Add("WWW-Authenticate", `Basic realm="x"`)
	h.Add("WWW-Authenticate", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`)
	h.Add("WWW-Authenticate", `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`)
	c := Best(h.Values("WWW-Authenticate"))
	if c == nil || c.Algorithm != "SHA-256" || !c.QOP || c.Realm != "http-auth@example.org" || c.Opaque != "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS" {
		t.Fatalf("%+v", c)
	}
	const cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	got, err := c.authorizeWith(cnonce, "GET", "/dir/index.html", "Mufasa", "Circle of Life")
	if err != nil || !strings.Contains(got, `nc=00000001, cnonce="`+cnonce+`", response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`) || !strings.Contains(got, "algorithm=SHA-256") {
		t.Errorf("%s, %v", got, err)
	}
	c = Best(h.Values("WWW-Authenticate")[:2])
	got, err = c.authorizeWith(cnonce, "GET", "/dir/index.html", "Mufasa", "Circle of Life")
	if err != nil || !strings.Contains(got, `response="8ca523f5e9506fed4657c9700eebdbec"`) {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{`Digest nonce="x", algorithm=MD6`, `Digest realm="x"`, `Digest`, `Negotiate x`} {
		if c := Best([]string{bad}); c != nil {
			t.Errorf("%q was taken: %+v", bad, c)
		}
	}
	c = Best([]string{`Digest realm="a\"b", nonce=unquoted, stale=TRUE`})
	if c == nil || c.Realm != `a"b` || c.Nonce != "unquoted" || !c.Stale || c.QOP {
		t.Errorf("%+v", c)
	}
	// Without qop, as RFC 2069: HA1:nonce:HA2.
	if got, _ := c.Authorize("POST", "/", "u", "p"); !strings.Contains(got, `realm="a\"b"`) || strings.Contains(got, "nc=") {
		t.Error(got)
	}
}

// TestRight holds both sides against each other, and looks at what is refused.
func TestRight(t *testing.T) {
	for _, offer := range []string{
		`Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256`, `Digest realm="r", nonce="n", qop="auth"`,
		`Digest realm="r", nonce="n"`, `Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess`,
	} {
		header, err := Best([]string{offer}).Authorize("REGISTER", "sip:10.0.0.1", "door", "secret")
		if err != nil {
			t.Fatal(err)
		}
		c, ok := ParseCredentials(header)
		if !ok || c.User != "door" || c.Nonce != "n" || !c.Right("REGISTER", "secret") {
			t.Errorf("%s: %+v", offer, c)
		}
		if c.Right("REGISTER", "Secret") || c.Right("INVITE", "secret") {
			t.Errorf("%s: passes what is wrong", offer)
		}
	}
	for _, bad := range []string{
		"", "Digest", `Basic eA==`, `Digest username="u", nonce="n", uri="x", response="r", algorithm=MD6`,
		`Digest username="u", nonce="n", uri="x", response="r", qop=auth`, `Digest username="u", nonce="n", uri="x", response="r", qop=auth-int, cnonce="c", nc=00000001`,
		`Digest username="` + strings.Repeat("u", 3000) + `", nonce="n", uri="x", response="r"`,
	} {
		if c, ok := ParseCredentials(bad); ok {
			t.Errorf("%.60q is taken: %+v", bad, c)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="a\"b", nonce="x", qop="auth,auth-int", algorithm=SHA-256-sess, opaque=""`)
	f.Add(`Digest nonce=",,=,", realm=`)
	f.Add(`Digest realm="a\"b", nonce=unquoted, stale=TRUE`)
	f.Add(`Digest username="u", nonce="n", uri="x", response="r", qop=auth, cnonce="c", nc=00000001`)
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := ParseCredentials(s); ok {
			_ = c.Right("GET", "p")
		}
		c := Best([]string{s})
		if c == nil {
			return
		}
		got, err := c.Authorize("POST", "/", "user", "password")
		if err == nil && strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q", got)
		}
	})
}
