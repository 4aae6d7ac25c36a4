package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentrybox/analytics/wire"
	"sentrybox/gateway/strict"
)

// Limits of one box and one vision process.
const (
	maxCameras = 256
	maxZones   = 63 // and the whole picture
	maxRules   = 64
	minPeople  = 2
	maxPeople  = 1000
)

// What of a camera's stream is decoded.
const (
	DecodeAuto = "auto"
	DecodeFull = "full"
)

// Whether the board's own decoder is used.
const (
	HardwareOff  = "off"
	HardwareAuto = "auto"
)

// Unbuilt lists the kinds, each once, that the camera's rules ask for and that
// this version does not find yet. They are no mistake.
func (c *Camera) Unbuilt() []wire.Kind {
	var kinds []wire.Kind
	for _, r := range c.Detect {
		if !slices.Contains(wire.Built(), r.Kind) && !slices.Contains(kinds, r.Kind) {
			kinds = append(kinds, r.Kind)
		}
	}
	return kinds
}

// KeepsClips reports whether the stream itself is kept of the camera's alerts: never where
// something is private, for a stream cannot be painted over.
func (c *Camera) KeepsClips() bool { return c.Clips != "never" && len(c.Privacy) == 0 }

// PaintsClips reports whether clips are made anew of single pictures, in which what is private is
// painted over.
func (c *Camera) PaintsClips() bool { return c.Clips != "never" && len(c.Privacy) > 0 }

// defaultAfter is how long a behaviour must last where a rule does not say; 0
// for kinds that know no such time.
func defaultAfter(k wire.Kind) Duration {
	switch k {
	case wire.Loitering:
		return Duration(30 * time.Second)
	case wire.Gathering:
		return Duration(20 * time.Second)
	case wire.AbandonedObject:
		return Duration(60 * time.Second)
	default:
		return 0
	}
}

// defaultPeople is how many make a gathering.
const defaultPeople = 5

func (d *document) finishCameras(cameras []Camera) {
	if len(cameras) > maxCameras {
		d.Fault("cameras", "config.many", len(cameras), maxCameras)
		return
	}
	first := map[string]string{}
	for i := range cameras {
		c, path := &cameras[i], strict.Element("cameras", i)
		if !d.Sound(path) {
			continue
		}
		d.finishCamera(c, path+".")
		d.Required(path+".url", c.URL.IsZero())
		id := path + ".id"
		if other, twice := first[c.ID]; twice && d.Sound(id) {
			d.Fault(id, "config.camera.twice", d.Shown(id, c.ID), other)
		} else if c.ID != "" && !twice {
			first[c.ID] = path
		}
	}
}

// cameraAddress checks where a camera's stream is. What drivers/dvrip wants of a
// path is checked here, since a channel that is a word is a common mistake.
func (d *document) cameraAddress(path string, u URL) {
	p := d.address(path, u, "rtsp", "rtsps", "dvrip")
	if p == nil || !strings.EqualFold(p.Scheme, "dvrip") {
		return
	}
	channel, stream := strings.Trim(p.Path, "/"), p.Query().Get("stream")
	_, err := strconv.ParseUint(channel, 10, 8)
	if channel != "" && err != nil || stream != "" && stream != "0" && stream != "1" {
		d.Fault(path, "config.url.dvrip")
	}
}

// finishCamera checks a camera, whose keys have prefix before them, and fills in
// what was left out.
func (d *document) finishCamera(c *Camera, prefix string) {
	if !d.Sound(strings.TrimSuffix(prefix, ".")) {
		return
	}
	d.name(prefix+"id", c.ID, true)
	if c.Grid != "" {
		d.name(prefix+"grid", c.Grid, false)
	}
	if !c.URL.IsZero() {
		d.cameraAddress(prefix+"url", c.URL)
	}
	if !c.DetectURL.IsZero() {
		d.cameraAddress(prefix+"detect_url", c.DetectURL)
	}
	if c.Transport == "" {
		c.Transport = "auto"
	}
	d.OneOf(prefix+"transport", c.Transport, "auto", "tcp", "udp")
	if c.Clips == "" {
		c.Clips = "auto"
	}
	d.OneOf(prefix+"clips", c.Clips, "auto", "always", "never")
	if c.Decode == "" {
		c.Decode = DecodeAuto
	}
	d.OneOf(prefix+"decode", c.Decode, DecodeAuto, DecodeFull)
	d.finishConfirm(&c.Confirm, prefix+"confirm")
	d.finishDetector(&c.Detector, prefix+"detector")
	d.finishZones(c, prefix+"zones")
	if d.finishHeights(c.Heights, prefix+"heights"); len(c.Heights) == 0 {
		c.Heights = nil // as if it were not there
	}
	if len(c.Detect) > maxRules {
		d.Fault(prefix+"detect", "config.many", len(c.Detect), maxRules)
		return
	}
	seen := map[string]string{}
	for i := range c.Detect {
		path := strict.Element(prefix+"detect", i)
		if !d.Sound(path) {
			continue
		}
		r := &c.Detect[i]
		d.finishRule(r, path)
		d.zoneExists(c, r.Zone, path+".zone", prefix+"zones")
		d.zoneFits(c, r, path, prefix+"zones")
		if !d.soundRule(path) {
			continue
		}
		key := fmt.Sprint(r.Kind, "\x00", r.Zone, "\x00", r.After, r.People, r.Schedule)
		if other, twice := seen[key]; twice {
			d.Fault(path, "config.rule.twice", other)
			continue
		}
		seen[key] = path
	}
}

