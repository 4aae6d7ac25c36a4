package config

// Web is the technicians' page.
type Web struct {
	Listen string `yaml:"listen"` // host:port; there is no page when it is written as empty
	// TLS is the certificate; one that the box makes itself when empty. On a loopback
	// address the page is plain HTTP without one.
	TLS KeyPair `yaml:"tls"`
	// Plain serves HTTP without encryption on every address: passwords can then be read
	// on the way.
	Plain bool `yaml:"plain"`
}

func defaultWeb() Web { return Web{Listen: "127.0.0.1:8080"} }

func (d *document) finishWeb(w *Web) {
	if d.Sound("web.listen") && w.Listen != "" && !validListen(w.Listen) {
		d.Fault("web.listen", "config.listen")
	}
	if w.TLS.Cert != "" || w.TLS.Key != "" {
		d.pair("web.tls", &w.TLS.Cert, &w.TLS.Key)
		if w.Plain && d.Sound("web.plain") {
			d.Fault("web.plain", "config.web.plain")
		}
	}
}

// Secure says whether the page is served over TLS.
func (w *Web) Secure() bool { return !w.Plain && (w.TLS.Cert != "" || !loopback(w.Listen)) }
