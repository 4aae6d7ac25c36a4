package config

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // small boxes have none
	"unicode"
	"unicode/utf8"

	"sentrybox/gateway/strict"
)

// maxName, in bytes, keeps an alert, in which up to six names stand, below the
// 1 KiB of its contract. Chinese takes 3 bytes a character.
const maxName = 64

// finish checks what has been read and fills in what was left out.
func (d *document) finish(c *Config) {
	d.name("gateway.id", c.Gateway.ID, true)
	d.name("gateway.street", c.Gateway.Street, true)
	d.name("gateway.community", c.Gateway.Community, true)
	if _, err := time.LoadLocation(c.Gateway.Timezone); err != nil && d.Sound("gateway.timezone") {
		d.Fault("gateway.timezone", "config.timezone", d.Shown("gateway.timezone", c.Gateway.Timezone))
	}
	d.data(c)
	d.finishWeb(&c.Web)
	d.finishUplink(&c.Uplink)
	d.finishBroker(&c.Broker)
	d.finishAlerts(&c.Alerts)
	d.finishPlans(c.Plans)
	d.finishStorage(&c.Storage)
	d.finishEvidence(&c.Evidence)
	d.finishLookback(&c.Lookback)
	d.finishVision(&c.Vision)
	d.finishMetrics(&c.Metrics)
	d.finishHomeAssistant(&c.HomeAssistant)
	d.finishWatchdog(&c.Watchdog)
	d.finishLED(c.LED)
	d.OneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	d.finishCameras(c.Cameras)
	d.finishDevices(c)
	for i := range c.Cameras {
		d.inherit(&c.Cameras[i], &c.Vision, strict.Element("cameras", i)+".")
	}
}

// Location returns the timezone, which has been checked by Load.
func (g *Gateway) Location() *time.Location {
	if g.Timezone == "" {
		return time.Local
	}
	l, err := time.LoadLocation(g.Timezone)
	if err != nil {
		return time.UTC
	}
	return l
}

// name checks a name that people and programs read in alerts. If it is part of
// a topic it must be one level of it (MQTT 3.1.1, section 4.7), and not one that
// a file system takes for a folder.
func (d *document) name(path, s string, topic bool) {
	if !d.Required(path, s == "") || !d.Sound(path) {
		return
	}
	if f := nameFlaw(s, topic); f != nil {
		d.Flaw(path, f, s)
	}
}

func nameFlaw(s string, topic bool) *strict.Flaw {
	switch {
	case len(s) > maxName:
		return &strict.Flaw{Key: "config.name.long", Args: []any{maxName}}
	case !utf8.ValidString(s), strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &strict.Flaw{Key: "config.name.print"}
	case strings.TrimSpace(s) != s:
		return &strict.Flaw{Key: "config.name.space"}
	case strings.ContainsAny(s, "\"\\"): // JSON would double them, past an alert's 1 KiB
		return &strict.Flaw{Key: "config.name.quote"}
	case topic && strings.ContainsAny(s, "/+#"):
		return &strict.Flaw{Key: "config.name.topic"}
	case topic && (s == "." || s == ".."):
		return &strict.Flaw{Key: "config.name.dots"}
	}
	return nil
}

// absolute returns where a file or folder is that the configuration names, and notes it.
func (d *document) absolute(path string) string {
	if path = d.clean(path); !slices.Contains(d.named, path) {
		d.named = append(d.named, path)
	}
	return path
}

func (d *document) clean(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(d.dir, path)
}

func (d *document) data(c *Config) {
	if !d.Required("data", c.Data == "") {
		return
	}
	c.Data = d.clean(c.Data)
	if info, err := os.Stat(c.Data); err == nil && !info.IsDir() {
		d.Fault("data", "config.data")
	}
}

// readable checks that a file that the configuration names can be read, and returns
// what is in it.
func (d *document) readable(path, name string) []byte {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // a pipe would block
		d.Fault(path, "config.file.irregular")
		return nil
	}
	var data []byte
	if err == nil {
		data, err = strict.ReadFile(name)
	}
	if err != nil {
		d.Fault(path, strict.ReadKey(err))
	}
	return data
}

// validListen reports whether s is host:port with a port of 0 to 65535; the
// host may be empty.
func validListen(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}
