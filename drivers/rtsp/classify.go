package rtsp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"sentrybox/drivers/media"
	"sentrybox/drivers/netfail"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// explain turns an error of the library, or of the network under it, into one of
// ours. what is what was being tried.
func explain(what string, err error, addr *address) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	e := &Error{Phase: media.Unreachable}
	var status liberrors.ErrClientBadStatusCode
	var scheme liberrors.ErrClientAuthSetup
	var sdp liberrors.ErrClientSDPInvalid
	switch {
	case errors.As(err, &status):
		return explainStatus(what, status, addr)
	case errors.As(err, &scheme):
		e.Phase = media.Refused
		e.text = "the camera asks for a kind of login that is not supported; set it to digest or basic"
	case errors.As(err, &sdp):
		if strings.Contains(err.Error(), "no media streams") {
			e.Phase = media.NoVideo
		}
		e.text = fmt.Sprintf("%s: %v", what, err)
	default:
		e.text = fmt.Sprintf("%s: %s", what, explainNetwork(err))
	}
	e.text = addr.secret.text(e.text)
	return e
}

func explainStatus(what string, err liberrors.ErrClientBadStatusCode, addr *address) *Error {
	e := &Error{Phase: media.Unreachable, Status: int(err.Code)}
	answer := fmt.Sprintf("%d %s", err.Code, err.Message)
	switch err.Code {
	case base.StatusUnauthorized, base.StatusForbidden, base.StatusProxyAuthRequired:
		e.Phase = media.Refused
		if addr.credentials() {
			e.text = fmt.Sprintf("the camera refuses this user or password (%s)", answer)
		} else {
			e.text = fmt.Sprintf("the camera wants a user and password, and its URL has none (%s)", answer)
		}
	case base.StatusNotFound, base.StatusGone:
		e.Phase = media.NoVideo
		e.text = fmt.Sprintf("the camera has no such stream (%s); check the path of its URL", answer)
	default:
		e.text = fmt.Sprintf("%s: the camera answered %s", what, answer)
	}
	e.text = addr.secret.text(e.text)
	return e
}

func explainNetwork(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return fmt.Sprintf("the camera's certificate is not trusted (%v)", err)
	case errors.As(err, &record):
		return "the camera does not speak TLS at this port"
	case errors.As(err, &dns):
		return fmt.Sprintf("its name cannot be resolved (%v)", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the camera closed the connection"
	}
	if why := netfail.Explain(err); why != "" {
		return why
	}
	return err.Error()
}

// wantsOther says whether a failure to set up or start one transport may be
// mended by the other.
func wantsOther(err error) bool {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		switch status.Code {
		case base.StatusUnauthorized, base.StatusForbidden, base.StatusProxyAuthRequired,
			base.StatusNotFound, base.StatusServiceUnavailable, base.StatusNotEnoughBandwidth:
			return false
		}
	}
	return true
}
