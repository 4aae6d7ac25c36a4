package profile

import (
	"errors"
	"strings"
	"testing"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// tail ends a profile of the tests well.
const tail = "gpio: {}\nexamples: [{bytes: '01', values: {a: 1}}]\n"

// mistakes is profiles and the problems that they must be told, whose lines
// count from the beginning of the profile. head has 4.
var mistakes = []struct{ name, profile, want string }{
	{"not a profile", "a: 1\n", `1: a: unknown key`},
	{"of the future", "format: 2\n", `1: format: format 2 is not supported`},
	{"nothing in it", head + "gpio: {}\n", `1: messages: missing`},
	{"no transport", head + "messages: [{fields: [{name: a, type: u8}]}]\n", `how the device is reached is missing`},
	{"two transports", head + fields("{name: a, type: u8}") + tail + "mqtt: {topics: [a]}\n", `8: gpio: mqtt is given already`},
	{"unknown type", head + fields("{name: a, type: uint8}") + tail, `7: messages[0].fields[0].type: "uint8" is none of u8, i8`},
	{"bits", head + fields("{name: a, type: u8, bits: 3-9}") + tail, `7: messages[0].fields[0].bits: the highest bit is 7`},
	{"bits of a float", head + fields("{name: a, type: f32, bits: 3}") + tail, `7: messages[0].fields[0].bits: is for whole numbers only`},
	{"no type", head + fields("{name: a}") + tail, `7: messages[0].fields[0].type: missing`},
	{"a name", head + fields("{name: A-b, type: u8}") + tail, `7: messages[0].fields[0].name: "A-b" cannot be a name`},
	{"an expression", head + fields("{name: a, type: u8, expr: b + 1}") + tail, `7: messages[0].fields[0].expr: wrong expression: unknown name b`},
	{"an expression before its field", head + fields("{name: a, expr: b + 1}", "{name: b, type: u8}") + tail, `7: messages[0].fields[0].expr: wrong expression: unknown name b`},
	{"a loop in a loop", head + fields("{name: a, expr: 'sum(map(1..9, sum(map(1..9, #))))'}") + tail, `a loop within a loop`},
	{"an output of another transport", head + fields("{name: a, type: u8}") + tail + "outputs: [{name: b, text: b, coil: 1}]\n", `10: outputs[0]: one of coil`},
	{"a value that is not there", head + fields("{name: smoke, type: u8}") + "gpio: {}\nexamples: [{bytes: '01', values: {smok: 1}}]\n", `there is no value "smok", did you mean "smoke"?`},
	{"an alert", head + fields("{name: a, type: u8}") + tail + "alerts: [{kind: smoke, field: a, above: 5, clear: 6, severity: 1}]\n", `10: alerts[0].clear: is not on the safe side`},
	{"an alert without a limit", head + fields("{name: a, type: u8}") + tail + "alerts: [{kind: smoke, field: a, severity: 1}]\n", `10: alerts[0]: one of above`},
	{"a kind", head + fields("{name: a, type: u8}") + tail + "alerts: [{kind: smok, field: a, is: 1, severity: 1}]\n", `10: alerts[0].kind: "smok" is not known, did you mean "smoke"?`},
	{"a label", head + fields("{name: a, type: u8, labels: {1: on}}") + tail + "alerts: [{kind: smoke, field: a, is: onn, severity: 1}]\n", `10: alerts[0].is[0]: "onn" is neither`},
	{"another unit", head + "messages:\n- {when: {length: 1}, fields: [{name: a, type: u8, unit: V}]}\n- {fields: [{name: a, type: u8, unit: A}]}\n" + tail, `7: messages[1].fields[0]: "a" is elsewhere too`},
	{"a register", head + "modbus: {reads: [{register: 4, count: 2}]}\n" + fields("{name: a, register: 5, type: u32}") + "examples: [{bytes: '01', values: {a: 1}}]\n", `8: messages[0].fields[0].register: is outside what is read, 4 to 5`},
	{"a frame without an end", head + "serial: {frame: {start: AA}}\n" + fields("{name: a, type: u8}") + "examples: [{bytes: '01', values: {a: 1}}]\n", `5: serial.frame: missing: where does a frame end?`},
	{"a frame that nothing marks", head + "serial: {frame: {size: 4}}\n" + fields("{name: a, type: u8}") + "examples: [{bytes: '01', values: {a: 1}}]\n", `5: serial.frame: such frames cannot be: framing:`},
	{"bytes", head + "serial: {frame: {end: 0xD}}\n" + fields("{name: a, type: u8}") + "examples: [{bytes: '01', values: {a: 1}}]\n", `5: serial.frame.end: "0xD" is not bytes`},
	{"a pattern", head + "messages:\n- {form: text, pattern: '(', fields: [{name: a}]}\n" + tail, `6: messages[0].pattern: not a regular expression`},
	{"a group", head + "messages:\n- {form: text, pattern: '(?P<b>.)', fields: [{name: a}]}\n" + tail, `6: messages[0].fields[0]: pattern has no group`},
	{"a pointer", head + "messages:\n- {form: json, fields: [{name: a, path: b}]}\n" + tail, `6: messages[0].fields[0].path: must be a JSON pointer`},
	{"a key", head + "messages:\n- {items: {key: 2, types: [{key: '01', size: 1}]}}\n" + tail, `6: messages[0].items.types[0].key: the key has 1 byte, it should have 2`},
	{"words in one language", strings.Replace(head, "en: a", "en: ''", 1) + fields("{name: a, type: u8}") + tail, `3: name: is needed in both languages`},
	{"a text with a comma", strings.Replace(head, "en: a", "en: a, b", 1) + fields("{name: a, type: u8}") + tail, `3: name.b: unknown key without a value: does a text with a comma lack quotes?`},
	{"bytes passed over without end", head + fields("{type: skip}") + tail, `7: messages[0].fields[0].size: missing`},
	{"nothing passed over", head + fields("{type: skip, size: 0}") + tail, `7: messages[0].fields[0].size: must be`},
	{"two of a name", head + fields("{name: u16, type: u8}") + tail, `7: messages[0].fields[0].name: the name "u16" is taken`},
}

func TestMistakes(t *testing.T) {
	for _, m := range mistakes {
		_, err := Parse("a.yaml", []byte(m.profile))
		var problems *strict.Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if got := problems.Text(text.English); !strings.Contains(got, m.want) {
			t.Errorf("%s: got\n%s\nwant %s", m.name, got, m.want)
		}
	}
}
