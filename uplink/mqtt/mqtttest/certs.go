package mqtttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs is a certificate authority, with a server's certificate for 127.0.0.1
// and localhost and a client's, as PEM files.
type Certs struct {
	CA                    string
	Cert, Key             string // the server's
	ClientCert, ClientKey string
	pool                  *x509.CertPool
	client                tls.Certificate
}

// NewCerts makes an authority that nobody knows.
func NewCerts(t testing.TB) *Certs {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	c := &Certs{CA: file("ca.pem"), Cert: file("server.pem"), Key: file("server-key.pem"),
		ClientCert: file("client.pem"), ClientKey: file("client-key.pem"), pool: x509.NewCertPool()}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caKey := newKey(t)
	sign := func(tmpl *x509.Certificate, key *ecdsa.PrivateKey, certFile, keyFile string) {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, key.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, certFile, "CERTIFICATE", der)
		if keyFile != "" {
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			writePEM(t, keyFile, "PRIVATE KEY", der)
		}
	}
	sign(ca, caKey, c.CA, "")
	leaf := func(serial int64, name string, use x509.ExtKeyUsage) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
			DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	}
	sign(leaf(2, "server", x509.ExtKeyUsageServerAuth), newKey(t), c.Cert, c.Key)
	sign(leaf(3, "client", x509.ExtKeyUsageClientAuth), newKey(t), c.ClientCert, c.ClientKey)
	b, err := os.ReadFile(c.CA)
	if err != nil {
		t.Fatal(err)
	}
	c.pool.AppendCertsFromPEM(b)
	if c.client, err = tls.LoadX509KeyPair(c.ClientCert, c.ClientKey); err != nil {
		t.Fatal(err)
	}
	return c
}

// Server returns the configuration of a server.
func (c *Certs) Server(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
}

// Pin returns the pin of the server's key (RFC 7469, section 2.4).
func (c *Certs) Pin(t testing.TB) string {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Server(t).Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

// Client returns the configuration of a client with a certificate.
func (c *Certs) Client() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.pool, Certificates: []tls.Certificate{c.client}}
}

// Anonymous returns the configuration of a client without a certificate.
func (c *Certs) Anonymous() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.pool}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
