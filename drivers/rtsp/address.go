package rtsp

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// address is a camera's URL taken apart, and what hides its secrets.
type address struct {
	url    *base.URL
	host   string // without port, as it is dialled
	secure bool
	secret redactor
}

// credentials says whether the URL has a user.
func (a *address) credentials() bool { return a.url.User != nil }

// String returns the URL without user and password, and with passwords in its
// path or query hidden.
func (a *address) String() string {
	return a.secret.text(a.url.CloneWithoutCredentials().String())
}

// parseAddress takes a URL apart. Its errors never hold any of it but the
// scheme: net/url's own errors quote the whole URL.
func parseAddress(raw string) (*address, error) {
	raw = strings.TrimSpace(raw)
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case raw == "":
		return nil, errors.New("camera URL is empty")
	case !ok:
		return nil, errors.New("camera URL must begin with rtsp:// or rtsps://")
	case scheme != "rtsp" && scheme != "rtsps":
		return nil, fmt.Errorf("camera URL begins with %s://, must be rtsp:// or rtsps://", shorten(printable(scheme), 16))
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Opaque != "" {
		return nil, errors.New("camera URL is malformed (in a user or password, write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25)")
	}
	if err := checkURL(u, rest); err != nil {
		return nil, err
	}
	return &address{
		url:    (*base.URL)(u),
		host:   u.Hostname(),
		secure: scheme == "rtsps",
		secret: newRedactor(u, rest),
	}, nil
}

func checkURL(u *url.URL, rest string) error {
	if u.Hostname() == "" {
		return errors.New("camera URL names no host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return errors.New("camera URL has a port that is not in 1 to 65535")
		}
	}
	if u.Fragment != "" || strings.HasSuffix(rest, "#") {
		return errors.New("camera URL has a # in it, which must be written %23")
	}
	if u.User == nil {
		// rtsp://admin:12/3@10.0.0.11/ parses, as host admin and path /3@10.0.0.11/.
		_, err := netip.ParseAddr(u.Hostname())
		if err != nil && !strings.ContainsAny(u.Hostname(), ".") && u.Port() != "" && strings.Contains(u.Path, "@") {
			return errors.New("camera URL is ambiguous: in a user or password, write / as %2F and @ as %40")
		}
		return nil
	}
	pass, _ := u.User.Password()
	if hasControl(u.User.Username()) || hasControl(pass) {
		return errors.New("camera URL has a control character in its user or password")
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
