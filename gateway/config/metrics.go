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
	if m.Listen != "" && d.sound("metrics.listen") && !validListen(m.Listen) {
		d.fault("metrics.listen", "config.listen")
	}
	i := &m.Influx
	const path = "metrics.influx"
	if !d.sound(path) || *i == (Influx{}) {
		return
	}
	if d.required(path+".url", i.URL.IsZero()) {
		if u := d.address(path+".url", i.URL, "https", "http"); u != nil && u.User != nil {
			d.fault(path+".url", "config.influx.user")
		} else if u != nil && u.Scheme == "http" && i.CA != "" {
			d.fault(path+".ca", "config.influx.plain")
		}
	}
	d.required(path+".org", i.Org == "")
	d.required(path+".bucket", i.Bucket == "")
	if i.Token.Reveal() != "" && i.TokenFile != "" {
		d.fault(path+".token_file", "config.influx.tokens")
	} else if i.TokenFile != "" {
		i.TokenFile = d.absolute(i.TokenFile)
		i.Token = NewSecret(strings.TrimSpace(string(d.readable(path+".token_file", i.TokenFile))))
	}
	if i.CA != "" {
		i.CA = d.authority(path+".ca", i.CA)
	}
}
