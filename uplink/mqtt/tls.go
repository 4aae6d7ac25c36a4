package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// LoadTLS reads PEM files into a configuration for Broker.TLS: ca, which must
// have signed the broker's certificate, or the system's roots when empty; and
// our own cert and key, both or none. It reports every problem.
func LoadTLS(ca, cert, key string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	var errs []error
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
