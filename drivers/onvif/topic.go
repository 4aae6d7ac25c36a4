package onvif

import (
	"fmt"
	"strings"
	"time"

	"sentrybox/drivers/call"
)

// maxInputs is how many things of a device may be on at once.
const maxInputs = 256

// input is something that begins and ends.
type input struct{ name, channel string }

// meaning turns notifications into events. It belongs to one goroutine.
type meaning struct {
	emit   func(call.Event)
	motion bool
	on     map[input]bool    // what goes on; false once nobody knows whether it does
	rings  map[string]string // the call of a door bell that rings, by its token
	named  uint64
}

// take tells what a notification means.
//
//	Device/Trigger/DigitalInput               LogicalState            Input alarm
//	VideoSource/GlobalSceneChange/*           State                   Input tamper
//	RuleEngine/TamperDetector/Tamper          IsTamper, State         Input tamper
//	Door/State/DoorAlarm                      State: DoorForcedOpen   Input door_forced
//	                                          DoorOpenTooLong         Input door_open; Normal ends both
//	Door/State/DoorTamper                     State: TamperDetected   Input tamper
//	AccessPoint/State/Tampering               Active                  Input tamper
//	AccessControl/Duress                                              Emergency
//	VideoSource/MotionAlarm, RuleEngine/CellMotionDetector/Motion     Input motion, if asked for
//	RuleEngine/MyRuleDetector/Visitor         State                   Begin and End (a door bell's, by Reolink)
//
// Topics are those of ONVIF's Core, Imaging, Analytics, Door Control and Access Control
// specifications. Whichever prefixes a device uses do not count.
func (m *meaning) take(n *notification, at time.Time) {
	msg := &n.Message.Message
	topic := path(n.Topic)
	token := ""
	if len(msg.Source.SimpleItem) > 0 {
		token = call.Clip(clean(msg.Source.SimpleItem[0].Value), call.MaxIdentity)
	}
	deleted, fresh := msg.PropertyOperation == "Deleted", msg.PropertyOperation == "Changed"
	state := func(names ...string) bool { return !deleted && yes(value(msg.Data.SimpleItem, names...)) }
	switch {
	case topic == "Device/Trigger/DigitalInput":
		m.input(call.Alarm, token, state("LogicalState"), fresh, at)
	case strings.HasPrefix(topic, "VideoSource/GlobalSceneChange"), topic == "RuleEngine/TamperDetector/Tamper":
		m.input(call.Tamper, token, state("State", "IsTamper"), fresh, at)
	case topic == "Door/State/DoorAlarm":
		v := value(msg.Data.SimpleItem, "State")
		m.input(call.DoorForced, token, v == "DoorForcedOpen" && !deleted, fresh, at)
		m.input(call.DoorOpen, token, v == "DoorOpenTooLong" && !deleted, fresh, at)
	case topic == "Door/State/DoorTamper":
		m.input(call.Tamper, token, value(msg.Data.SimpleItem, "State") == "TamperDetected" && !deleted, fresh, at)
	case topic == "AccessPoint/State/Tampering":
		m.input(call.Tamper, token, state("Active"), fresh, at)
	case topic == "AccessControl/Duress":
		m.emit(call.Event{Kind: call.Emergency, Active: true, Channel: token, At: at})
	case topic == "VideoSource/MotionAlarm", topic == "RuleEngine/CellMotionDetector/Motion":
		if m.motion {
			m.input(call.Motion, token, state("State", "IsMotion"), fresh, at)
		}
	case topic == "RuleEngine/MyRuleDetector/Visitor":
		m.ring(token, state("State"), at)
	}
}

// missed says that messages may be lost. Of what goes on a new subscription tells anew, as Initialized; what is told as
// Changed has begun meanwhile, or since. A bell that rings has stopped.
func (m *meaning) missed(now time.Time) {
	for key := range m.on {
		m.on[key] = false
	}
	for token, name := range m.rings {
		delete(m.rings, token)
		m.emit(call.Event{Kind: call.End, Call: name, Channel: token, At: now, Lost: true})
	}
}

// input tells that something begins, or is over, once each. What is fresh is told as a change.
func (m *meaning) input(name, channel string, active, fresh bool, at time.Time) {
	key := input{name, channel}
	sure, on := m.on[key]
	if on == active && (!active || sure) || active && !on && len(m.on) >= maxInputs {
		return
	}
	if active {
		m.on[key] = true
	} else {
		delete(m.on, key)
	}
	if on && active {
		if !fresh {
			return // it has gone on
		}
		m.emit(call.Event{Kind: call.Input, Input: name, Channel: channel, At: at})
	}
	m.emit(call.Event{Kind: call.Input, Input: name, Channel: channel, Active: active, At: at})
}

func (m *meaning) ring(token string, active bool, at time.Time) {
	name, rings := m.rings[token]
	if rings == active || active && len(m.rings) >= maxInputs {
		return
	}
	if active {
		m.named++
		name = fmt.Sprintf("%d-%d", at.UnixMilli(), m.named)
		m.rings[token] = name
		m.emit(call.Event{Kind: call.Begin, Call: name, Channel: token, At: at})
		return
	}
	delete(m.rings, token)
	m.emit(call.Event{Kind: call.End, Call: name, Channel: token, At: at})
}

// path is a topic without its prefixes: tns1:Device/Trigger/tns1:DigitalInput is
// Device/Trigger/DigitalInput.
func path(topic string) string {
	parts := strings.Split(call.Clip(strings.TrimSpace(topic), 256), "/")
	for i, p := range parts {
		if _, after, ok := strings.Cut(p, ":"); ok {
			parts[i] = after
		}
	}
	return strings.Join(parts, "/")
}

// value returns the first of the named values.
func value(items []item, names ...string) string {
	for _, name := range names {
		for _, i := range items {
			if i.Name == name {
				return strings.TrimSpace(i.Value)
			}
		}
	}
	return ""
}

func yes(v string) bool { return strings.EqualFold(v, "true") || v == "1" }
