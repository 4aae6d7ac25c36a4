package cert

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func box(t *testing.T) (*Box, *time.Time) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	names, ips := []string{"gate.local"}, []net.IP{net.IPv4(192, 168, 1, 9)}
	return &Box{
		Dir: filepath.Join(t.TempDir(), "tls"), Name: "gw-1", Now: func() time.Time { return now },
		Hosts: func() ([]string, []net.IP) { return names, ips },
	}, &now
}

func verify(t *testing.T, b *Box, c *tls.Certificate, host string, at time.Time) error {
	t.Helper()
	pem, err := b.Authority()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no authority")
	}
	_, err = c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: at})
	return err
}

func TestCertificate(t *testing.T) {
	b, now := box(t)
	first, err := b.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"gate.local", "192.168.1.9"} {
		if err := verify(t, b, first, host, *now); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if verify(t, b, first, "192.168.1.10", *now) == nil {
		t.Error("it is for another address too")
	}
	info, err := os.Stat(filepath.Join(b.Dir, "authority.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
	*now = now.Add(time.Hour)
	if again, _ := b.Get(nil); again != first {
		t.Error("made anew without a reason")
	}
	*now = now.Add((leafDays - 10) * 24 * time.Hour)
	renewed, err := b.Get(nil)
	if err != nil || renewed == first {
		t.Fatalf("not renewed before its end: %v", err)
	}
	if err := verify(t, b, renewed, "gate.local", *now); err != nil {
		t.Error(err)
	}
	restarted := &Box{Dir: b.Dir, Name: "gw-1", Now: b.Now, Hosts: b.Hosts}
	after, err := restarted.Get(nil)
	if err != nil || verify(t, b, after, "gate.local", *now) != nil {
		t.Errorf("another authority after a restart: %v", err)
	}
}

// TestConstraints: who installs the authority trusts it with local names alone.
func TestConstraints(t *testing.T) {
	b, now := box(t)
	b.Hosts = func() ([]string, []net.IP) { return []string{"bank.example"}, []net.IP{net.IPv4(8, 8, 8, 8)} }
	c, err := b.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"bank.example", "8.8.8.8"} {
		if verify(t, b, c, host, *now) == nil {
			t.Errorf("the authority can vouch for %s", host)
		}
	}
}

// TestClockNotSet: a box in 1970 has a certificate that is good once the clock is.
func TestClockNotSet(t *testing.T) {
	b, now := box(t)
	*now = time.Unix(1000, 0)
	c, err := b.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, b, c, "gate.local", time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

func TestHosts(t *testing.T) {
	names, ips := Hosts()
	if len(names) == 0 || len(ips) == 0 {
		t.Errorf("%v, %v", names, ips)
	}
	b := &Box{Dir: t.TempDir(), Name: "x", Now: time.Now, Hosts: Hosts}
	c, err := b.Get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(t, b, c, "127.0.0.1", time.Now()); err != nil {
		t.Error(err)
	}
}
