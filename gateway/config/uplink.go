package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// Address returns the broker as host:port, with 1883 for mqtt and 8883 for mqtts
// where the URL has no port, and whether it is to be TLS.
func (m *MQTT) Address() (hostport string, secure bool) {
	u, err := m.URL.Parse()
	if err != nil {
		return "", false
	}
	secure = strings.EqualFold(u.Scheme, "mqtts")
	port := u.Port()
	switch {
	case port != "":
	case secure:
		port = "8883"
	default:
		port = "1883"
	}
	return net.JoinHostPort(u.Hostname(), port), secure
}

// Credentials returns user and password, be they in the URL or beside it.
func (m *MQTT) Credentials() (user string, password Secret) {
	if u, err := m.URL.Parse(); err == nil && u.User != nil {
		p, _ := u.User.Password()
		return u.User.Username(), NewSecret(p)
	}
	return m.Username, m.Password
}

// NameOf returns what the uplink at i is called: its name, or mqtt-1 and so on.
func (u *Uplink) NameOf(i int) string {
	if name := u.MQTT[i].Name; name != "" {
		return name
	}
	return fmt.Sprintf("mqtt-%d", i+1)
}

func (d *document) finishUplink(u *Uplink) {
	d.prefix("uplink.prefix", u.Prefix)
	const most = 8
	switch n := len(u.MQTT); {
	case n == 0 && u.MQTT == nil && d.Sound("uplink.mqtt"): // an empty list says that there is none yet
		d.Fault("uplink.mqtt", "config.mqtt.none")
	case n > most:
		d.Fault("uplink.mqtt", "config.many", n, most)
		return
	}
	names := map[string]int{}
	for i := range u.MQTT {
		at, m := strict.Element("uplink.mqtt", i), &u.MQTT[i]
		d.finishMQTT(m, at)
		if m.Name == "" {
			continue
		}
		if f := nameFlaw(m.Name, true); f != nil {
			d.Flaw(at+".name", f, m.Name)
		}
		if first, twice := names[m.Name]; twice {
			d.Fault(at+".name", "config.uplink.twice", first+1)
		}
		names[m.Name] = i
	}
	d.finishShort(&u.Short)
}

// prefix checks the levels that stand before every topic.
func (d *document) prefix(path, s string) {
	const most = 128
	if !d.Required(path, s == "") || !d.Sound(path) {
		return
	}
	if len(s) > most || strings.HasPrefix(s, "$") { // $ is the broker's own
		d.Fault(path, "config.prefix", most)
		return
	}
	for level := range strings.SplitSeq(s, "/") {
		if level == "" {
			d.Fault(path, "config.prefix", most)
			return
		}
		if f := nameFlaw(level, true); f != nil {
			d.Flaw(path, f, s)
			return
		}
	}
}

func (d *document) finishMQTT(m *MQTT, path string) {
	if !d.Sound(path) {
		return
	}
	at := path + ".url"
	var u *url.URL
	if d.Required(at, m.URL.IsZero()) {
		u = d.address(at, m.URL, "mqtt", "mqtts")
	}
	if u != nil {
		if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
			d.Fault(at, "config.mqtt.path")
		}
		for key, value := range map[string]string{"username": m.Username, "password": m.Password.Reveal()} {
			if u.User != nil && value != "" {
				d.Fault(path+"."+key, "config.mqtt.credentials")
			}
		}
	}
	if u == nil || u.User == nil { // else it has been complained of
		d.secretFile(path, "password", &m.Password, "password_file", &m.PasswordFile)
	} else if m.PasswordFile != "" {
		d.Fault(path+".password_file", "config.mqtt.credentials")
	}
	d.interfaceName(path+".interface", m.Interface)
	if r := m.Budget.Rate; r != 0 && (r < 1000 || r > 1e9) && d.Sound(path+".budget.rate") {
		d.Fault(path+".budget.rate", "config.rate.range", Rate(1000).String(), Rate(1e9).String())
	}
	if m.Budget.Month != 0 {
		d.size(path+".budget.month", m.Budget.Month, MiB, 1024*GiB)
	}
	if user, password := m.Credentials(); user == "" && password.Reveal() != "" && d.Sound(at) {
		// [MQTT-3.1.2-22]
		d.Fault(path+".password", "config.mqtt.user")
	}
	if u != nil && strings.EqualFold(u.Scheme, "mqtt") {
		for key, value := range map[string]string{"ca": m.CA, "cert": m.Cert, "key": m.Key, "pin": m.Pin} {
			if value != "" {
				d.Fault(path+"."+key, "config.mqtt.plain")
			}
		}
	}
	d.certificates(m, path)
}

// certificates makes the paths of PEM files absolute and reads them, so that a
// wrong one is found now and not when the broker is next connected to.
func (d *document) certificates(m *MQTT, path string) {
	if m.CA != "" {
		m.CA = d.authority(path+".ca", m.CA)
	}
	if b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Pin, "sha256/")); m.Pin != "" &&
		(err != nil || len(b) != sha256.Size || !strings.HasPrefix(m.Pin, "sha256/")) {
		d.Fault(path+".pin", "config.pin")
	}
	if m.Cert != "" || m.Key != "" {
		d.pair(path, &m.Cert, &m.Key)
	}
}

// authority makes the path of a CA's PEM file absolute and reads it.
func (d *document) authority(path, name string) string {
	name = d.absolute(name)
	if ca := d.readable(path, name); ca != nil && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		d.Fault(path, "config.pem")
	}
	return name
}

// pair makes the paths of a certificate and its key, which stand under path,
// absolute and reads them.
func (d *document) pair(path string, cert, key *string) {
	read := func(name string, file *string) []byte {
		if *file == "" {
			return nil
		}
		*file = d.absolute(*file)
		return d.readable(path+"."+name, *file)
	}
	c, k := read("cert", cert), read("key", key)
	switch {
	case *cert == "":
		d.Fault(path+".cert", "config.mqtt.pair")
	case *key == "":
		d.Fault(path+".key", "config.mqtt.pair")
	case c != nil && k != nil:
		if _, err := tls.X509KeyPair(c, k); err != nil {
			d.Fault(path+".cert", "config.keypair")
		}
	}
}

// address checks a URL. Nothing of it goes into a message: what is not a URL
// may be a password.
func (d *document) address(path string, u URL, schemes ...string) *url.URL {
	if !d.Sound(path) {
		return nil
	}
	scheme, _, ok := strings.Cut(u.Reveal(), "://")
	known := false
	for _, s := range schemes {
		known = known || ok && strings.EqualFold(scheme, s)
	}
	key, args := text.Key(""), []any(nil)
	p, err := url.Parse(u.Reveal())
	switch {
	case !known:
		key, args = "config.url.scheme", []any{strings.Join(schemes, "://, ") + "://"}
	case err != nil:
		key = "config.url.form"
	case p.Hostname() == "":
		key = "config.url.host"
	case !validPort(p):
		key = "config.url.port"
	case p.Fragment != "" || strings.HasSuffix(u.Reveal(), "#"):
		key = "config.url.form"
	}
	if key != "" {
		d.Fault(path, key, args...)
		return nil
	}
	return p
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}
