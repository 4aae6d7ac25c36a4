package web

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"sentrybox/gateway/text"
)

// cameraLine says how a camera is and what to do.
func cameraLine(c *Camera, l text.Lang) Line {
	line := Line{
		Level: Bad, About: "camera", ID: c.ID, Since: c.Since.UTC(), Why: c.Reason, Link: "/cameras#" + c.ID,
		Text: text.T(l, "web.camera", c.ID, text.State(l, c.Phase)),
	}
	switch c.Phase {
	case "online":
		line.Level = Good
		if c.Width > 0 {
			line.Note = fmt.Sprintf("%s %d×%d", c.Codec, c.Width, c.Height)
			if c.FPS > 0 {
				line.Note += " " + strconv.FormatFloat(c.FPS, 'f', -1, 64) + " fps"
			}
		}
		if c.Rules == 0 {
			line.Hint = text.T(l, "web.hint.norules")
		}
		if c.Detector != "" {
			line.Level, line.Hint, line.Why = Warn, text.T(l, "web.hint.detector"), c.Detector
		}
	case "connecting", "":
		line.Level, line.Hint = Warn, text.T(l, "web.hint.connecting")
		line.Text = text.T(l, "web.camera", c.ID, text.State(l, "connecting"))
	default:
		line.Hint = text.T(l, text.Key("web.hint."+c.Phase))
	}
	return line
}

// deviceLine says how a sensor, a bus or an output is and what to do.
func deviceLine(d *Device, l text.Lang) Line {
	name := d.ID
	if d.Name != "" {
		name = d.Name
	}
	line := Line{
		Level: Bad, About: "device", ID: d.ID, Since: d.Since.UTC(), Why: d.Reason, Link: "/sensors#" + d.ID,
		Text: text.T(l, "web.device", text.T(l, text.Key("web.device."+d.Type)), name, text.State(l, d.Phase)),
	}
	switch d.Phase {
	case "online", "on", "off":
		line.Level, line.Why = Good, ""
	case "waiting", "connecting", "low_battery":
		line.Level = Warn
	}
	if hint := text.Key("web.hint.device." + d.Phase); text.Has(hint) {
		line.Hint = text.T(l, hint)
	}
	return line
}

// uplinkLines says how every way out is. One of several that fails is no alarm
// while another carries.
func uplinkLines(st *State, l text.Lang) []Line {
	carried := slices.ContainsFunc(st.Uplinks, func(u Uplink) bool { return u.Phase == "online" })
	if len(st.Uplinks) == 0 {
		return []Line{{Level: Bad, About: "uplink", Link: "/settings#uplinks", Text: text.T(l, "web.uplink.none"), Hint: text.T(l, "web.uplink.none.hint")}}
	}
	var all []Line
	for _, u := range st.Uplinks {
		line := Line{
			Level: Bad, About: "uplink", ID: u.Name, Since: u.Since.UTC(), Why: u.Reason, Link: "/settings#uplinks",
			Text: text.T(l, "web.uplink", u.Name, text.T(l, text.Key("uplink."+u.Phase))),
			Note: text.T(l, "web.month", size(u.Month)),
		}
		switch {
		case u.Phase == "online" || u.Phase == "standby":
			line.Level, line.Why = Good, ""
		case u.Phase == "twin" || u.Phase == "cut": // what was carried may have been of either gateway
		case carried || u.Phase == "connecting":
			line.Level = Warn
		}
		if line.Level != Good {
			line.Hint = text.T(l, text.Key("web.hint.uplink."+u.Phase))
		}
		all = append(all, line)
	}
	return all
}

const (
	hot       = 80 // °C: boards slow down from here
	warm      = 70
	overdue   = time.Minute // an alert that waits for the line so long
	busyLoad  = 1.5         // of each core
	fullParts = 0.9         // of the memory
)

func boxLines(st *State, l text.Lang) []Line {
	var all []Line
	add := func(level Level, link string, key text.Key, args ...any) {
		all = append(all, Line{Level: level, About: "box", Link: link, Text: text.T(l, key, args...), Hint: text.T(l, key+".hint")})
	}
	if st.Disk != "" {
		add(Bad, "", text.Key("system."+st.Disk))
		all[len(all)-1].Hint = text.T(l, "web.disk.hint")
	}
	if !st.ClockSet {
		add(Warn, "", "web.clock")
	}
	if t := st.Vitals.Temperature; t >= hot {
		add(Bad, "", "web.hot", t)
	}
	for _, lane := range st.Lanes {
		if lane.Name == "alert" && lane.Depth > 0 && st.At.Sub(lane.Oldest) > overdue {
			add(Bad, "/settings#uplinks", "web.waiting", lane.Depth)
			all[len(all)-1].Since = lane.Oldest.UTC()
		}
	}
	return all
}

// vitals says the figures of the box.
func vitals(st *State, l text.Lang) []Vital {
	all := []Vital{}
	add := func(name string, level Level, value string) {
		v := Vital{Name: name, Label: text.T(l, text.Key("vital."+name)), Value: value, Level: level}
		if level != Good {
			v.Hint = text.T(l, text.Key("web.hint.vital."+name))
		}
		all = append(all, v)
	}
	pick := func(warn, bad bool) Level {
		switch {
		case bad:
			return Bad
		case warn:
			return Warn
		}
		return Good
	}
	v := &st.Vitals
	if v.Temperature != 0 {
		add("temperature", pick(v.Temperature >= warm, v.Temperature >= hot), fmt.Sprintf("%.0f °C", v.Temperature))
	}
	if v.Cores > 0 {
		part := v.Load / float64(v.Cores)
		add("load", pick(part >= busyLoad, part >= 2*busyLoad), fmt.Sprintf("%.0f %%", 100*part))
	}
	if v.MemoryTotal > 0 {
		used := 1 - float64(v.MemoryFree)/float64(v.MemoryTotal)
		add("memory", pick(used > fullParts, used > (1+fullParts)/2), fmt.Sprintf("%.0f %% / %s", 100*used, size(v.MemoryTotal)))
	}
	if v.DiskTotal > 0 {
		add("disk", pick(st.Disk != "", st.Disk != "" && st.Disk != "disk_low"), text.T(l, "web.free", size(v.DiskFree), size(v.DiskTotal)))
	}
	if st.Delay50 > 0 {
		add("delay", pick(st.Delay95 > 10*time.Second, false), text.T(l, "web.delay", seconds(st.Delay50), seconds(st.Delay95)))
	}
	return all
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', 3, 64) + " s" }

// size writes a number of bytes as people read it.
func size(n uint64) string {
	const k = 1000
	switch {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%.0f kB", float64(n)/k)
	case n < k*k*k:
		return fmt.Sprintf("%.1f MB", float64(n)/k/k)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/k/k/k)
}
