package config

import "testing"

func TestWeb(t *testing.T) {
	for doc, secure := range map[string]bool{
		"":                             false,
		"listen: \"127.0.0.1:8080\"":   false,
		"listen: \"[::1]:8080\"":       false,
		"listen: \":8443\"":            true,
		"listen: \"192.168.1.9:80\"":   true,
		"listen: \":80\", plain: true": false,
	} {
		if c := mustParse(t, head+"web: {"+doc+"}\n"); c.Web.Secure() != secure {
			t.Errorf("%s: secure %v", doc, !secure)
		}
	}
	if c := mustParse(t, head+"web: {listen: \"\"}\n"); c.Web.Listen != "" {
		t.Errorf("the page cannot be turned off: %q", c.Web.Listen)
	}
}

func TestMDNS(t *testing.T) {
	for doc, named := range map[string]bool{
		"": false, "listen: \":8443\"": true, "listen: \":8443\", mdns: off": false, "listen: \":8443\", mdns: gate-east": true, "listen: \"127.0.0.1:80\", mdns: x": false,
		"listen: \"\"": false,
	} {
		if c := mustParse(t, head+"web: {"+doc+"}\n"); c.Web.Named() != named {
			t.Errorf("%s: named %v", doc, !named)
		}
	}
}
