package config

import (
	"testing"

	"sentrybox/gateway/profile"
)

// rig is a radio up to its keys, on line 4.
const rig = head + `radios: [{id: r, homebrew: {password: x, repeaters: {"460010": {}}}, `

var radioMistakes = []mistake{
	{"radio's unit without a name", rig + `units: {"1": {place: gate}}}]`, `4: radios[0].units.1.name: missing`},
	{"radio's unit with a space", rig + `units: {"1 2": {name: a}}}]`, `4: radios[0].units["1 2"]: must be 1 to 64 characters without spaces and quotes, such as 4600101`},
	{"radio's units of one name", rig + `units: {"1": {name: a}, "2": {name: a}}}]`, `4: radios[0].units.2.name: "a" is the name of radios[0].units.1 already`},
	{"radio's long name", rig + `units: {"1": {name: 老王老王老王老王老王老王老王老王老}}}]`, `4: radios[0].units.1.name: too long, at most 48 bytes`},
	{"radio's rules", rig + `emergency: [{on: digits}, {on: digits, code: x}, {on: input, code: A}, {on: page, code: "1"}, {on: emergncy}, {code: "1"}]}]`,
		`4: radios[0].emergency[0].code: missing
4: radios[0].emergency[1].code: must be of 0-9, A-F, * and #
4: radios[0].emergency[2].code: must be an input's name, such as door_forced
4: radios[0].emergency[3].code: page has no code
4: radios[0].emergency[4].on: "emergncy" is not known, did you mean "emergency"?
4: radios[0].emergency[5].on: missing`},
	{"radio without a driver", head + `radios: [{id: r}, {id: r, severity: 5, fold: 2h}]`, `4: radios[0]: one of these must be given, and no more: homebrew, analogue, sip, isapi, onvif, mmdvm
4: radios[1]: one of these must be given, and no more: homebrew, analogue, sip, isapi, onvif, mmdvm
4: radios[1].id: "r" is the id of radios[0] already
4: radios[1].severity: must be from 1 to 4
4: radios[1].fold: must be from 1s to 1h`},
	{"hotspot", head + `radios: [{id: r, mmdvm: {name: x}}, {id: s, mmdvm: {broker: "mqtt://a:b@h", username: c, ca: file, name: a/+}}]`,
		`4: radios[0].mmdvm.broker: must be given, as the gateway has no broker of its own (broker.listen)
4: radios[0].mmdvm.name: is of a broker; without one MMDVMHost publishes at the gateway's own
4: radios[1].mmdvm.username: the url has user and password already
4: radios[1].mmdvm.ca: is for mqtts:// only, and the url is mqtt://, which is not encrypted
4: radios[1].mmdvm.name: must be a part of topics, without + and #`},
	{"repeater", head + `radios: [{id: r, homebrew: {listen: x, repeaters: {a: {password: x}, "460010": {}}}}, {id: s, homebrew: {}}]`,
		`4: radios[0].homebrew.listen: must be host:port, such as 127.0.0.1:8080
4: radios[0].homebrew.repeaters.a: must be a repeater's DMR id, of four digits or more
4: radios[0].homebrew.repeaters.460010.password: missing
4: radios[1].homebrew.repeaters: missing`},
}

func TestRadios(t *testing.T) {
	c, err := Parse(at(t), []byte(rig+`units: {4600101: {name: 老王, place: 东门, grid: 3}}, groups: {9: 全体}, severity: 2, emergency: [
  {on: digits, code: "*911"}, {on: begin, to: help}, {on: emergency, from: "4600199", off: true}]}]`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Radios[0]
	if r.Units["4600101"] != (Unit{Name: "老王", Place: "东门", Grid: "3"}) || r.Groups["9"] != "全体" || r.Fold != defaultFold {
		t.Errorf("%+v", r)
	}
	if len(r.Emergency) != 8 || r.Emergency[0].Kind != "emergency_call" || r.Emergency[0].Severity != 2 || r.Emergency[1].Kind != "help_point" || r.Emergency[3].On != "emergency" {
		t.Errorf("%+v", r.Emergency)
	}
	if h := r.Homebrew; r.Driver() != "homebrew" || h.Listen != homebrewListen || h.Repeaters["460010"].Password.Reveal() != "x" {
		t.Errorf("%+v", h)
	}
}

// TestCapitals: however the letters of an MDC unit are written, it is the unit that is heard.
func TestCapitals(t *testing.T) {
	c, err := Parse(at(t), []byte(head+`radios: [{id: base, analogue: {alsa: default, tones: [mdc1200]}, units: {1a2b: {name: 老王}, 12E4: {name: 小李}},
  emergency: [{on: emergency, from: 00ff, off: true}]}]`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Radios[0]
	if r.Units["1A2B"].Name != "老王" || r.Units["12E4"].Name != "小李" || len(r.Units) != 2 || r.Emergency[0].From != "00FF" {
		t.Errorf("%+v, %+v", r.Units, r.Emergency)
	}
}

// What the guides say works as it stands there.
func TestGuides(t *testing.T) {
	ids, err := profile.GuideIDs()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		g, err := profile.GetGuide(id)
		if err != nil {
			t.Fatal(err)
		}
		doc := head + "radios:\n" + g.Config
		c, err := Parse(at(t), []byte(doc), func(string) (string, bool) { return "secret", true })
		if err != nil || len(c.Radios) == 0 {
			t.Errorf("%s: %v\n%s", id, err, doc)
		}
	}
}
