package mqtt

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// errPin means that the broker's key is not the one that it must have.
var errPin = errors.New("the broker's public key is not the pinned one")

// LoadTLS reads PEM files into a configuration for Broker.TLS: ca, which must
// have signed the broker's certificate, or the system's roots when empty; and
// our own cert and key, both or none. pin is sha256/ and the Base64 form of the
// SHA-256 of the broker's SubjectPublicKeyInfo (RFC 7469, section 2.4); with it
// and without ca, the key alone decides, whoever signed the certificate and
// whatever host and time it is for. It reports every problem.
func LoadTLS(ca, cert, key, pin string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	var errs []error
	if pin != "" {
		want, err := ParsePin(pin)
		if err != nil {
			errs = append(errs, err)
		}
		cfg.InsecureSkipVerify = ca == "" // the key itself is verified
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			// The leaf's alone: of the others nobody has proved to have the key.
			if len(s.PeerCertificates) == 0 || sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo) != want {
				return errPin
			}
			return nil
		}
	}
	if ca != "" {
		cfg.RootCAs = x509.NewCertPool()
		if pem, err := os.ReadFile(ca); err != nil {
			errs = append(errs, fmt.Errorf("read the CA: %w", err))
		} else if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			errs = append(errs, fmt.Errorf("read the CA: no certificate in %s", ca))
		}
	}
	switch {
	case (cert == "") != (key == ""):
		errs = append(errs, errors.New("a certificate of ours needs its key, and a key its certificate"))
	case cert != "":
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			errs = append(errs, fmt.Errorf("read our certificate: %w", err))
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return cfg, nil
}

// ParsePin reads sha256/ and 32 bytes in Base64.
func ParsePin(pin string) (sum [sha256.Size]byte, err error) {
	b64, ok := strings.CutPrefix(pin, "sha256/")
	b, err := base64.StdEncoding.DecodeString(b64)
	if !ok || err != nil || len(b) != len(sum) {
		return sum, errors.New("a pin is sha256/ and 44 characters of Base64")
	}
	return [sha256.Size]byte(b), nil
}
