package onviftest

import (
	"crypto/md5" // RFC 7616's
	"fmt"
	"regexp"
	"strconv"
)

var parameter = regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))`)

// digestRight checks a Digest answer (RFC 7616 section 3.4), whose nonce's count must grow.
func (s *Server) digestRight(auth, uri string) bool {
	p := map[string]string{}
	for _, m := range parameter.FindAllStringSubmatch(auth, 32) {
		p[m[1]] = m[2] + m[3]
	}
	last, known := s.nonces[p["nonce"]]
	count, err := strconv.ParseUint(p["nc"], 16, 31)
	if !known || err != nil || int(count) <= last || p["username"] != s.User || p["uri"] != uri || p["opaque"] != "abc" {
		return false
	}
	h := func(v string) string { return fmt.Sprintf("%x", md5.Sum([]byte(v))) } // RFC 7616's
	ha1 := h(s.User + `:IP Camera("1"):` + s.Password)
	want := h(ha1 + ":" + p["nonce"] + ":" + p["nc"] + ":" + p["cnonce"] + ":auth:" + h("POST:"+uri))
	if p["response"] != want {
		return false
	}
	s.nonces[p["nonce"]] = int(count)
	return true
}
