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
)

// maxName, in bytes, keeps an alert, in which up to six names stand, below the
// 1 KiB of its contract. Chinese takes 3 bytes a character.
const maxName = 64

// finish checks what has been read and fills in what was left out.
func (d *document) finish(c *Config) {
	d.name("gateway.id", c.Gateway.ID, true)
	d.name("gateway.street", c.Gateway.Street, true)
	d.name("gateway.community", c.Gateway.Community, true)
	if _, err := time.LoadLocation(c.Gateway.Timezone); err != nil && d.sound("gateway.timezone") {
		d.fault("gateway.timezone", "config.timezone", d.shown("gateway.timezone", c.Gateway.Timezone))
	}
	d.data(c)
	if d.sound("web.listen") && !validListen(c.Web.Listen) {
		d.fault("web.listen", "config.listen")
	}
	d.finishUplink(&c.Uplink)
	d.finishBroker(&c.Broker)
	d.finishAlerts(&c.Alerts)
	d.finishStorage(&c.Storage)
	d.finishEvidence(&c.Evidence)
	d.finishVision(&c.Vision)
	d.finishMetrics(&c.Metrics)
	d.finishHomeAssistant(&c.HomeAssistant)
	d.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	d.finishCameras(c.Cameras)
	for i := range c.Cameras {
		d.inherit(&c.Cameras[i], &c.Vision, element("cameras", i)+".")
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

// required reports path if the file has nothing there.
func (d *document) required(path string, empty bool) bool {
	if empty && d.sound(path) {
		d.fault(path, "config.missing")
	}
	return !empty
}

// name checks a name that people and programs read in alerts. If it is part of
// a topic it must be one level of it (MQTT 3.1.1, section 4.7), and not one that
// a file system takes for a folder.
func (d *document) name(path, s string, topic bool) {
	if !d.required(path, s == "") || !d.sound(path) {
		return
	}
	if f := nameFlaw(s, topic); f != nil {
		d.flaw(path, f, s)
	}
}

func nameFlaw(s string, topic bool) *flaw {
	switch {
	case len(s) > maxName:
		return &flaw{key: "config.name.long", args: []any{maxName}}
	case !utf8.ValidString(s), strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &flaw{key: "config.name.print"}
	case strings.TrimSpace(s) != s:
		return &flaw{key: "config.name.space"}
	case strings.ContainsAny(s, "\"\\"): // JSON would double them, past an alert's 1 KiB
		return &flaw{key: "config.name.quote"}
	case topic && strings.ContainsAny(s, "/+#"):
		return &flaw{key: "config.name.topic"}
	case topic && (s == "." || s == ".."):
		return &flaw{key: "config.name.dots"}
	}
	return nil
}

// oneOf checks that s is one of the values and reports whether it is.
func (d *document) oneOf(path, s string, values ...string) bool {
	if slices.Contains(values, s) || !d.sound(path) {
		return d.sound(path)
	}
	shown := d.shown(path, s)
	if near := nearest(s, values); near != "" && d.marks[path].raw == "" {
		d.fault(path, "config.value.near", shown, near)
	} else {
		d.fault(path, "config.value", shown, strings.Join(values, ", "))
	}
	return false
}

func (d *document) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(d.dir, path)
}

func (d *document) data(c *Config) {
	if !d.required("data", c.Data == "") {
		return
	}
	c.Data = d.absolute(c.Data)
	if info, err := os.Stat(c.Data); err == nil && !info.IsDir() {
		d.fault("data", "config.data")
	}
}

// readable checks that a file that the configuration names can be read, and returns
// what is in it.
func (d *document) readable(path, name string) []byte {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // a pipe would block
		d.fault(path, "config.file.irregular")
		return nil
	}
	var data []byte
	if err == nil {
		data, err = readFile(name)
	}
	if err != nil {
		d.fault(path, readKey(err))
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

func (d *document) finishAlerts(a *Alerts) {
	d.oneOf("alerts.level", a.Level, "grid", "community", "street")
	const most = Duration(24 * time.Hour)
	d.span("alerts.respond_within", a.RespondWithin, Duration(time.Second), most)
	d.span("alerts.handle_within", a.HandleWithin, Duration(time.Second), 7*most)
	d.span("alerts.cool_down", a.CoolDown, 0, most)
	if d.sound("alerts.respond_within") && d.sound("alerts.handle_within") && a.HandleWithin < a.RespondWithin {
		path := "alerts.handle_within"
		if !d.given(path) {
			path = "alerts.respond_within"
		}
		d.fault(path, "config.alerts.order")
	}
}

// span checks that v is within bounds.
func (d *document) span(path string, v, least, most Duration) {
	if d.sound(path) && (v < least || v > most) {
		d.fault(path, "config.duration.range", least.String(), most.String())
	}
}
