package profile

import (
	"fmt"
	"strings"
	"testing"

	"sentrybox/gateway/text"
)

// head is what every profile of the tests begins with.
const head = "format: 1\nid: a\nname: {zh: 甲, en: a}\nsource: [{title: t}]\n"

// decodes is payloads and what they must become, each with a profile of its own:
// the messages, an example's payload, and its values or error.
var decodes = []struct{ name, profile, input, want string }{
	{"big endian", fields("{name: a, type: u16}", "{name: b, type: i16}"), "bytes: 01 02 FF FE", "{a: 258, b: -2}"},
	{"little endian", fields("{name: a, type: u24, order: little}", "{name: b, type: i32, order: DCBA}"), "bytes: 01 02 03 FE FF FF FF", "{a: 0x030201, b: -2}"},
	{"words swapped", fields("{name: a, type: u32, order: CDAB}", "{name: b, type: f32, order: word_swap}", "{name: c, type: u32, order: BADC}"),
		"bytes: 03 04 01 02 00 00 41 C8 02 01 04 03", "{a: 0x01020304, b: 25, c: 0x01020304}"},
	{"64 bits", fields("{name: a, type: i64}", "{name: b, type: f64}"), "bytes: FF FF FF FF FF FF FF FE 40 09 21 FB 54 44 2D 18", "{a: -2, b: 3.141592653589793}"},
	{"half", fields("{name: a, type: f16}", "{name: b, type: f16, order: little}"), "bytes: C0 00 01 00", "{a: -2, b: 0.000000059604644775390625}"},
	{"float of 32 bits", fields("{name: a, type: f32}", "{name: b, type: f32}"), "bytes: 41 CD 99 9A 7F C0 00 00", "{a: 25.7}"},
	{"12 bits signed", fields("{name: a, type: i16, bits: 0-11}", "{name: b, at: 0, type: u16, bits: 12-15}"), "bytes: 3F FF", "{a: -1, b: 3}"},
	{"sign and magnitude", fields("{name: a, type: u16, sign: magnitude, scale: 0.1}"), "bytes: 80 7B", "{a: -12.3}"},
	{"ones' complement", fields("{name: a, type: u8, sign: ones}"), "bytes: FE", "{a: -1}"},
	{"parts", fields("{type: u8, parts: [{name: low, bits: 7}, {name: volts, bits: 0-6, scale: 0.1, offset: 1, unit: V}]}", "{name: b, type: u8}"), "bytes: A4 05", "{low: 1, volts: 4.6, b: 5}"},
	{"a part that is signed", fields("{type: u16, parts: [{name: a, bits: 0-9, sign: twos}, {name: b, bits: 10-15}]}"), "bytes: 07 FF", "{a: -1, b: 1}"},
	{"BCD", fields("{name: a, type: bcd, size: 3, order: little, scale: 0.01}", "{name: b, type: bcd, size: 2}"), "bytes: 56 34 12 FF FF", "{a: 1234.56}"},
	{"no value", fields("{name: a, type: i16, none: 0x7FFF}", "{name: b, type: i16, none: [-32768, -1]}", "{name: c, type: i16, none: 0x8000}", "{name: d, type: u8}"), "bytes: 7F FF FF FF 80 00 01", "{d: 1}"},
	{"out of range", fields("{name: a, type: u8, range: [0, 100]}", "{name: b, type: u8, range: [0, 100]}"), "bytes: 65 64", "{b: 100}"},
	{"from the end", fields("{name: a, at: -1, type: u8}", "{name: b, at: -3, type: u16}"), "bytes: 01 02 03", "{a: 3, b: 258}"},
	{"too short", fields("{name: a, type: u16}", "{name: b, type: u16}"), "bytes: 01 02 03", "payload too short"},
	{"optional", fields("{name: a, type: u16}", "{name: b, type: u16, optional: true}"), "bytes: 01 02 03", "{a: 258}"},
	{"exponent", fields("{name: e, type: i8, hidden: true}", "{name: a, type: u16, expr: x * 10 ** e}"), "bytes: FE 04 D2", "{a: 12.34}"},
	{"validity flags", fields("{name: flags, at: -1, type: u8, hidden: true}", "{name: a, at: 0, type: u8, valid: 'bit(flags, 0) == 1'}", "{name: b, type: u8, valid: 'bit(flags, 1) == 1'}"), "bytes: 05 06 02", "{b: 6}"},
	{"presence flags", fields("{name: flags, type: u8, hidden: true}", "{name: a, type: u8, when: 'bit(flags, 0) == 1'}", "{name: b, type: u8, when: 'bit(flags, 1) == 1'}", "{name: c, type: u8}"), "bytes: 02 06 07", "{b: 6, c: 7}"},
	{"functions of the payload", fields("{name: a, type: u8}", "{name: b, expr: 'u16_le(1) + i8(-1) + len + bits(a, 4, 7)'}"), "bytes: F0 01 02 FF", "{a: 240, b: 531}"},
	{"a function beyond the payload", fields("{name: a, type: u8}", "{name: b, expr: u16(1)}"), "bytes: 01 02", "payload too short"},
	{"text in bytes", fields("{name: a, type: number, size: 6}", "{name: b, type: hex_number, size: 4, none: 0xFFFF}", "{name: c, type: text, size: 4}", "{name: d, type: hex}"),
		"bytes: \"'+025.3' '01FF' 'ab' 00 00 0D 0A\"", "{a: 25.3, b: 511, c: ab, d: 0D0A}"},
	{"digits", fields("{name: card, type: u32, digits: 10}"), "bytes: 00 7B F2 9C", `{card: "0008123036"}`},
	{"labels", fields("{name: door, type: u8, labels: {0: {zh: 关, en: closed}, 1: {zh: 开, en: open}}}"), "bytes: 01", "{door: open}"},
	{"prefix", "messages:\n- {when: {prefix: 01 ?2}, fields: [{name: a, at: 2, type: u8}]}\n- {fields: [{name: b, at: 2, type: u8}]}\n", "bytes: 01 33 05", "{b: 5}"},
	{"byte under a mask", "messages:\n- {when: {bytes: [{at: 0, mask: 0x0F, is: [1, 2]}]}, fields: [{name: a, at: 1, type: u8}]}\n", "bytes: F2 05", "{a: 5}"},
	{"port", "messages:\n- {when: {port: 2}, ignore: true}\n- {when: {port: [3, 4]}, fields: [{name: a, type: u8}]}\n", "{port: 4, bytes: '05'}", "{a: 5}"},
	{"ignored", "messages:\n- {when: {port: 2}, ignore: true}\n- {fields: [{name: a, type: u8}]}\n", "{port: 2, bytes: '05'}", "ignored"},
	{"condition", "messages:\n- {when: {if: 'u8(0) + u8(1) == len'}, fields: [{name: a, type: u8}]}\n", "bytes: 01 02 03", "{a: 1}"},
	{"none of the messages", "messages:\n- {when: {length: 3}, fields: [{name: a, type: u8}]}\n", "bytes: 01 02", "no message of the profile"},
	{"subtracted", "transform: [{do: subtract, value: 0x33, from: 1, to: -1}]\n" + fields("{name: a, at: 1, type: bcd, size: 2, order: little}"), "bytes: 68 67 45 16", "{a: 1234}"},
	{"hexadecimal text", "transform: [{do: hex, from: 1}]\n" + fields("{name: a, at: 1, type: u16}"), "text: ':01 02'", "{a: 258}"},
	{"Chinese", "transform: [{do: gbk}]\nmessages:\n- {when: {contains: 火警}, form: text, pattern: '(?P<a>[0-9]+)', fields: [{name: a}]}\n", "bytes: BB F0 BE AF 31 32 0A", "{a: 12}"},
	{"records", "messages:\n- {fields: [{name: n, type: u8}], items: {key: 0, until: -1, types: [{fields: [{name: a, type: u8}, {name: b, type: u8}]}]}}\n", "bytes: 02 01 02 03 04 FF", "{n: 2, a: 3, b: 4}"},
	{"half a record", "messages:\n- {items: {key: 0, types: [{fields: [{name: a, type: u16}]}]}}\n", "bytes: 02 01 02", "payload too short"},
	{"nothing but what is passed over", "messages:\n- {items: {types: [{key: '01', size: 1}]}}\n", "bytes: 01 02", "{}"},
	{"base64", "transform: [{do: base64}, {do: cut, from: 1}, {do: reverse}]\n" + fields("{name: a, type: u16}"), "text: AQID", "{a: 0x0302}"},
	{"one of text", "messages:\n- {form: text, pattern: '^R=(?P<r>[0-9]+)', fields: [{name: distance, group: r, unit: mm}]}\n", "bytes: \"'R=1234' 0D 0A\"", "{distance: 1234}"},
	{"several of text", "messages:\n- {form: text, pattern: '^(?P<t>[+-]?[0-9.]+)C,(?P<h>[^,]*)(,(?P<k>\\w+))?$', fields: [{name: a, group: t}, {name: b, group: h, none: [--]}, {name: c, group: k, type: text}]}\n",
		"text: '+025.3C,--'", "{a: 25.3}"},
	{"text alone", "messages:\n- {form: text, fields: [{name: a, type: text, map: {OPEN: 1, CLOSED: 0}}]}\n", "bytes: \"'OPEN' 0A\"", "{a: 1}"},
	{"not a number", "messages:\n- {form: text, fields: [{name: a}]}\n", "text: abc", "a: not a value of its type"},
	{"JSON", "messages:\n- {form: json, fields: [{name: a}, {name: b, path: /s/1/v}, {name: c, type: bool}, {name: d, type: text, map: {ON: 1}}, {name: e}, {name: f}]}\n",
		`{text: '{"a": 1.5, "s": [0, {"v": "2,5"}], "c": true, "d": "ON", "e": null}'}`, "{a: 1.5, b: 2.5, c: 1, d: 1}"},
	{"a value within a text of JSON", "messages:\n- {form: json, fields: [{name: a, pattern: '([-0-9.]+)'}, {name: b, pattern: '([-0-9.]+) C'}, {name: c, pattern: '([0-9]+)'}]}\n", `{text: '{"a": "23.5 C", "b": "none", "c": 7}'}`, "{a: 23.5, c: 7}"},
	{"JSON with nothing of it", "messages:\n- {form: json, fields: [{name: a}]}\n", `{text: '{"b": 1}'}`, "no value in the payload"},
	{"object", "messages:\n- {form: object, fields: [{name: a, path: /s/v}]}\n", `{object: '{"s": {"v": 3}}'}`, "{a: 3}"},
	{"items", "messages:\n- items: {key: 2, types: [{key: 01 75, fields: [{name: a, type: u8}]}, {key: ?? 67, fields: [{name: b, type: i16, order: little, scale: 0.1}]}, {key: ff 0b, size: 1}]}\n",
		"bytes: FF 0B FF 03 67 F6 FF 01 75 64 20 CE 01", "{a: 100, b: -1}"},
	{"items with lengths", "messages:\n- items: {key: 1, length: 1, until: -1, types: [{key: '02', fields: [{name: a, type: u16}]}]}\n", "bytes: 07 03 01 02 03 02 02 01 00 99", "{a: 256}"},
	{"lengths before their keys", "order: little\nmessages:\n- items: {length: 2, length_first: true, length_add: -1, types: [{key: '16', fields: [{name: a, type: u16}]}]}\n", "bytes: 02 00 09 FF 03 00 16 01 02", "{a: 0x0201}"},
	{"a length that is less than its key", "messages:\n- items: {length: 1, length_first: true, length_add: -1, types: [{key: '16', fields: [{name: a, type: u16}]}]}\n", "bytes: 00 16 01 02", "not a value"},
	{"the mean of samples that are counted", fields("{name: n, type: u8, hidden: true}", "{name: a, expr: 'mean(map(0..int(n)-1, i16(1+2*#)))'}"), "bytes: 02 00 0A FF FE", "{a: 4}"},
	{"bytes written as in C", "messages:\n- {when: {prefix: '0xAA, 0x5?'}, fields: [{name: a, at: -1, type: u8}]}\n", "bytes: '0xAA 0x55 0x01'", "{a: 1}"},
	{"an item that is cut off", "messages:\n- items: {key: 1, types: [{key: '02', fields: [{name: a, type: u16}]}]}\n", "bytes: 02 01", "payload too short"},
	{"an item that nobody knows", "messages:\n- items: {key: 1, unknown: error, types: [{key: '02', fields: [{name: a, type: u16}]}]}\n", "bytes: 03 01", "unknown item"},
	{"derived", fields("{name: a, type: u8}") + "derived: [{name: level, expr: height - a / 10, unit: m}, {name: late, expr: missing ?? 7}]\nparameters: [{name: height, text: {zh: 高, en: height}, default: 3}]\n" +
		"# b is of another message\n", "{bytes: '05', parameters: {height: 2}}", "compile: derived[1].expr"},
	{"derived of what is there", "messages:\n- {when: {port: 1}, fields: [{name: a, type: u8}]}\n- {when: {port: 2}, fields: [{name: b, type: u8}]}\n" +
		"derived: [{name: c, expr: a + b}, {name: d, expr: (a ?? 1) * 2}]\n", "{port: 2, bytes: '05'}", "{b: 5, d: 2}"},
	{"text of an expression", fields("{name: f, type: u8, hidden: true}", "{name: n, type: u16, hidden: true}", "{name: card, expr: 'string(int(f)) + \"-\" + string(int(n))'}"), "bytes: 7B F2 9C", "{card: 123-62108}"},
	{"signal", fields("{name: a, type: u8, expr: rssi + x}"), "{bytes: '05', rssi: -80}", "{a: -75}"},
	{"a checksum of its own", "messages:\n- {checksum: {type: sum8, negate: twos}, fields: [{name: a, type: u8}]}\n", "bytes: 05 06 F5", "{a: 5}"},
	{"a checksum of its own that fails", "messages:\n- {checksum: {type: crc16-modbus}, fields: [{name: a, type: u8}]}\n", "bytes: 05 06 F5", "no message of the profile"},
	{"a checksum that is not there", "messages:\n- {checksum: {type: crc32, from: 3}, fields: [{name: a, type: u8}]}\n", "bytes: 05", "no message of the profile"},
	{"bytes passed over", fields("{type: skip, size: 2}", "{name: n, type: u8, hidden: true}", "{name: a, type: text, size_from: n}", "{name: b, type: u8}"), "bytes: \"FF FF 02 'xy' 05\"", "{a: xy, b: 5}"},
	{"a length beyond the payload", fields("{name: n, type: u8, hidden: true}", "{name: a, type: text, size_from: n}"), "bytes: \"03 'xy'\"", "payload too short"},
	{"up to the checksum", fields("{name: a, at: 1, type: hex, to: -2}"), "bytes: AA 01 02 03 04 05", "{a: '010203'}"},
	{"picked out of JSON", "transform: [{do: pick, path: /d}, {do: hex}]\n" + fields("{name: a, type: u16}"), `{text: '{"d": "01 02"}'}`, "{a: 258}"},
	{"nothing to pick", "transform: [{do: pick, path: /d}]\n" + fields("{name: a, type: u16}"), `{text: '{"d": 1}'}`, "not a value"},
	{"patterns in any order", "messages:\n- {form: text, fields: [{name: a, pattern: 'A=(\\d+)'}, {name: b, pattern: 'B=(\\d+)'}, {name: c, pattern: 'C=(\\d+)'}]}\n", "text: B=2 A=1", "{a: 1, b: 2}"},
	{"none of the patterns", "messages:\n- {form: text, fields: [{name: a, pattern: 'A=(\\d+)'}]}\n", "text: B=2", "no value"},
	{"a loop over a list", fields("{name: a, expr: 'sum(map(0..2, u8(#)))'}"), "bytes: 01 02 03", "{a: 6}"},
	{"a division by nothing", fields("{name: n, type: u8}", "{name: a, expr: 1 / n}"), "bytes: 00", "{n: 0}"},
	{"Modbus", "modbus: {reads: [{register: 0x10, count: 4}]}\n" + fields("{name: a, register: 0x11, type: u16}", "{name: b, register: 18, type: i32}"), "bytes: 00 00 00 05 FF FF FF FE", "{a: 5, b: -2}"},
	{"one element for a list", "messages: {when: {bytes: {at: 0, is: 1}}, fields: {at: 1, type: u8, parts: {name: a, bits: 0-3}}}\n", "bytes: 01 F2", "{a: 2}"},
	{"a sum of the payload", "messages:\n- {checksum: {type: sum8}, fields: [{name: a, at: 0, type: u8}]}\n", "bytes: F0 0A FA", "{a: 240}"},
	{"a wrong sum of the payload", "messages:\n- {checksum: {type: sum8}, fields: [{name: a, at: 0, type: u8}]}\n", "bytes: F0 0A FB", "messages[0].checksum"},
	{"a wrong sum that is the same letter", "messages:\n- {checksum: {type: sum8}, fields: [{name: a, at: 0, type: u8}]}\n", "bytes: 40 01 61", "messages[0].checksum"},
	{"Modbus answer", "modbus: {reads: [{count: 2}]}\n" + fields("{name: a, register: 1, type: u16}"), "{frame: true, bytes: 01 03 04 00 01 00 02 2A 32}", "{a: 2}"},
	{"Modbus answer with a wrong CRC", "modbus: {reads: [{count: 2}]}\n" + fields("{name: a, register: 1, type: u16}"), "{frame: true, bytes: 01 03 04 00 01 00 02 2A 33}", "its checksum is 2A 33, and comes to 2A 32"},
	{"Modbus answer over TCP", "modbus: {reads: [{count: 2}]}\n" + fields("{name: a, register: 1, type: u16}"), "{frame: true, bytes: 00 01 00 00 00 07 01 03 04 00 01 00 02}", "{a: 2}"},
	{"Modbus answer over TCP that is short", "modbus: {reads: [{count: 2}]}\n" + fields("{name: a, register: 1, type: u16}"), "{frame: true, bytes: 00 01 00 00 00 07 01 03 04 00 01 00}", "not a whole answer"},
	{"Modbus coils", "modbus: {reads: [{function: 2, register: 8, count: 12}]}\n" + fields("{name: a, register: 8}", "{name: b, register: 17}"), "bytes: 01 02", "{a: 1, b: 1}"},
}

