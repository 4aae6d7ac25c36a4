package strict

import (
	"regexp"
	"strings"
)

// Hidden stands where a password would.
const Hidden = "***"

// XiongMai and many others carry the password as a parameter of the path or
// the query: /user=admin&password=x&channel=1.
var passwordParam = regexp.MustCompile(`(?i)((?:password|passwd|pass|pwd|psw|token|secret)=)[^&#;?\s]*`)

// Redact hides every password in an address. It must work on what is not a
// valid one too, such as with an unescaped / in the password, and so takes all
// up to the last @ for user information: rather too much is Hidden than too
// little.
func Redact(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", s
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if colon := strings.IndexByte(rest[:at], ':'); colon >= 0 {
			s = scheme + rest[:colon+1] + Hidden + rest[at:]
		}
	}
	return passwordParam.ReplaceAllString(s, "${1}"+Hidden)
}
