package config

import (
	"net"
	"strings"

	"sentrybox/gateway/strict"
)

// Broker is the gateway's own MQTT broker, for the duty room and sensors on the
// same network.
type Broker struct {
	Listen  string       `yaml:"listen"` // host:port; there is no broker when empty
	Users   []BrokerUser `yaml:"users"`  // on loopback alone it needs none
	TLS     KeyPair      `yaml:"tls"`
	Clients int          `yaml:"clients"` // at once
}

// BrokerUser may sign in at the gateway's broker.
type BrokerUser struct {
	Name string `yaml:"name"` // for a sensor also its id
	Role string `yaml:"role"` // duty, reader or sensor; none where read or write say it all
	// One of the three: the password itself, its argon2id hash, or a file with
	// either.
	Password     Secret   `yaml:"password"`
	Hash         Secret   `yaml:"hash"`
	PasswordFile string   `yaml:"password_file"`
	Read         []string `yaml:"read"`  // further topic filters, below the gateway's own topics
	Write        []string `yaml:"write"` // the same
}

// KeyPair is PEM files of a certificate and its key.
type KeyPair struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

const maxBrokerUsers = 256

func (d *document) finishBroker(b *Broker) {
	if len(b.Users) == 0 {
		b.Users = nil // as if it were not there
	}
	if !d.Sound("broker") || b.Listen == "" && len(b.Users) == 0 && b.TLS == (KeyPair{}) && !d.Faulty("broker.listen") {
		return
	}
	if d.Required("broker.listen", b.Listen == "") && d.Sound("broker.listen") {
		switch {
		case !validListen(b.Listen):
			d.Fault("broker.listen", "config.listen")
		case len(b.Users) == 0 && !loopback(b.Listen) && d.Sound("broker.users"):
			d.Fault("broker.listen", "config.broker.anonymous")
		}
	}
	if d.Sound("broker.clients") && (b.Clients < 1 || b.Clients > 1024) {
		d.Fault("broker.clients", "config.range", 1, 1024)
	}
	if b.TLS.Cert != "" || b.TLS.Key != "" {
		d.pair("broker.tls", &b.TLS.Cert, &b.TLS.Key)
	}
	if n := len(b.Users); n > maxBrokerUsers {
		d.Fault("broker.users", "config.many", n, maxBrokerUsers)
		return
	}
	first := map[string]string{}
	for i := range b.Users {
		u, at := &b.Users[i], strict.Element("broker.users", i)
		if !d.Sound(at) {
			continue
		}
		d.finishBrokerUser(u, at)
		if other, twice := first[u.Name]; twice && d.Sound(at+".name") {
			d.Fault(at+".name", "config.broker.twice", d.Shown(at+".name", u.Name), other)
		} else if u.Name != "" {
			first[u.Name] = at
		}
	}
}

func (d *document) finishBrokerUser(u *BrokerUser, path string) {
	d.name(path+".name", u.Name, true)
	if u.Role == "" {
		if d.Sound(path+".role") && len(u.Read)+len(u.Write) == 0 {
			d.Fault(path+".role", "config.broker.role")
		}
	} else {
		d.OneOf(path+".role", u.Role, "duty", "reader", "sensor")
	}
	d.brokerPassword(u, path)
	for key, list := range map[string][]string{"read": u.Read, "write": u.Write} {
		for i, f := range list {
			if at := strict.Element(path+"."+key, i); d.Sound(at) && !validTopicFilter(f) {
				d.Fault(at, "config.broker.filter")
			}
		}
	}
}

// brokerPassword sees to it that there is one password, and reads it from its file.
func (d *document) brokerPassword(u *BrokerUser, path string) {
	var given []string
	for _, secret := range []struct{ key, value string }{
		{"password", u.Password.Reveal()}, {"hash", u.Hash.Reveal()}, {"password_file", u.PasswordFile},
	} {
		if at := path + "." + secret.key; secret.value != "" || d.Faulty(at) {
			given = append(given, at)
		}
	}
	switch {
	case len(given) == 0:
		d.Fault(path+".password", "config.missing")
		return
	case len(given) > 1:
		d.Fault(given[1], "config.broker.passwords")
		return
	case !d.Sound(given[0]):
		return
	}
	if u.PasswordFile != "" {
		u.PasswordFile = d.absolute(u.PasswordFile)
		data := strings.TrimRight(string(d.readable(given[0], u.PasswordFile)), "\r\n")
		if strings.HasPrefix(data, "$argon2id$") {
			u.Hash = NewSecret(data)
		} else {
			u.Password = NewSecret(data)
		}
	}
	switch hash := u.Hash.Reveal(); {
	case !d.Sound(given[0]):
	case hash != "" && !validArgon2id(hash):
		d.Fault(given[0], "config.broker.hash")
	case hash == "" && u.Password.Reveal() == "":
		d.Fault(given[0], "config.missing")
	}
}

// validArgon2id reports whether s looks like an argon2id hash in PHC form. The
// broker looks closer.
func validArgon2id(s string) bool {
	parts := strings.Split(s, "$")
	return len(parts) == 6 && parts[0] == "" && parts[1] == "argon2id" && parts[2] == "v=19" && parts[4] != "" && parts[5] != ""
}

// validTopicFilter is MQTT 3.1.1, 4.7.1, for a filter that stands behind a
// prefix.
func validTopicFilter(f string) bool {
	levels := strings.Split(f, "/")
	for i, l := range levels {
		switch {
		case l == "+", l == "#" && i == len(levels)-1:
		case l == "" || strings.ContainsAny(l, "+#\x00"):
			return false
		}
	}
	return len(f) <= 1024
}

// loopback reports whether only this machine can reach host:port.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
