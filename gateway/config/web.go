package config

import "regexp"

// Web is the technicians' page.
type Web struct {
	Listen string `yaml:"listen"` // host:port; there is no page when it is written as empty
	// TLS is the certificate; one that the box makes itself when empty. On a loopback
	// address the page is plain HTTP without one.
	TLS KeyPair `yaml:"tls"`
	// Plain serves HTTP without encryption on every address: passwords can then be read
	// on the way.
	Plain bool `yaml:"plain"`
	// MDNS is the box's name on its network, without .local: auto, which is sentrybox-
	// with four digits of its own, off, or another. On a loopback address there is none.
	MDNS string `yaml:"mdns"`
}

// The words of Web.MDNS.
const (
	MDNSAuto = "auto"
	MDNSOff  = "off"
)

func defaultWeb() Web { return Web{Listen: "127.0.0.1:8080", MDNS: MDNSAuto} }

// hostLabel is a part of a host's name (RFC 1123, 2.1), with room for a number after it.
var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$`)

func (d *document) finishWeb(w *Web) {
	if d.Sound("web.listen") && w.Listen != "" && !validListen(w.Listen) {
		d.Fault("web.listen", "config.listen")
	}
	if d.Sound("web.mdns") && !hostLabel.MatchString(w.MDNS) {
		d.Fault("web.mdns", "config.web.mdns")
	}
	if w.TLS.Cert != "" || w.TLS.Key != "" {
		d.pair("web.tls", &w.TLS.Cert, &w.TLS.Key)
		if w.Plain && d.Sound("web.plain") {
			d.Fault("web.plain", "config.web.plain")
		}
	}
}

// Named says whether the box has a name on its network.
func (w *Web) Named() bool { return w.Listen != "" && w.MDNS != MDNSOff && !loopback(w.Listen) }

// Secure says whether the page is served over TLS.
func (w *Web) Secure() bool { return !w.Plain && (w.TLS.Cert != "" || !loopback(w.Listen)) }
