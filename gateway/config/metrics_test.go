package config

import (
	"os"
	"path/filepath"
	"testing"
)

var metricsMistakes = []mistake{
	{"metrics", head + "metrics:\n  listen: 9100\n  influx: {url: \"ftp://x\", bucket: b, token: \"${SECRET}\", token_file: file}\n",
		"5: metrics.listen: must be host:port, such as 127.0.0.1:8080\n6: metrics.influx.org: missing\n" +
			"6: metrics.influx.url: must begin with one of https://, http://\n6: metrics.influx.token_file: there may be one of token and token_file only"},
	{"influx", head + "metrics: {influx: {url: 'http://u:p@x', org: o}}\n", "4: metrics.influx.bucket: missing\n4: metrics.influx.url: cannot have a user or password, use token"},
	{"influx, plain", head + "metrics: {influx: {url: 'http://x', org: o, bucket: b, ca: good.pem}}\n", "4: metrics.influx.ca: is for https:// only, and the url is http://, which is not encrypted"},
}

func TestInfluxToken(t *testing.T) {
	name := at(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(name), "token"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(name, []byte(head+"metrics: {influx: {url: 'https://x', org: o, bucket: b, token_file: token, ca: good.pem}}\n"), testEnv)
	if err != nil || c.Metrics.Influx.Token.Reveal() != secret {
		t.Errorf("%v, %v", c, err)
	}
}
