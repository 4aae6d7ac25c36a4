package config

import (
	"os"
	"testing"

	"sentrybox/gateway/certificate/certificatetest"
)

// writeCertificate writes a self-signed certificate and its key.
func writeCertificate(t testing.TB, certFile, keyFile string) {
	t.Helper()
	c := certificatetest.New(t, "test", nil, nil)
	for name, pem := range map[string]string{certFile: c.Cert, keyFile: c.Key} {
		if err := os.WriteFile(name, []byte(pem), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
