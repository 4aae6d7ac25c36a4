// Package certificate checks and keeps the certificates by which the gateway and a broker know each other, as they are
// given on the page: PEM (RFC 7468) of X.509 (RFC 5280).
//
// They are files in a folder of the data folder, which the configuration names. What is kept is never changed or
// removed: the history of the configuration names it too. A file is called by a digest of its certificates.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sentrybox/gateway/disk"
	"sentrybox/gateway/text"
)

// Folder is the name of the folder, in the data folder.
const Folder = "certificates"

const (
	// MaxPEM is how many bytes a file may have: an authority with all that it has signed others by.
	MaxPEM          = 256 << 10
	maxCertificates = 200
	maxFiles        = 500
)

// A Flaw is why something is not kept, in words for a person.
type Flaw struct {
	Key  text.Key
	Args []any
}

// Error says it in English.
func (f *Flaw) Error() string { return text.T(text.English, f.Key, f.Args...) }

func flaw(key text.Key, args ...any) *Flaw { return &Flaw{key, args} }

// About is what a person knows a certificate by.
type About struct {
	Subject string
	Issuer  string
	From    time.Time
	Until   time.Time
}

// Say says it in one line.
func (a About) Say(l text.Lang) string {
	return text.T(l, "certificate.about", a.Subject, a.Issuer, a.Until.Local().Format(time.DateOnly))
}

// Shelf is where certificates are kept. Set the fields.
type Shelf struct {
	Data string // the data folder
	Now  func() time.Time
}

// Authority keeps the certificates that a broker's must be signed by, and returns the absolute path of the file and what
// the first of them is. It returns a *Flaw if one is not that of an authority, nor signed by itself, or is not valid now.
func (s *Shelf) Authority(data []byte) (path string, about About, err error) {
	chain, err := authorities(data, s.Now())
	if err != nil {
		return "", about, err
	}
	whole := encode(chain)
	if path, err = s.put("ca-"+digest(whole)+".pem", whole); err != nil {
		return "", about, err
	}
	return path, aboutOf(chain[0]), nil
}

// Client keeps the gateway's own certificate, with those between it and the authority, and its private key, and returns
// the absolute paths of both files. It returns a *Flaw if they do not belong together, or if the certificate is not valid now.
func (s *Shelf) Client(cert, key []byte) (certPath, keyPath string, about About, err error) {
	chain, plain, err := pair(cert, key, s.Now())
	if err != nil {
		return "", "", about, err
	}
	whole := encode(chain)
	name := "client-" + digest(whole)
	if keyPath, err = s.put(name+".key", plain); err == nil {
		certPath, err = s.put(name+".pem", whole)
	}
	return certPath, keyPath, aboutOf(chain[0]), err
}

// Look returns what the first certificate in a file is.
func Look(path string) (about About, err error) {
	f, err := os.Open(path)
	if err != nil {
		return about, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, MaxPEM))
	if err != nil {
		return about, fmt.Errorf("read %s: %w", path, err)
	}
	chain, err := certificates(data)
	if err != nil {
		return about, err
	}
	return aboutOf(chain[0]), nil
}

// put writes a file that only we may read.
func (s *Shelf) put(name string, data []byte) (string, error) {
	dir, err := filepath.Abs(filepath.Join(s.Data, Folder))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("keep a certificate: %w", err)
	}
	path := filepath.Join(dir, name)
	all, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("keep a certificate: %w", err)
	}
	if _, err := os.Stat(path); err != nil && len(all) >= maxFiles {
		return "", flaw("certificate.full", maxFiles, dir)
	}
	if err := disk.WriteFile(path, data, 0o600); err != nil {
		return "", fmt.Errorf("keep a certificate: %w", err)
	}
	return path, disk.SyncDir(s.Data)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// encode writes the certificates alone, without what stood around them.
func encode(chain []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range chain {
		_ = pem.Encode(&b, &pem.Block{Type: typeCertificate, Bytes: c.Raw}) // a buffer takes all
	}
	return b.Bytes()
}

func aboutOf(c *x509.Certificate) About {
	return About{Subject: nameOf(c), Issuer: printable(c.Issuer.String()), From: c.NotBefore, Until: c.NotAfter}
}

// nameOf returns what a certificate is of: its subject, or the first name that it is for.
func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.String() != "":
		return printable(c.Subject.String())
	case len(c.DNSNames) > 0:
		return printable(c.DNSNames[0])
	}
	return c.SerialNumber.String()
}

// printable bounds a name and takes out what would not show.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u202e' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if all := []rune(name); len(all) > 120 {
		return string(all[:120]) + "…"
	}
	return name
}

// pair returns a certificate with those that follow it, and its key as PEM.
func pair(cert, key []byte, now time.Time) (chain []*x509.Certificate, plain []byte, err error) {
	if chain, err = certificates(cert); err != nil {
		return nil, nil, err
	}
	if plain, err = privateKey(key); err != nil {
		return nil, nil, err
	}
	if _, err := tls.X509KeyPair(encode(chain), plain); err != nil {
		return nil, nil, flaw("certificate.pair", nameOf(chain[0]))
	}
	for _, c := range chain {
		if err := valid(c, now); err != nil {
			return nil, nil, err
		}
	}
	return chain, plain, nil
}
