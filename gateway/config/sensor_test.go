package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentrybox/gateway/rule"
)

// pit is a sensor of a serial line.
const pit = `
format: 1
id: pit
name: {zh: 水位, en: water level}
maker: none
models: [x]
source: [{title: manual, revision: "1", url: "https://example.com/x"}]
serial:
  frame: {end: "0D 0A"}
messages:
  - name: level
    form: text
    pattern: "^L=(?P<water_level>[0-9]+)"
    fields:
      - {name: water_level, type: number, unit: m, scale: 0.01}
alerts:
  - {kind: water_level, field: water_level, above: 1, clear: 0.8, severity: 2}
heartbeat: {every: 1m}
parameters:
  - {name: height, text: {zh: 高, en: height}, unit: m, default: 3, range: [0, 20]}
outputs:
  - {name: siren, text: {zh: 警号, en: siren}, send: true, on: "'ON'", off: "'OFF'"}
examples:
  - {name: high, from: made up, text: "L=120\r\n", values: {water_level: 1.2}}
`

func sensorConfig(t *testing.T, doc string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	writeProfiles(t, dir)
	return Parse(filepath.Join(dir, "site.yaml"), []byte(head+"profiles: .\n"+doc), nil)
}

func TestSensors(t *testing.T) {
	c, err := sensorConfig(t, `
buses:
  - {id: pump-room, serial: /dev/ttyS1, baud: 4800}
sensors:
  - {id: pit-1, profile: pit, grid: 3, name: 1号泵房, heartbeat: 10m, alerts: [{field: water_level, above: 0.5, clear: 0.4, for: 10s}]}
  - {id: th-1}
rules:
  - {id: flood, when: "water_level > 40 cm for 30 s", until: water_level < 0.3 m, severity: 1, schedule: "22:00-06:00", area: night}
  - {id: both, when: "pit-1.water_level > 1 m and th-1.door", kind: flood}
broker: {listen: "127.0.0.1:0"}
`)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Sensors[0]
	if s.Bus != "pump-room" || s.Model() == nil || s.Transport() != "serial" || s.Alerts[0].Kind != "water_level" || s.Alerts[0].Severity != 2 || time.Duration(s.Heartbeat) != 10*time.Minute {
		t.Errorf("%+v", s)
	}
	if r := c.Rules[0]; r.Kind != "water_level" || r.When.String() != "(water_level > 40 cm) for 30s" || r.Area != "night" {
		t.Errorf("%+v", r)
	}
	if r := c.Rules[1]; r.Kind != "flood" || r.Severity != 2 {
		t.Errorf("%+v", r)
	}
	if q := c.Catalog().Quantities[rule.Ref{Sensor: "pit-1", Quantity: "water_level"}]; q.Unit != "m" {
		t.Errorf("%+v", q)
	}
}

