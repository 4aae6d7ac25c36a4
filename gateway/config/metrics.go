package config

import (
	"strings"
)

// Metrics says where numbers go besides MQTT.
type Metrics struct {
	Listen string `yaml:"listen"` // host:port of /metrics for Prometheus; none when empty
	Influx Influx `yaml:"influx"`
}

// Influx is a server that takes InfluxDB 2 writes.
type Influx struct {
	URL       URL    `yaml:"url"` // http:// or https://; none when empty
	Org       string `yaml:"org"`
	Bucket    string `yaml:"bucket"`
	Token     Secret `yaml:"token"`
	TokenFile string `yaml:"token_file"`
	CA        string `yaml:"ca"` // PEM file that must have signed the server's certificate
}

func (d *document) finishMetrics(m *Metrics) {
	if m.Listen != "" && d.Sound("metrics.listen") && !validListen(m.Listen) {
		d.Fault("metrics.listen", "config.listen")
	}
	i := &m.Influx
	const path = "metrics.influx"
	if !d.Sound(path) || *i == (Influx{}) {
		return
	}
	if d.Required(path+".url", i.URL.IsZero()) {
		if u := d.address(path+".url", i.URL, "https", "http"); u != nil && u.User != nil {
			d.Fault(path+".url", "config.influx.user")
		} else if u != nil && u.Scheme == "http" && i.CA != "" {
			d.Fault(path+".ca", "config.influx.plain")
		}
	}
	d.Required(path+".org", i.Org == "")
	d.Required(path+".bucket", i.Bucket == "")
	if i.Token.Reveal() != "" && i.TokenFile != "" {
		d.Fault(path+".token_file", "config.influx.tokens")
	} else if i.TokenFile != "" {
		i.TokenFile = d.absolute(i.TokenFile)
		i.Token = NewSecret(strings.TrimSpace(string(d.readable(path+".token_file", i.TokenFile))))
	}
	if i.CA != "" {
		i.CA = d.authority(path+".ca", i.CA)
	}
}
