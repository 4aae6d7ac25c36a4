package isapi

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"sentrybox/drivers/digest"
)

const (
	alertStream = "/ISAPI/Event/notification/alertStream"
	callStatus  = "/ISAPI/VideoIntercom/callStatus?format=json"
)

// errRefused means that the device does not take the user or the password.
var errRefused = errors.New("the device refuses this user or password")

// client asks one device.
type client struct {
	cfg  *Config
	base string
	http *http.Client

	mu        sync.Mutex
	challenge *digest.Challenge // guarded by mu
}

func newClient(cfg *Config, base string) *client {
	d := net.Dialer{Timeout: answerWithin}
	return &client{cfg: cfg, base: base, http: &http.Client{
		Transport: &http.Transport{
			DialContext:            d.DialContext,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: cfg.InsecureTLS, MinVersion: tls.VersionTLS12}, // the user's choice
			TLSHandshakeTimeout:    answerWithin,
			ResponseHeaderTimeout:  answerWithin,
			DisableCompression:     true,
			MaxConnsPerHost:        3,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get asks for a path, signed in. A nonce that has aged is renewed once.
func (c *client) get(ctx context.Context, path string) (*http.Response, error) {
	for try := range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
		if err != nil {
			return nil, fmt.Errorf("ask the device: %w", err)
		}
		c.mu.Lock()
		used := c.challenge
		if used != nil {
			auth, err := used.Authorize(http.MethodGet, path, c.cfg.User, c.cfg.Password)
			if err != nil {
				c.mu.Unlock()
				return nil, fmt.Errorf("sign in: %w", err)
			}
			req.Header.Set("Authorization", auth)
		}
		c.mu.Unlock()
		res, err := c.http.Do(req)
		if err != nil {
			return nil, explain(err)
		}
		if res.StatusCode == http.StatusOK {
			return res, nil
		}
		fresh := digest.Best(res.Header.Values("WWW-Authenticate"))
		_, _ = io.CopyN(io.Discard, res.Body, 4096)
		_ = res.Body.Close()
		switch {
		case res.StatusCode == http.StatusForbidden:
			return nil, fmt.Errorf("%w, or has locked it out", errRefused)
		case res.StatusCode != http.StatusUnauthorized:
			return nil, fmt.Errorf("HTTP status %d of %s", res.StatusCode, path)
		case fresh == nil:
			return nil, fmt.Errorf("%w: it does not offer Digest", errRefused)
		case try > 0 && used != nil && !fresh.Stale: // by a nonce of just now
			return nil, errRefused
		}
		c.mu.Lock()
		c.challenge = fresh
		c.mu.Unlock()
	}
	return nil, errRefused
}

// explain says in plain words why there is no answer, without the address, which may
// have been typed with a password.
func explain(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &op):
		return fmt.Errorf("no connection: %w", op.Err)
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("no answer within %v", answerWithin)
	}
	return errors.New("no HTTP there")
}

// status asks a door station whether it calls: idle, ring or onCall.
func (c *client) status(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	res, err := c.get(ctx, callStatus)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
	if err != nil {
		return "", fmt.Errorf("the call's state: %w", err)
	}
	return parseStatus(b)
}

// parseStatus reads {"CallStatus":{"status":"idle"}}, or the same in XML.
func parseStatus(b []byte) (string, error) {
	var j struct {
		CallStatus struct {
			Status string `json:"status"`
		}
	}
	if json.Unmarshal(b, &j) == nil {
		return j.CallStatus.Status, nil
	}
	var x struct {
		XMLName xml.Name `xml:"CallStatus"`
		Status  string   `xml:"status"`
	}
	if err := decode(b, &x); err != nil {
		return "", fmt.Errorf("the call's state: %w", err)
	}
	return x.Status, nil
}