// sensorMistakes stand on line 4 and after; line 4 is the folder of profiles.
var sensorMistakes = []mistake{
	{"buses", head + `profiles: .
buses:
  - {id: pump-room, serial: ttyS1}
  - {id: net, lorawan: 1700, gateways: [x]}
  - {id: both, serial: /dev/ttyS2, lorawan: ":1700"}
  - {id: gw-1, serial: "tcp://10.0.0.9:4001"}
  - {id: twice, serial: "tcp://10.0.0.9:4001", parity: odd, stop_bits: 3}
  - {id: ns, chirpstack: "mqtt://u:p@ns", username: u, ca: good.pem, applications: [x]}
  - {id: z, mqtt: "mqtts://z", ca: file}
  - {id: pins, gpio: "tcp://x"}
  - {id: m1, e22: /dev/ttyS3, mode_command: 1, mode_pins: {chip: gpiochip0, m0: "22", m1: "22"}}
  - {id: m2, e32: /dev/ttyS4, mode_pins: {chip: "?", m0: GPIO22}}
  - {id: m3, lorawan: ":1701", answer: us915}
`, `6: buses[0].serial: must be /dev/… or tcp://host:port
7: buses[1].lorawan: must be host:port, such as 127.0.0.1:8080
7: buses[1].gateways[0]: must be 16 hexadecimal digits
8: buses[2]: one of these must be given, and no more: modbus, serial, e22, e32, rak3172, lorawan, chirpstack, mqtt, gpio
9: buses[3].id: "gw-1" is the id of gateway already
10: buses[4].serial: buses[3] has it already
10: buses[4].stop_bits: must be from 1 to 2
11: buses[5].username: the url has user and password already
11: buses[5].ca: is for mqtts:// only, and the url is mqtt://, which is not encrypted
11: buses[5].applications[0]: must be the id of an application of ChirpStack
12: buses[6].ca: there is no PEM certificate in it
13: buses[7].gpio: must be a device such as /dev/gpiochip0, or the label of a chip
14: buses[8].mode_pins: the module's mode is set in one way: by two pins, m0 and m1, or by mode_command
14: buses[8].mode_pins.m1: the module's mode is set in one way: by two pins, m0 and m1, or by mode_command
15: buses[9].mode_pins.m1: missing
15: buses[9].mode_pins.chip: must be a device such as /dev/gpiochip0, or the label of a chip
16: buses[10].answer: "us915" is none of same, cn470`},
	{"sensors", head + `profiles: .
buses: [{id: a, serial: /dev/ttyS1}, {id: net, lorawan: ":1700"}, {id: b, serial: /dev/ttyS2}]
sensors:
  - {id: s0, profile: pti}
  - {id: s1, profile: pit, bus: net}
  - {id: s2, profile: pit, bus: c}
  - {id: s3, profile: pit}
  - {id: s4, profile: pit, bus: a, unit: 7, parameters: {hight: 3, height: 30}}
  - {id: s5, profile: pit, bus: a, alerts: [{field: level, above: 1}, {field: water_level}, {field: water_level, above: 1, clear: 2}, {field: water_level, is: 1, clear: 2, kind: Hoch}]}
  - {id: s6, bus: a, parameters: {height: 3}}
  - {id: s7, profile: door, eui: x, dev_addr: 26011b, app_skey: 00, nwk_skey: "${SECRET}"}
  - {id: s8, profile: door, dev_addr: 26011bda, app_skey: 000102030405060708090a0b0c0d0e0f, nwk_skey: 000102030405060708090a0b0c0d0e0f}
  - {id: s9, profile: door, dev_addr: 26011BDA, app_skey: 000102030405060708090a0b0c0d0e0f, nwk_skey: 000102030405060708090a0b0c0d0e0f}
  - {id: s8, profile: broken}
  - {id: s11, profile: rdm6300, bus: a}
  - {id: s12, profile: aqara-mccgq11lm, topic: "front/#"}
broker: {listen: "127.0.0.1:0"}
`, `7: sensors[0].profile: there is no profile "pti"
8: sensors[1].bus: "net" does not reach devices of serial
9: sensors[2].bus: there is no bus "c"
10: sensors[3].bus: missing: of buses that reach devices of serial there are 2, say which
11: sensors[4].unit: is for sensors of modbus, and this one is of serial
11: sensors[4].parameters.hight: profile pit has no such parameter
11: sensors[4].parameters.height: must be from 0 to 20
12: sensors[5].alerts[0].field: there is no reading "level" in profile pit
12: sensors[5].alerts[1]: one of above, below and is must be given, and no more
12: sensors[5].alerts[2].clear: must be on the other side: not higher than above, not lower than below, and not with is
12: sensors[5].alerts[3].clear: must be on the other side: not higher than above, not lower than below, and not with is
12: sensors[5].alerts[3].kind: "Hoch" cannot be a kind of alerts; small letters, digits and underscores only, as in smoke
13: sensors[6].bus: it publishes at the gateway's own broker and needs no bus
13: sensors[6].parameters: a sensor without a profile has no parameters
14: sensors[7].eui: must be 16 hexadecimal digits
14: sensors[7].dev_addr: must be 8 hexadecimal digits
14: sensors[7].app_skey: must be 32 hexadecimal digits
14: sensors[7].nwk_skey: must be 32 hexadecimal digits
16: sensors[9]: is the same device as sensors[8]
17: sensors[10].id: "s8" is the id of sensors[8] already
17: sensors[10].profile: the profile is wrong: broken.yaml:1: format: must be a whole number, not a text
18: sensors[11].profile: the line "a" has devices of pit already, and cannot have another kind
19: sensors[12].topic: must be a part of topics, without + and #`},
	{"no broker", head + `buses: [{id: z, mqtt: "mqtt://10.0.0.9"}]
sensors:
  - {id: s0}
  - {id: s1, profile: aqara-mccgq11lm}
  - {id: s2, profile: aqara-mccgq11lm, bus: z}
  - {id: s3, profile: aqara-mccgq11lm, bus: none}
`, `6: sensors[0].bus: must be given, as the gateway has no broker of its own (broker.listen): name a bus of the kind mqtt, or open that
7: sensors[1].bus: must be given, as the gateway has no broker of its own (broker.listen): name a bus of the kind mqtt, or open that
9: sensors[3].bus: there is no bus "none"`},
	{"outputs", head + `profiles: .
buses: [{id: a, serial: /dev/ttyS1}, {id: net, lorawan: ":1700"}]
outputs:
  - {id: o0, bus: a}
  - {id: o1, bus: c}
  - {id: o2, profile: pit, output: lamp, coil: 3}
  - {id: o3, profile: pit, max_on: 48h}
`, `7: outputs[0].bus: without a profile it is of modbus or gpio, and "a" is neither
8: outputs[1].bus: there is no bus "c"
9: outputs[2].output: profile pit has no such output, or several: say which
9: outputs[2].coil: its profile says that
10: outputs[3].max_on: must be from 100ms to 24h`},
	{"rules", head + `profiles: .
buses: [{id: a, serial: /dev/ttyS1}]
sensors: [{id: pit, profile: pit}, {id: th-1}]
outputs: [{id: siren, profile: pit, max_on: 1m}]
rules:
  - {id: a, when: "pit.water_level > 40 for 30 s"}
  - {id: b, when: "pit.water_level > 40 kg"}
  - {id: c, when: "pit-9.water_level >"}
  - {id: c, when: "th-1.x > 3", do: [siern for 9 s, horn], sensor: nobody}
  - {id: d, wehn: "th-1.x > 3", kind: X}
  - {id: e, when: "th-1.x > 3", until: "th-2.x", do: siren for 2 min}
  - {id: f, when: [1], do: "siren for"}
  - {id: g, when: "th-1.x > 3", do: horn}
broker: {listen: "127.0.0.1:0"}
`, `9: rules[0].when: character 1: water_level needs its unit, m
10: rules[1].when: character 1: water_level is measured in m, not in kg
11: rules[2].when: character 20: here should be a number
12: rules[3].id: "c" is the id of rules[2] already
12: rules[3].do: there is no output "siern", did you mean "siren"?
12: rules[3].sensor: there is no sensor "nobody"
13: rules[4].wehn: unknown key, did you mean "when"?
13: rules[4].kind: "X" cannot be a kind of alerts; small letters, digits and underscores only, as in smoke
14: rules[5].until: character 1: there is no sensor "th-2"
14: rules[5].do: siren is on for 1m at most
15: rules[6].when: must be a text, not a list
15: rules[6].do: character 10: here should be a number
16: rules[7].do: there is no output "horn"`},
}

// door is a LoRaWAN sensor.
const door = `
format: 1
id: door
name: {zh: 门, en: door}
maker: none
models: [x]
source: [{title: manual, revision: "1", url: "https://example.com/x"}]
lorawan: {class: A}
messages:
  - name: state
    fields:
      - {name: door, type: u8}
alerts:
  - {kind: door, field: door, is: 1, severity: 2}
heartbeat: {every: 1h}
examples:
  - {name: open, from: made up, bytes: "01", values: {door: 1}}
`

func writeProfiles(t testing.TB, dir string) {
	t.Helper()
	for name, doc := range map[string]string{"pit": pit, "door": door, "broken": "format: x\nid: broken\n"} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
