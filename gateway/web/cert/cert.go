// Package cert makes the certificates of a box on the box: an authority of its own,
// which a person can install in a phone or a laptop once, and from it the
// certificate that the page shows, made anew before it ends and when the box's names
// or addresses have changed.
package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sentrybox/gateway/clock"
	"sentrybox/gateway/disk"
)

const (
	authorityYears = 20
	leafDays       = 397 // what browsers take at the most
	renewBefore    = 30 * 24 * time.Hour
	lookEvery      = time.Minute
)

// Box makes certificates. Set the fields, then use Get in a tls.Config.
type Box struct {
	Dir  string // where the authority and its key are kept
	Name string // of the box, for people
	Now  func() time.Time
	// Hosts returns names and addresses that the certificate is for.
	Hosts func() (names []string, addresses []net.IP)

	mu     sync.Mutex
	leaf   *tls.Certificate // guarded by mu, as is all that follows
	target string
	looked time.Time
}

// Get returns the certificate for a handshake.
func (b *Box) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Now()
	if since := now.Sub(b.looked); b.leaf != nil && since >= 0 && since < lookEvery {
		return b.leaf, nil
	}
	names, addresses := b.Hosts()
	target := fmt.Sprint(names, addresses)
	if b.leaf != nil && target == b.target && now.Before(b.leaf.Leaf.NotAfter.Add(-renewBefore)) && now.After(b.leaf.Leaf.NotBefore) {
		b.looked = now
		return b.leaf, nil
	}
	leaf, err := b.issue(now, names, addresses)
	if err != nil {
		return nil, err
	}
	b.leaf, b.target, b.looked = leaf, target, now
	return leaf, nil
}

// Authority returns the certificate of the box's authority as PEM.
func (b *Box) Authority() ([]byte, error) {
	pair, err := b.authority()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), nil
}

func (b *Box) issue(now time.Time, names []string, addresses []net.IP) (*tls.Certificate, error) {
	ca, err := b.authority()
	if err != nil {
		return nil, err
	}
	// A clock that was never set shows a time before the box was made.
	from := now.Add(-24 * time.Hour)
	if floor := time.Unix(clock.Floor, 0); from.Before(floor) {
		from = floor
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: b.Name},
		NotBefore: from, NotAfter: from.Add(leafDays * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names, IPAddresses: addresses, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, ca.Certificate[0]}, PrivateKey: key, Leaf: leaf}, nil
}

// authority returns the authority in the folder, and makes one if there is none.
func (b *Box) authority() (tls.Certificate, error) {
	certFile, keyFile := filepath.Join(b.Dir, "authority.crt"), filepath.Join(b.Dir, "authority.key")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			err = fmt.Errorf("the box's own certificate authority: %w", err)
		}
		return pair, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, b.template(), b.template(), key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate authority: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate authority: %w", err)
	}
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return tls.Certificate{}, fmt.Errorf("keep the certificate authority: %w", err)
	}
	// The certificate comes last: without it both are made anew.
	err = write(keyFile, &pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	if err == nil {
		err = write(certFile, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep the certificate authority: %w", err)
	}
	return tls.LoadX509KeyPair(certFile, keyFile)
}

// template is the authority. It can vouch for names and addresses of a local network
// alone (RFC 5280, 4.2.1.10): whoever installs it trusts the box with no more.
func (b *Box) template() *x509.Certificate {
	var local []*net.IPNet
	for _, s := range []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128",
	} {
		_, n, err := net.ParseCIDR(s)
		if err == nil {
			local = append(local, n)
		}
	}
	from := time.Unix(clock.Floor, 0)
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Sentrybox " + b.Name},
		NotBefore: from, NotAfter: from.AddDate(authorityYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: localDomains(), PermittedIPRanges: local,
	}
}

func localDomains() []string { return []string{"local", "lan", "localhost", "home.arpa", "internal"} }

func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // does not fail (crypto/rand)
	return n
}

// write writes a file of the folder whole or not at all.
func write(path string, block *pem.Block) error {
	return disk.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}

// Hosts returns this machine's names and addresses on local networks.
func Hosts() (names []string, addresses []net.IP) {
	names = []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "" && host != "localhost" {
		names = append(names, host+".local")
	}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return names, nil
	}
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok && (n.IP.IsPrivate() || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast()) {
			addresses = append(addresses, n.IP)
		}
	}
	slices.SortFunc(addresses, func(a, b net.IP) int { return slices.Compare(a, b) })
	return names, addresses
}
