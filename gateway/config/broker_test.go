package config

import (
	"os"
	"path/filepath"
	"testing"
)

var brokerMistakes = []mistake{
	{"broker for everybody", head + "broker: {listen: \":1883\"}\n",
		"4: broker.listen: without users it may listen on this machine only, such as 127.0.0.1:1883; others need users"},
	{"broker", head + "broker: {listen: 1883, clients: 0, tls: {cert: file}, users: [{name: a/b, role: duty, password: x}]}\n",
		"4: broker.listen: must be host:port, such as 127.0.0.1:8080\n4: broker.clients: must be from 1 to 1024\n" +
			"4: broker.tls.key: missing, cert and key go together\n4: broker.users[0].name: is one level of MQTT topics and cannot have / + or #"},
	{"broker users", head + "broker:\n  listen: 0.0.0.0:1883\n  users:\n" +
		"  - {name: a}\n  - {name: b, role: dutty, password: x}\n  - {name: c, role: duty, password: x, hash: y}\n" +
		"  - {name: d, role: sensor, hash: \"${SECRET}\"}\n  - {name: d, read: [sensors/#/x, a/+], password: \"${SECRET}\"}\n" +
		"  - {name: e, role: duty, password_file: none}\n  - {name: f, role: duty, password: \"${EMPTY}\"}\n",
		"7: broker.users[0].role: missing: write duty, reader or sensor, or list topics with read and write\n7: broker.users[0].password: missing\n" +
			"8: broker.users[1].role: \"dutty\" is not known, did you mean \"duty\"?\n" +
			"9: broker.users[2].hash: there may be one of password, hash and password_file only\n" +
			"10: broker.users[3].hash: not an argon2id hash; sentrybox hash makes one\n" +
			"11: broker.users[4].name: user \"d\" is there twice, broker.users[3] has that name too\n" +
			"11: broker.users[4].read[0]: not a topic filter, such as sensors/+/state\n" +
			"12: broker.users[5].password_file: no such file\n13: broker.users[6].password: missing"},
}

func TestBrokerPasswordFile(t *testing.T) {
	name := at(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(name), "pw"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(name, []byte(head+"broker: {listen: \":1883\", users: [{name: d, role: duty, password_file: pw}, {name: s, role: sensor, password: \"${SECRET}\"}]}\n"), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range c.Broker.Users {
		if u.Password.Reveal() != secret {
			t.Errorf("user %s: %q", u.Name, u.Password.Reveal())
		}
	}
	if c.Broker.Clients != 64 || mustParse(t, head+"broker: {listen: \"127.0.0.1:0\"}\n").Broker.Listen != "127.0.0.1:0" {
		t.Errorf("%+v", c.Broker)
	}
}
