package config

import (
	"os"
	"strings"
	"time"

	"sentrybox/gateway/strict"
)

// dutyTimezone is that of China, where a console is that says none: a fresh system's own is UTC, and a browser's
// may be any.
const dutyTimezone = "Asia/Shanghai"

// Duty is the configuration of a duty room's console.
type Duty struct {
	Name     string       `yaml:"name"`  // of the room, on its page
	Level    string       `yaml:"level"` // whose alerts it hears: grid, community or street
	Data     string       `yaml:"data"`  // folder of everything durable
	Listen   string       `yaml:"listen"`
	TLS      KeyPair      `yaml:"tls"`      // a certificate is made where none is given, but for loopback
	Timezone string       `yaml:"timezone"` // of every time on its pages and in its reports
	Prefix   string       `yaml:"prefix"`   // of every topic
	Brokers  []DutyBroker `yaml:"brokers"`
	// Database is a postgres:// URL that several consoles share; SQLite in Data when empty.
	Database Secret     `yaml:"database"`
	Users    []DutyUser `yaml:"users"`
	People   []string   `yaml:"people"`    // who may be on duty
	KeepDays int        `yaml:"keep_days"` // how long closed alerts are kept
	Log      Log        `yaml:"log"`
}

// Secure says whether the page is served over TLS.
func (d *Duty) Secure() bool { return d.TLS.Cert != "" || !loopback(d.Listen) }

// DutyBroker is a broker that gateways publish to.
type DutyBroker struct {
	URL          URL    `yaml:"url"` // mqtt:// or mqtts://
	Username     string `yaml:"username"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	CA           string `yaml:"ca"`
	Cert         string `yaml:"cert"`
	Key          string `yaml:"key"`
	Pin          string `yaml:"pin"`
	// Scope is street/community/gateway, each + for all.
	Scope string `yaml:"scope"`
	// Share is the name of a shared subscription, where several consoles with one Database share the load.
	Share string `yaml:"share"`
}

// MQTT returns the broker as an uplink's.
func (b *DutyBroker) MQTT() MQTT {
	return MQTT{URL: b.URL, Username: b.Username, Password: b.Password, PasswordFile: b.PasswordFile, CA: b.CA, Cert: b.Cert, Key: b.Key, Pin: b.Pin}
}

// DutyUser may sign in at the console.
type DutyUser struct {
	Name string `yaml:"name"`
	Role string `yaml:"role"` // duty, or supervisor, who also sees the audit log
	Hash Secret `yaml:"hash"` // argon2id in PHC form, of sentrybox hash
}

// LoadDuty reads a console's configuration. Its error is a *Problems.
func LoadDuty(path string) (*Duty, error) {
	data, err := strict.ReadFile(path)
	if err != nil {
		return nil, strict.Unreadable(path, err)
	}
	return ParseDuty(path, data, Environment(path))
}

// ParseDuty is Parse for a console.
func ParseDuty(name string, data []byte, env func(string) (string, bool)) (*Duty, error) {
	d, err := newDocument(name, env)
	if err != nil {
		return nil, strict.Unreadable(name, err)
	}
	c := Duty{
		Level: "community", Listen: "127.0.0.1:8090", Prefix: "sentrybox/v1", KeepDays: 400, Timezone: dutyTimezone, Log: Log{Level: "info"},
	}
	if d.Read(data, &c) {
		d.finishDuty(&c)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	return &c, nil
}

func (d *document) finishDuty(c *Duty) {
	d.name("name", c.Name, false)
	d.OneOf("level", c.Level, "grid", "community", "street")
	if d.Required("data", c.Data == "") {
		c.Data = d.absolute(c.Data)
		if info, err := os.Stat(c.Data); err == nil && !info.IsDir() {
			d.Fault("data", "config.data")
		}
	}
	if d.Sound("listen") && !validListen(c.Listen) {
		d.Fault("listen", "config.listen")
	}
	if c.TLS.Cert != "" || c.TLS.Key != "" {
		d.pair("tls", &c.TLS.Cert, &c.TLS.Key)
	}
	if c.Timezone == "" {
		c.Timezone = dutyTimezone
	}
	if _, err := time.LoadLocation(c.Timezone); (err != nil || c.Timezone == "Local") && d.Sound("timezone") { // browsers need its name
		d.Fault("timezone", "config.timezone", d.Shown("timezone", c.Timezone))
	}
	d.prefix("prefix", c.Prefix)
	d.Between("keep_days", c.KeepDays, 1, 3660)
	d.OneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	d.finishDutyBrokers(c.Brokers)
	d.finishDutyUsers(c)
	for i, p := range c.People {
		d.name(strict.Element("people", i), p, false)
	}
}

func (d *document) finishDutyBrokers(all []DutyBroker) {
	if len(all) == 0 && d.Sound("brokers") {
		d.Fault("brokers", "config.missing")
	}
	for i := range all {
		b, at := &all[i], strict.Element("brokers", i)
		m := b.MQTT()
		d.finishMQTT(&m, at)
		b.Password, b.CA, b.Cert, b.Key, b.PasswordFile = m.Password, m.CA, m.Cert, m.Key, m.PasswordFile
		if b.Scope == "" {
			b.Scope = "+/+/+"
		}
		if strings.Count(b.Scope, "/") != 2 || strings.Contains(b.Scope, "#") || !validTopicFilter(b.Scope) {
			d.Fault(at+".scope", "config.broker.filter")
		}
		if b.Share != "" {
			d.name(at+".share", b.Share, true)
		}
	}
}

func (d *document) finishDutyUsers(c *Duty) {
	if len(c.Users) == 0 && d.Sound("users") {
		d.Fault("users", "config.missing")
	}
	first := map[string]string{}
	for i := range c.Users {
		u, at := &c.Users[i], strict.Element("users", i)
		d.name(at+".name", u.Name, false)
		if u.Role == "" {
			u.Role = "duty"
		}
		d.OneOf(at+".role", u.Role, "duty", "supervisor")
		if d.Required(at+".hash", u.Hash.Reveal() == "") && d.Sound(at+".hash") && !validArgon2id(u.Hash.Reveal()) {
			d.Fault(at+".hash", "config.broker.hash")
		}
		if other, twice := first[u.Name]; twice && d.Sound(at+".name") {
			d.Fault(at+".name", "config.broker.twice", d.Shown(at+".name", u.Name), other)
		}
		first[u.Name] = at
	}
}

// Location returns the timezone, which has been checked by LoadDuty.
func (d *Duty) Location() *time.Location { return (&Gateway{Timezone: d.Timezone}).Location() }
