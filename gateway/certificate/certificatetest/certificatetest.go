// Package certificatetest makes certificates for tests.
package certificatetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// A Certificate is one with its key, both as PEM too.
type Certificate struct {
	X509      *x509.Certificate
	Private   *ecdsa.PrivateKey
	Cert, Key string
}

// New makes a certificate that is called name and signed by another, or by itself if that is nil. It is valid for an hour
// either way; change may change that and more.
func New(tb testing.TB, name string, by *Certificate, change func(*x509.Certificate)) *Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(form)
	}
	parent, signer := form, key
	if by != nil {
		parent, signer = by.X509, by.Private
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	c := &Certificate{Private: key, Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
	if c.X509, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	c.Key = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}))
	return c
}

// CA is for New: of an authority.
func CA(c *x509.Certificate) { c.IsCA = true }
