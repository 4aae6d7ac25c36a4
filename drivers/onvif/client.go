package onvif

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sentrybox/drivers/digest"
)

// Config says which device to ask, and who asks.
type Config struct {
	// Address is a host, host:port, or the URL of the device service, http or https;
	// http://host/onvif/device_service is the default.
	Address        string
	User, Password string
	// AllowPlain lets the password go over the line in clear, as the last way.
	AllowPlain bool
	// InsecureTLS accepts any certificate of an https address.
	InsecureTLS bool
	Timeout     time.Duration // of one exchange; 10 s

	// Dial connects; a net.Dialer's DialContext when nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is our clock; time.Now when nil.
	Now func() time.Time
}

// Client asks one device. It is for one goroutine.
type Client struct {
	cfg      Config
	http     *http.Client
	device   *url.URL
	method   Method // by which we are signed in, "" while it is not known
	digest   *digest.Challenge
	offset   time.Duration
	clock    bool // offset is known
	attempts []Attempt
	barred   *Error // signing in failed: it is not tried again
	header   string // of WS-Addressing, in requests that have it
}

// New returns a Client. It asks nothing yet. Its errors do not show secrets.
func New(cfg Config) (*Client, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	raw := strings.TrimSpace(cfg.Address)
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("onvif: the address must be a host, host:port, or an http:// or https:// URL without a user")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/onvif/device_service"
	}
	u.RawQuery, u.Fragment = "", ""
	c := &Client{cfg: cfg, device: u}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            cfg.Dial,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: cfg.InsecureTLS, MinVersion: tls.VersionTLS12}, // the user's choice
			DisableCompression:     true,
			MaxConnsPerHost:        1,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close lets go of connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Attempts returns the ways of signing in that were tried so far.
func (c *Client) Attempts() []Attempt { return c.attempts }

// resolve turns an address of a service that the device gave into one that may be
// asked: on the device's own host.
func (c *Client) resolve(xaddr string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(xaddr))
	if err != nil || u.Path == "" {
		return nil
	}
	out := *c.device
	out.Path, out.RawPath = u.Path, u.RawPath
	if strings.EqualFold(u.Hostname(), c.device.Hostname()) && u.Scheme == c.device.Scheme {
		out.Host = u.Host
	}
	return &out
}

// ask sends a request and decodes the answer, signed in as well as is known. The
// first request that needs it signs in.
func ask[T any](ctx context.Context, c *Client, to *url.URL, body string) (T, error) {
	var none T
	if c.barred != nil {
		return none, c.barred
	}
	method := c.method
	if method == "" {
		method = None
	}
	a, err := c.send(ctx, to, body, method)
	if err != nil {
		return none, err
	}
	content, reason, err := open[T](a)
	if !errors.Is(err, errUnauthorized) {
		return content, err
	}
	if method == Digest {
		if fresh := digest.Best(a.header.Values("Www-Authenticate")); fresh != nil && fresh.Nonce != c.digest.Nonce {
			// The nonce has aged: the password was right before.
			c.digest = fresh
			if a, err = c.send(ctx, to, body, Digest); err != nil {
				return none, err
			}
			if content, reason, err = open[T](a); !errors.Is(err, errUnauthorized) {
				return content, err
			}
		}
	}
	if c.method != "" && c.method != None {
		return none, failed(Refused, "the device does not let this user do that (%s)", c.tell(reason))
	}
	return signIn[T](ctx, c, to, body, a, reason)
}

// signIn tries the ways of signing in with a request that was just answered by first,
// for which the device gave reason.
func signIn[T any](ctx context.Context, c *Client, to *url.URL, body string, first answer, reason string) (T, error) {
	var none T
	if c.cfg.User == "" {
		c.barred = failed(Refused, "the device wants a user and a password (%s)", c.tell(reason))
		return none, c.barred
	}
	if lockedOut(reason) {
		c.barred = refused([]Attempt{{Method: None, Reason: c.tell(reason)}}, c.clock)
		return none, c.barred
	}
	ways := []Method{Digest, Token}
	if c.cfg.AllowPlain {
		ways = append(ways, Plain)
	}
	for _, way := range ways {
		if way == Digest {
			if c.digest = digest.Best(first.header.Values("Www-Authenticate")); c.digest == nil {
				c.attempts = append(c.attempts, Attempt{Method: Digest, Reason: "not offered"})
				continue
			}
		}
		a, err := c.send(ctx, to, body, way)
		if err != nil {
			return none, err
		}
		content, why, err := open[T](a)
		if !errors.Is(err, errUnauthorized) {
			c.attempts = append(c.attempts, Attempt{Method: way, Well: true})
			c.method = way
			return content, err
		}
		c.attempts = append(c.attempts, Attempt{Method: way, Reason: c.tell(why)})
		if lockedOut(why) {
			break
		}
	}
	c.barred = refused(c.attempts, c.clock)
	return none, c.barred
}

// send sends a request once, in a given way.
func (c *Client) send(ctx context.Context, to *url.URL, body string, way Method) (answer, error) {
	header, auth := c.header, ""
	switch way {
	case Digest:
		var err error
		if auth, err = c.digest.Authorize(http.MethodPost, to.RequestURI(), c.cfg.User, c.cfg.Password); err != nil {
			return answer{}, failed(NotONVIF, "%v", err)
		}
	case Token, Plain:
		header += usernameToken(c.cfg.User, c.cfg.Password, way == Plain, c.cfg.Now().Add(c.offset))
	}
	return c.post(ctx, to, message(header, body), auth)
}

// tell makes a reason of the device one that may be shown, even if it has the password.
func (c *Client) tell(reason string) string {
	if c.cfg.Password != "" {
		reason = strings.ReplaceAll(reason, c.cfg.Password, "***")
	}
	return clean(reason)
}

// String returns the device's host.
func (c *Client) String() string { return fmt.Sprintf("ONVIF device at %s", c.device.Host) }