// soundRule reports whether all is right that makes a rule another than the
// next.
func (d *document) soundRule(path string) bool {
	for _, key := range []string{".kind", ".zone", ".after", ".people", ".schedule"} {
		if !d.Sound(path + key) {
			return false
		}
	}
	return true
}

func (d *document) finishZones(c *Camera, path string) {
	if len(c.Zones) > maxZones {
		d.Fault(path, "config.many", len(c.Zones), maxZones)
	}
	for _, name := range names(c.Zones) {
		at := strict.Member(path, name)
		if f := nameFlaw(name, false); f != nil || name == "" {
			if f == nil {
				f = &strict.Flaw{Key: "config.missing"}
			}
			d.Flaw(at, f, name)
			continue
		}
		z := c.Zones[name]
		d.finishZone(&z, at)
		d.finishFloors(z.Floors, at+".floors")
		if len(z.Floors) == 0 {
			z.Floors = nil // as if it were not there
		}
		c.Zones[name] = z
	}
}

func (d *document) finishZone(z *Zone, path string) {
	line := len(z.Line) > 0 || d.Faulty(path+".line")
	switch {
	case line && len(z.Polygon) > 0:
		d.Fault(path+".line", "config.line.polygon")
	case line:
		if z.Direction == "" {
			z.Direction = wire.BothWays
		}
		all := make([]string, 0, len(wire.Directions()))
		for _, w := range wire.Directions() {
			all = append(all, string(w))
		}
		d.OneOf(path+".direction", string(z.Direction), all...)
	default:
		if at := path + ".polygon"; d.Given(at) && d.Sound(at) && len(z.Polygon) == 0 {
			d.Fault(at, "config.polygon.few", 0, minPoints)
		} else {
			d.Required(at, len(z.Polygon) == 0)
		}
		if z.Direction != "" && d.Sound(path+".direction") {
			d.Fault(path+".direction", "config.direction")
		}
	}
}

func (d *document) zoneExists(c *Camera, zone, path, zones string) {
	_, drawn := c.Zones[zone]
	if drawn || zone == AllZones || !d.Sound(path) || !d.Sound(zones) {
		return
	}
	known := append(names(c.Zones), AllZones)
	shown := d.Shown(path, zone)
	if near := strict.Nearest(zone, known); near != "" && !d.FromEnv(path) {
		d.Fault(path, "config.zone.near", shown, near)
	} else {
		d.Fault(path, "config.zone", shown, strict.Shorten(strings.Join(known, ", ")))
	}
}

// zoneFits checks that a line is drawn for what crosses one, and an area for
// everything else.
func (d *document) zoneFits(c *Camera, r *Rule, path, zones string) {
	z, drawn := c.Zones[r.Zone]
	if !drawn && r.Zone != AllZones || !d.Sound(path+".kind") || !d.Sound(path+".zone") || !d.Sound(strict.Member(zones, r.Zone)) {
		return
	}
	switch {
	case r.Kind == wire.LineCrossing && len(z.Line) == 0:
		d.Fault(path+".zone", "config.zone.line", d.Shown(path+".zone", r.Zone))
	case r.Kind != wire.LineCrossing && len(z.Line) > 0:
		d.Fault(path+".zone", "config.zone.area", string(r.Kind), d.Shown(path+".zone", r.Zone))
	}
}

func (d *document) finishRule(r *Rule, path string) {
	kinds := make([]string, 0, len(wire.Kinds()))
	for _, k := range wire.Kinds() {
		kinds = append(kinds, string(k))
	}
	known := d.Required(path+".kind", r.Kind == "") && d.OneOf(path+".kind", string(r.Kind), kinds...)
	if r.Zone == "" {
		r.Zone = AllZones
	}
	if r.Severity == 0 && !d.Given(path+".severity") {
		r.Severity = defaultSeverity(r.Kind)
	}
	d.Between(path+".severity", r.Severity, 1, 4)
	if known {
		d.finishAfter(r, path+".after")
		d.finishPeople(r, path+".people")
	}
}

func (d *document) finishAfter(r *Rule, path string) {
	after := defaultAfter(r.Kind)
	switch {
	case after == 0 && r.After != 0:
		d.Fault(path, "config.after", string(r.Kind))
	case after == 0:
	case !d.Given(path):
		r.After = after
	default:
		d.Span(path, r.After, Duration(time.Second), Duration(24*time.Hour))
	}
}

func (d *document) finishPeople(r *Rule, path string) {
	switch {
	case r.Kind != wire.Gathering && r.People != 0:
		d.Fault(path, "config.people", string(r.Kind))
	case r.Kind != wire.Gathering:
	case r.People == 0 && !d.Given(path):
		r.People = defaultPeople
	case d.Sound(path) && (r.People < minPeople || r.People > maxPeople):
		d.Fault(path, "config.range", minPeople, maxPeople)
	}
}

// names returns the keys of m in order.
func names[T any](m map[string]T) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Spare returns the rule without what it has by default: as a person would write it.
func (r Rule) Spare() Rule {
	if r.After == defaultAfter(r.Kind) {
		r.After = 0
	}
	if r.People == defaultPeople {
		r.People = 0
	}
	if r.Severity == defaultSeverity(r.Kind) {
		r.Severity = 0
	}
	return r
}
