package isapi

import (
	"fmt"
	"strconv"
	"time"

	"sentrybox/drivers/call"
)

const maxSeen = 512

// take tells of an alert what it means.
func (d *Driver) take(a *alert, now time.Time) {
	channel := a.Channel
	if channel == 0 {
		channel = a.Dynamic
	}
	active := a.State != "inactive"
	switch a.Type {
	case "io":
		if a.Port != 0 {
			channel = a.Port
		}
		d.input(call.Alarm, channel, active, now, Quiet)
	case "tamperdetection", "shelteralarm", "scenechangedetection":
		d.input(call.Tamper, channel, active, now, Quiet)
	case "vmd", "pir", "linedetection", "fielddetection", "regionentrance":
		if d.cfg.Motion {
			d.input(call.Motion, channel, active, now, Quiet)
		}
	case "callhelp":
		d.help(text(channel), active, now)
	case "accesscontrollerevent":
		if a.Access != nil {
			d.access(a, now)
		}
	}
}

// access tells of an event of access control.
func (d *Driver) access(a *alert, now time.Time) {
	e := a.Access
	key := fmt.Sprint(e.Major, " ", e.Minor, " ", e.Door, " ", e.Serial, " ", a.Time)
	if e.Serial+number(len(a.Time)) != 0 && d.say.seen[key] { // it is sent again after the connection was lost
		return
	}
	if len(d.say.order) >= maxSeen {
		delete(d.say.seen, d.say.order[0])
		d.say.order = d.say.order[1:]
	}
	d.say.seen[key], d.say.order = true, append(d.say.order, key)
	door := e.Door
	switch {
	case e.Major == 1 && (e.Minor == 0x400 || e.Minor == 0x408):
		d.inputAt(call.Alarm, max(door, e.Input), true, a.at(now), now, Kept)
	case e.Major == 1 && e.Minor == 0x409:
		d.input(call.Alarm, max(door, e.Input), false, now, Kept)
	case e.Major == 1 && (e.Minor == 0x401 || e.Minor == 0x402 || e.Minor == 0x404 || e.Minor == 0x406 || e.Minor == 0x40f):
		d.inputAt(call.Tamper, max(door, e.Reader), true, a.at(now), now, Kept)
	case e.Major == 1 && (e.Minor == 0x403 || e.Minor == 0x405 || e.Minor == 0x407 || e.Minor == 0x410):
		d.input(call.Tamper, max(door, e.Reader), false, now, Kept)
		if e.Minor == 0x403 {
			d.input(call.Alarm, max(door, e.Input), false, now, Kept)
		}
	case e.Major == 1 && e.Minor == 0x40a:
		d.say.emit(call.Event{Kind: call.Emergency, Active: true, Channel: text(door), At: a.at(now)})
	case e.Major == 5 && e.Minor == 0x1b:
		d.inputAt(call.DoorForced, door, true, a.at(now), now, Kept)
	case e.Major == 5 && e.Minor == 0x1c:
		d.inputAt(call.DoorOpen, door, true, a.at(now), now, Kept)
	case e.Major == 5 && e.Minor == 0x1a:
		d.input(call.DoorForced, door, false, now, Kept)
		d.input(call.DoorOpen, door, false, now, Kept)
	case e.Major == 5 && (e.Minor == 0x25 || e.Minor == 0x33):
		d.begin(text(door), "", now, true)
	}
}

// help tells of a call for help once, however often a device repeats it.
func (d *Driver) help(channel string, active bool, now time.Time) {
	last, on := d.say.helps[channel]
	switch {
	case !active:
		delete(d.say.helps, channel)
		return
	case !on && len(d.say.helps) >= maxSeen:
		clear(d.say.helps)
	}
	d.say.helps[channel] = now
	if !on || now.Sub(last) > Quiet {
		d.say.emit(call.Event{Kind: call.Emergency, Active: true, Channel: channel, At: now})
	}
}

func (d *Driver) input(name string, channel number, active bool, now time.Time, keep time.Duration) {
	d.inputAt(name, channel, active, now, now, keep)
}

// inputAt tells that an input has begun, once, or is over.
func (d *Driver) inputAt(name string, channel number, active bool, at, now time.Time, keep time.Duration) {
	key := input{name, text(channel)}
	s := d.say.inputs[key]
	switch {
	case active && s == nil:
		if len(d.say.inputs) >= maxSeen {
			return // a device has some inputs, and not hundreds
		}
		d.say.inputs[key] = &state{until: now.Add(keep)}
	case active:
		s.until = now.Add(keep)
		return
	case s == nil:
		return
	default:
		delete(d.say.inputs, key)
	}
	d.say.emit(call.Event{Kind: call.Input, Input: name, Channel: key.channel, Active: active, At: at})
}

// expire ends what is not repeated.
func (d *Driver) expire(now time.Time) {
	for key, s := range d.say.inputs {
		if now.After(s.until) {
			delete(d.say.inputs, key)
			d.say.emit(call.Event{Kind: call.Input, Input: key.name, Channel: key.channel, At: now})
		}
	}
}

// begin tells that the station calls. A moment is over at once.
func (d *Driver) begin(channel, to string, now time.Time, moment bool) {
	d.say.named++
	name := fmt.Sprintf("%d-%d", now.UnixMilli(), d.say.named)
	d.say.emit(call.Event{Kind: call.Begin, Call: name, Channel: channel, To: to, At: now})
	if moment {
		d.say.emit(call.Event{Kind: call.End, Call: name, Channel: channel, To: to, At: now})
		return
	}
	d.say.ring = name
}

// called takes the state of a door station's call.
func (d *Driver) called(status string, now time.Time) {
	switch on := status == "ring" || status == "onCall"; {
	case on && d.say.ring == "":
		d.begin("", "", now, false)
	case !on && d.say.ring != "":
		d.say.emit(call.Event{Kind: call.End, Call: d.say.ring, At: now})
		d.say.ring = ""
	}
}

func text(n number) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}
