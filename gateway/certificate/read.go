package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"
)

const typeCertificate = "CERTIFICATE"

// authorities reads the certificates of authorities that are valid now.
func authorities(data []byte, now time.Time) ([]*x509.Certificate, error) {
	all, err := certificates(data)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if !isAuthority(c) {
			return nil, flaw("certificate.notca", nameOf(c), printable(c.Issuer.String()))
		}
		if err := valid(c, now); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// isAuthority reports whether others may be signed by a certificate (RFC 5280, 4.2.1.9), or it is signed by itself, as
// that of a small broker is: then it vouches for that broker alone.
func isAuthority(c *x509.Certificate) bool {
	if c.BasicConstraintsValid && c.IsCA {
		return true
	}
	return bytes.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func valid(c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return flaw("certificate.expired", nameOf(c), c.NotAfter.Local().Format(time.DateTime))
	case now.Before(c.NotBefore):
		return flaw("certificate.early", nameOf(c), c.NotBefore.Local().Format(time.DateTime), now.Local().Format(time.DateTime))
	}
	return nil
}

// certificates reads one certificate or more, and nothing else. What stands around them is passed over, as it is by
// whoever reads such a file.
func certificates(data []byte) (all []*x509.Certificate, err error) {
	found, err := blocks(data)
	if err != nil {
		return nil, err
	}
	for _, b := range found {
		switch {
		case strings.Contains(b.Type, "PRIVATE KEY"):
			return nil, flaw("certificate.key.inside")
		case b.Type != typeCertificate:
			return nil, flaw("certificate.other", printable(b.Type))
		case len(all) >= maxCertificates:
			return nil, flaw("certificate.many", maxCertificates)
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, flaw("certificate.broken", len(all)+1)
		}
		all = append(all, c)
	}
	switch {
	case len(all) == 0:
		return nil, flaw("certificate.form")
	case bytes.Count(data, []byte("-----BEGIN ")) != len(all): // one of them was cut off
		return nil, flaw("certificate.broken", len(all)+1)
	}
	return all, nil
}

// privateKey reads one private key, which no passphrase guards: PKCS #1, PKCS #8 or SEC 1. Nothing of it is in an error.
func privateKey(data []byte) (key []byte, err error) {
	found, err := blocks(data)
	if err != nil {
		return nil, err
	}
	for _, b := range found {
		switch {
		case b.Type == "EC PARAMETERS": // OpenSSL writes it before a key, which says it too
			continue
		case b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, flaw("certificate.key.encrypted")
		case !strings.HasSuffix(b.Type, "PRIVATE KEY") || key != nil:
			return nil, flaw("certificate.key.form")
		}
		key = pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: b.Bytes})
	}
	if key == nil {
		return nil, flaw("certificate.key.form")
	}
	return key, nil
}

// blocks returns the PEM blocks in what was given.
func blocks(data []byte) (all []*pem.Block, err error) {
	if len(data) > MaxPEM {
		return nil, flaw("certificate.large", MaxPEM>>10)
	}
	for b, rest := pem.Decode(data); b != nil; b, rest = pem.Decode(rest) {
		all = append(all, b)
	}
	return all, nil
}
