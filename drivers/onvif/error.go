package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"sentrybox/drivers/netfail"
)

// Kind is what went wrong.
type Kind string

// The kinds.
const (
	Unreachable Kind = "unreachable" // nobody there, or no answer
	NotONVIF    Kind = "not_onvif"   // somebody who does not speak ONVIF
	Refused     Kind = "refused"     // user or password
	Locked      Kind = "locked"      // the device has locked the user or us out
	Fault       Kind = "fault"       // the device could not or would not
)

// Method is a way of signing in.
type Method string

// The methods.
const (
	None   Method = "none"                          // the device asks for nothing
	Digest Method = "HTTP Digest"                   // RFC 7616
	Token  Method = "UsernameToken, PasswordDigest" // WS-Security UsernameToken Profile 1.0
	Plain  Method = "UsernameToken, PasswordText"
)

// Attempt is one way of signing in that was tried, and what came of it.
type Attempt struct {
	Method Method
	Well   bool
	Reason string // why not
}

// Error is why something with a device failed. Its text holds no secret, and it
// wraps nothing that does.
type Error struct {
	Kind     Kind
	Attempts []Attempt // of signing in, if that was it
	text     string
}

// Error returns what was tried and what came of it.
func (e *Error) Error() string { return e.text }

func failed(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, text: fmt.Sprintf(format, args...)}
}

// refused sums up attempts to sign in that all failed.
func refused(attempts []Attempt, clockKnown bool) *Error {
	e := &Error{Kind: Refused, Attempts: attempts}
	var tried []string
	for _, a := range attempts {
		tried = append(tried, fmt.Sprintf("%s: %s", a.Method, a.Reason))
		if lockedOut(a.Reason) {
			e.Kind = Locked
		}
	}
	if e.Kind == Locked {
		e.text = "the device has locked this user or this address out (" + strings.Join(tried, "; ") + "); wait half an hour, or restart the device"
		return e
	}
	e.text = "the device refuses this user or password (" + strings.Join(tried, "; ") + ")"
	if !clockKnown {
		e.text += "; it does not tell its time, so a wrong clock may be why"
	}
	e.text += "; some brands, Hikvision among them, want a user of ONVIF's own, made in the device's page under network, integration protocol"
	return e
}

// lockedOut says whether a reason sounds like a lock-out.
func lockedOut(reason string) bool {
	reason = strings.ToLower(reason)
	for _, sign := range []string{"lock", "锁定", "too many", "blacklist", "black list"} {
		if strings.Contains(reason, sign) {
			return true
		}
	}
	return false
}

// explain says in plain words why a request got no answer.
func (c *Client) explain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", c.cfg.Timeout)
	}
	if why := netfail.Explain(err); why != "" {
		return why
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return "no HTTP there"
}