func fields(list ...string) string {
	return "messages:\n- fields:\n  - " + strings.Join(list, "\n  - ") + "\n"
}

func build(profile, input, want string) string {
	s := head + profile
	if !strings.Contains(profile, "modbus:") {
		s += "lorawan: {}\n"
	}
	if !strings.HasPrefix(want, "{") {
		want = "{}\n  error: true"
		if strings.Contains(input, "{port: 2") {
			want = "{}\n  ignored: true"
		}
	}
	input = strings.TrimSuffix(strings.TrimPrefix(input, "{"), "}")
	return s + "examples:\n- <<: {" + input + "}\n  values: " + want + "\n"
}

func TestDecode(t *testing.T) {
	for _, test := range decodes {
		t.Run(test.name, func(t *testing.T) {
			source := build(test.profile, test.input, test.want)
			p, err := Parse("a.yaml", []byte(source))
			if err != nil {
				if want, ok := strings.CutPrefix(test.want, "compile: "); !ok || !strings.Contains(err.Error(), want) {
					t.Fatalf("%v\n%s", err, source)
				}
				return
			}
			o := p.Test()[0]
			for _, w := range o.Wrong {
				t.Errorf("%s\n%s", w.Text(text.English), source)
			}
			if got := fmt.Sprint(o.Err); o.Example.Error && !strings.Contains(got, test.want) {
				t.Errorf("refused with %q, want %q", got, test.want)
			}
		})
	}
}
