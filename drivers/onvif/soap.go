package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" // WS-Security's
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	nsEnvelope = "http://www.w3.org/2003/05/soap-envelope"
	nsSecurity = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsUtility  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	nsProfile  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
	nsMessage  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
)

// envelope is any answer: what it holds is decoded into Body by the caller's type.
type envelope[T any] struct {
	Body struct {
		Fault   *soapFault `xml:"Fault"`
		Content T          `xml:",any"`
	} `xml:"Body"`
}

// soapFault is a fault of SOAP 1.2, or of 1.1, which some devices answer.
type soapFault struct {
	Code struct {
		Value   string `xml:"Value"`
		Subcode struct {
			Value   string `xml:"Value"`
			Subcode struct {
				Value string `xml:"Value"`
			} `xml:"Subcode"`
		} `xml:"Subcode"`
	} `xml:"Code"`
	Reason struct {
		Text string `xml:"Text"`
	} `xml:"Reason"`
	Detail struct {
		Text string `xml:"Text"`
	} `xml:"Detail"`
	OldCode   string `xml:"faultcode"`
	OldReason string `xml:"faultstring"`
}

func (f *soapFault) String() string {
	var parts []string
	for _, s := range []string{f.Code.Subcode.Value, f.Code.Subcode.Subcode.Value, f.OldCode, f.Reason.Text, f.OldReason, f.Detail.Text} {
		if s = clean(s); s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "a fault without a reason"
	}
	return strings.Join(parts, ", ")
}

// code returns the fault's codes alone: what a device quotes in a reason may be a secret.
func (f *soapFault) code() string {
	for _, s := range []string{f.Code.Subcode.Subcode.Value, f.Code.Subcode.Value, f.Code.Value, f.OldCode} {
		if s = clean(s); s != "" {
			return s
		}
	}
	return "a fault without a code"
}

// unauthorized says whether a fault is about who asks (ONVIF Core 5.11.2.2).
func (f *soapFault) unauthorized() bool {
	all := strings.ToLower(f.String())
	for _, sign := range []string{"notauthorized", "not authorized", "unauthorized", "failedauthentication", "failed authentication",
		"invalidsecurity", "authority failure", "sender not authorized", "lock"} {
		if strings.Contains(all, sign) {
			return true
		}
	}
	return false
}

// usernameToken is a WS-Security header (UsernameToken Profile 1.0, section 3). at is
// the device's time.
func usernameToken(user, password string, plain bool, at time.Time) string {
	typ, secret, more := nsProfile+"#PasswordText", password, ""
	if !plain {
		var nonce [16]byte
		_, _ = rand.Read(nonce[:])
		created := at.UTC().Format("2006-01-02T15:04:05.000Z")
		sum := sha1.Sum([]byte(string(nonce[:]) + created + password)) // WS-Security's
		typ, secret = nsProfile+"#PasswordDigest", base64.StdEncoding.EncodeToString(sum[:])
		more = fmt.Sprintf(`<w:Nonce EncodingType="%s#Base64Binary">%s</w:Nonce><u:Created>%s</u:Created>`,
			nsMessage, base64.StdEncoding.EncodeToString(nonce[:]), created)
	}
	return fmt.Sprintf(`<w:Security s:mustUnderstand="1" xmlns:w="%s" xmlns:u="%s"><w:UsernameToken><w:Username>%s</w:Username>`+
		`<w:Password Type="%s">%s</w:Password>%s</w:UsernameToken></w:Security>`, nsSecurity, nsUtility, escape(user), typ, escape(secret), more)
}

func message(header, body string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + nsEnvelope + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`)
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// post sends one message. Its error is an *Error, Unreachable.
func (c *Client) post(ctx context.Context, to *url.URL, msg []byte, auth string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(msg))
	if err != nil {
		return answer{}, failed(NotONVIF, "an address that cannot be asked")
	}
	req.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
	req.Header.Set("User-Agent", "sentrybox")
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	// Not sent: it lets the transport ask again, by a new connection, when the device has closed the one that
	// it kept open just then. All that is asked may be asked twice.
	req.Header["Idempotency-Key"] = nil
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, failed(Unreachable, "ask %s: %s", to.Host, c.explain(err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case len(body) > maxAnswer:
		return answer{}, failed(NotONVIF, "ask %s: an answer of more than %d KiB", to.Host, maxAnswer>>10)
	case errors.Is(err, context.DeadlineExceeded):
		return answer{}, failed(Unreachable, "ask %s: no whole answer within %v", to.Host, c.cfg.Timeout)
	case err != nil:
		return answer{}, failed(Unreachable, "ask %s: the answer broke off", to.Host)
	case res.StatusCode/100 == 3:
		return answer{}, failed(NotONVIF, "ask %s: it sends us elsewhere, where we do not go", to.Host)
	}
	return answer{status: res.StatusCode, header: res.Header, body: body}, nil
}

// errUnauthorized means that the device wants to know who asks, or does not believe it.
var errUnauthorized = errors.New("unauthorized")

// open decodes an answer into content. It returns errUnauthorized with the reason, or an *Error.
func open[T any](a answer) (content T, reason string, err error) {
	var env envelope[T]
	bad := decode(a.body, &env)
	fault := env.Body.Fault
	switch {
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		reason = fmt.Sprintf("HTTP status %d", a.status)
		if bad == nil && fault != nil {
			reason += ", " + fault.String()
		} else if lockedOut(string(a.body)) {
			reason += ", locked"
		}
		return content, reason, errUnauthorized
	case bad == nil && fault != nil && fault.unauthorized():
		return content, fault.String(), errUnauthorized
	case bad == nil && fault != nil:
		return content, "", failed(Fault, "the device answers: %s", fault.code())
	case a.status != http.StatusOK:
		return content, "", failed(NotONVIF, "HTTP status %d", a.status)
	case bad != nil:
		return content, "", failed(NotONVIF, "%s", clean(bad.Error()))
	}
	return env.Body.Content, "", nil
}
