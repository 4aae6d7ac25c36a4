package certificate

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/gateway/certificate/certificatetest"
	"sentrybox/gateway/text"
)

func TestAuthority(t *testing.T) {
	ca := certificatetest.New(t, "区里的 CA", nil, certificatetest.CA)
	between := certificatetest.New(t, "between", ca, certificatetest.CA)
	broker := certificatetest.New(t, "broker.example", ca, nil)
	alone := certificatetest.New(t, "alone", nil, nil)
	s := &Shelf{Data: t.TempDir(), Now: time.Now}
	for what, data := range map[string]string{
		"one": ca.Cert, "two": "# the district's\r\n" + strings.ReplaceAll(ca.Cert, "\n", "\r\n") + between.Cert, "signed by itself": alone.Cert,
	} {
		path, about, err := s.Authority([]byte(data))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		info, err := os.Stat(path)
		kept, rerr := os.ReadFile(path)
		if err = errors.Join(err, rerr); err != nil || info.Mode().Perm() != 0o600 || !x509.NewCertPool().AppendCertsFromPEM(kept) || strings.Contains(string(kept), "#") {
			t.Errorf("%s: %v, %v: %s", what, info, err, kept)
		}
		if again, err := Look(path); err != nil || again != about {
			t.Errorf("%s: %+v and %+v, %v", what, again, about, err)
		}
		if what == "one" && !strings.Contains(about.Say(text.Chinese), "区里的 CA") {
			t.Error(about.Say(text.Chinese))
		}
	}
	if info, err := os.Stat(filepath.Join(s.Data, Folder)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	for what, c := range map[string]struct {
		data string
		want text.Key
	}{
		"nothing":        {"", "certificate.form"},
		"no PEM":         {"MIIB", "certificate.form"},
		"a broker's":     {broker.Cert, "certificate.notca"},
		"a chain":        {broker.Cert + ca.Cert, "certificate.notca"},
		"a key with it":  {ca.Cert + ca.Key, "certificate.key.inside"},
		"cut off":        {ca.Cert + between.Cert[:len(between.Cert)-40], "certificate.broken"},
		"damaged":        {strings.Replace(ca.Cert, "M", "N", 1), "certificate.broken"},
		"of before":      {certificatetest.New(t, "old", nil, func(c *x509.Certificate) { c.IsCA, c.NotAfter = true, time.Now().Add(-time.Minute) }).Cert, "certificate.expired"},
		"of later":       {certificatetest.New(t, "new", nil, func(c *x509.Certificate) { c.IsCA, c.NotBefore = true, time.Now().Add(time.Minute) }).Cert, "certificate.early"},
		"something else": {"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "certificate.other"},
		"much":           {strings.Repeat(" ", MaxPEM) + ca.Cert, "certificate.large"},
		"many":           {strings.Repeat(ca.Cert, maxCertificates+1), "certificate.many"},
	} {
		_, _, err := s.Authority([]byte(c.data))
		var f *Flaw
		if !errors.As(err, &f) || f.Key != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if all, _ := os.ReadDir(filepath.Join(s.Data, Folder)); len(all) != 3 {
		t.Errorf("%d files", len(all))
	}
}

func TestClient(t *testing.T) {
	ca := certificatetest.New(t, "ca", nil, certificatetest.CA)
	own, other := certificatetest.New(t, "gw-1", ca, nil), certificatetest.New(t, "gw-2", ca, nil)
	s := &Shelf{Data: t.TempDir(), Now: time.Now}
	cert, key, about, err := s.Client([]byte(own.Cert+ca.Cert), []byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"+own.Key))
	if err != nil || about.Subject != "CN=gw-1" || about.Issuer != "CN=ca" {
		t.Fatalf("%+v, %v", about, err)
	}
	for path, want := range map[string]string{cert: own.Cert + ca.Cert, key: own.Key} {
		info, err := os.Stat(path)
		kept, rerr := os.ReadFile(path)
		if err = errors.Join(err, rerr); err != nil || info.Mode().Perm() != 0o600 || string(kept) != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	for what, c := range map[string]struct {
		cert, key string
		want      text.Key
	}{
		"no certificate":  {"", own.Key, "certificate.form"},
		"no key":          {own.Cert, own.Cert, "certificate.key.form"},
		"two keys":        {own.Cert, own.Key + other.Key, "certificate.key.form"},
		"of another":      {own.Cert, other.Key, "certificate.pair"},
		"key in the file": {own.Cert + own.Key, own.Key, "certificate.key.inside"},
		"encrypted":       {own.Cert, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "certificate.key.encrypted"},
		"the old way":     {own.Cert, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "certificate.key.encrypted"},
		"much":            {own.Cert, strings.Repeat(" ", MaxPEM) + own.Key, "certificate.large"},
	} {
		_, _, _, err := s.Client([]byte(c.cert), []byte(c.key))
		var f *Flaw
		if !errors.As(err, &f) || f.Key != c.want || strings.Contains(err.Error(), own.Key[40:60]) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzRead: whatever is given is kept in a form that reads the same, or refused in words.
func FuzzRead(f *testing.F) {
	ca := certificatetest.New(f, "ca", nil, certificatetest.CA)
	for _, s := range []string{"", ca.Cert, ca.Cert + ca.Cert, ca.Key, ca.Cert[:200], "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"} {
		f.Add([]byte(s), []byte(ca.Key))
	}
	f.Fuzz(func(t *testing.T, data, key []byte) {
		var flaw *Flaw
		chain, err := authorities(data, time.Now())
		if err != nil && !errors.As(err, &flaw) {
			t.Fatal(err)
		}
		if err == nil {
			again, err := authorities(encode(chain), time.Now())
			if err != nil || len(again) != len(chain) {
				t.Fatalf("%d, then %d, %v", len(chain), len(again), err)
			}
		}
		if _, _, err := pair(data, key, time.Now()); err != nil && !errors.As(err, &flaw) {
			t.Fatal(err)
		}
	})
}
