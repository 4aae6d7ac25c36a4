package config

import (
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

const dutyHead = `name: 东湖值班室
data: data
brokers: [{url: "mqtt://broker", username: duty, password: "${SECRET}"}]
users:
- {name: 王, hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5"}
`

func TestDuty(t *testing.T) {
	c, err := ParseDuty("x/duty.yaml", []byte(dutyHead+"people: [王阿姨, 李叔]\nlevel: street\n"), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Level != "street" || c.Users[0].Role != "duty" || c.Brokers[0].Scope != "+/+/+" || c.Brokers[0].Password.Reveal() != secret || !strings.HasSuffix(c.Data, "x/data") {
		t.Errorf("%+v", c)
	}
}

func TestDutyMistakes(t *testing.T) {
	for _, m := range []mistake{
		{"nothing", "name: x\n", "1: data: missing\n1: brokers: missing\n1: users: missing"},
		{"level", dutyHead + "level: city\n", `6: level: "city" is none of grid, community, street`},
		{"a key of the gateway's", dutyHead + "cameras: []\n", "6: cameras: unknown key; known here are name, level, data, listen, tls, timezone, prefix, brokers, database, users, people, keep_days, log"},
		{"two of a name", dutyHead + "- {name: 王, role: boss, hash: x}\n",
			"6: users[1].name: user \"王\" is there twice, users[0] has that name too\n6: users[1].role: \"boss\" is none of duty, supervisor\n6: users[1].hash: not an argon2id hash; sentrybox hash makes one"},
		{"scope", strings.Replace(dutyHead, "username: duty,", "username: duty, scope: '#',", 1), "3: brokers[0].scope: not a topic filter, such as sensors/+/state"},
		{"days", dutyHead + "keep_days: 0\n", "6: keep_days: must be from 1 to 3660"},
		{"database", dutyHead + "database: {a: 1}\n", "6: database: must be a text, not a mapping"},
	} {
		_, err := ParseDuty("duty.yaml", []byte(m.config), testEnv)
		got := ""
		if err != nil {
			got = strings.ReplaceAll(err.(*Problems).Text(text.English), "duty.yaml:", "") //nolint:errorlint // it says so
		}
		if got != m.want {
			t.Errorf("%s:\n%s\nwant\n%s", m.name, got, m.want)
		}
		if strings.Contains(got, secret) {
			t.Errorf("%s: a secret is shown", m.name)
		}
	}
}
