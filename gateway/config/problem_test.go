package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sentrybox/gateway/strict"
	"sentrybox/gateway/text"
)

// secret stands in the environment of every test; no message may have it.
const secret = "s3cr3t-Marker"

func testEnv(name string) (string, bool) {
	switch name {
	case "SECRET", "CAM_PASS":
		return secret, true
	case "GATE":
		return "gate", true
	case "EMPTY":
		return "", true
	}
	return "", false
}

// head is the least that a configuration needs, on four lines.
const head = `gateway: {id: gw-1, street: donghu, community: meiyuan}
data: data
uplink: {mqtt: [{url: "mqtt://broker"}]}
`

// camera has a camera up to its rules, on lines 4 to 8.
const camera = head + `cameras:
- id: gate
  url: rtsp://10.0.0.11/101
  zones: {gate: {polygon: [[0,0],[1,0],[1,1]]}}
  detect:
`

type mistake struct {
	name, config string
	want         string // lines without the name of the file
}

// The table is also the seeds of the fuzz target.
var mistakes = slices.Concat(yamlMistakes, gatewayMistakes, uplinkMistakes, cameraMistakes, ruleMistakes, floorMistakes, heightMistakes, brokerMistakes, evidenceMistakes, lookbackMistakes,
	detectorMistakes, metricsMistakes, alertMistakes, sensorMistakes, radioMistakes, analogueMistakes, intercomMistakes, ledMistakes)

var yamlMistakes = []mistake{
	{"empty", "", `1: the file is empty`},
	{"comments only", "# nothing\n\n---\n", `1: the file is empty`},
	{"two documents", head + "---\na: 1\n", `5: a second YAML document begins here, there may be one only`},
	{"not UTF-8", head + "log: {level: info} # caf\xe9\n", `4: this line is not UTF-8; save the file as UTF-8, not GBK or UTF-16`},
	{"UTF-16", "\xff\xfea\x00:\x00", `1: this line is not UTF-8; save the file as UTF-8, not GBK or UTF-16`},
	{"control character", head + "log: {level: \"in\x07fo\"}\n", "4: there is a control character in this line, code 7\n4: log.level: \"in fo\" is not known, did you mean \"info\"?"},
	{"deep flow", "a: " + strings.Repeat("[", 33), `1: nested too deeply, at most 32 levels`},
	{"deep block", strings.Repeat("- ", 33) + "a", `1: nested too deeply, at most 32 levels`},
	{"deep indent", "a:\n" + strings.Repeat(" ", 200) + "b: 1", `2: nested too deeply, at most 32 levels`},
	{"many keys", "# x\na: 1\nb:\n" + keys(1001), `1004: more than 1000 keys in one mapping`},
	{"many tokens", "a: [" + strings.Repeat("0,", 50_000), `1: too much: more than 100000 words and marks`},
	{"blank lines", "a: |\n" + strings.Repeat(" \n", 201) + "b: 1\n", `202: more than 200 empty lines on end`},
	{"tab", "gateway:\n\tid: a\n", `2: a tab cannot indent, use spaces`},
	{"colon", "gateway:\n  id: a: b\n", `2: a colon and a space cannot stand here; a text that has them needs quotes`},
	{"quotes", "gateway:\n  id: \"hunter2\n", `2: the quotes are never closed`},
	{"brace", "uplink: {mqtt: []\ndata: x\n", `2: a comma or } is missing; within { }, a text with ${…} needs quotes`},
	{"variable in braces", "uplink: {prefix: ${SECRET}}\n", `1: a comma or } is missing; within { }, a text with ${…} needs quotes`},
	{"bracket", "a: [[0,0],[1,0]\nb: 1\n", `2: a comma or ] is missing`},
	{"reserved", "data: @x\n", "1: a text cannot begin with @ ` or % unless it is in quotes"},
	{"escape", `data: "C:\q"`, `1: there is no such \ escape in double quotes; use single ones`},
	{"no colon", "gateway:\n  id: a\n  street\n", `3: here should be "key: value", with a space after the colon`},
	{"indent", "gateway:\n  id: a\n street: b\n", `3: no value belongs here; is it indented like those above?`},
	{"bad header", "data: |hunter2\n  x\n", `1: not valid YAML`},
	{"no anchor", head + "log: *no\n", `4: log: there is no anchor "no"`},
	{"anchor twice", head + "web: &a {listen: \":1\"}\nlog: &a {level: info}\n", `5: anchor "a" is there twice`},
	{"circle", head + "log: &a {<<: *a}\n", `4: log: aliases go round in a circle`},
	{"alias to itself", head + "cameras: &a [*a]\n", `4: cameras[0]: must be a mapping, not a list`},
	{"tag", head + "log: !!map {level: info}\n", `4: log: YAML tags (!…) are not supported`},
	{"merge of a text", head + "log: {<<: x}\n", `4: log: what << brings in must be a mapping`},
	{"odd key", head + "log: {~: 2}\n", `4: log: a key must be a plain text`},
	{"key twice", head + "log: {level: debug, level: info}\n", `4: log.level: this key is there twice, first in line 4`},
	{"section twice", head + "data: other\n", `4: data: this key is there twice, first in line 2`},
	{"unknown", head + "log: {colour: x}\n", `4: log.colour: unknown key; known here are level`},
	{"unknown, near", head + "camera:\n- id: a\n", `4: camera: unknown key, did you mean "cameras"?`},
	{"unknown, near, in another case", head + "Log: {level: info}\n", `4: Log: unknown key, did you mean "log"?`},
	{"unknown is not also missing", "gatway: {id: x}\ndatta: x\nuplink: {mqtt: [{ulr: \"mqtt://x\"}]}\n",
		"1: gatway: unknown key, did you mean \"gateway\"?\n2: datta: unknown key, did you mean \"data\"?\n" +
			"3: uplink.mqtt[0].ulr: unknown key, did you mean \"url\"?"},
	{"odd names are quoted", head + "log: {\"a.b\\n\": 1}\n", `4: log["a.b\n"]: unknown key; known here are level`},
	{"a list", "- a\n", `1: must be a mapping, not a list`},
	{"wrong types", "gateway: 5\ndata: [x]\nuplink: {mqtt: {url: x}}\nvision: {address_space: 1.5}\nlog: {level: true}\ncameras:\n- text\n-\n- id: a\n  url: {a: 1}\n  insecure: 'yes'\n",
		"1: gateway: must be a mapping, not a number\n2: data: must be a text, not a list\n" +
			"3: uplink.mqtt: must be a list, not a mapping\n4: vision.address_space: must be a whole number, not a number\n" +
			"5: log.level: must be a text, not true or false\n7: cameras[0]: must be a mapping, not a text\n" +
			"8: cameras[1]: must be a mapping, not nothing\n10: cameras[2].url: must be a text, not a mapping\n" +
			"11: cameras[2].insecure: must be true or false, not a text"},
	{"variable not set", head + "log: {level: \"${LEVEL}${OTHER}\"}\n", "4: log.level: environment variable LEVEL is not set\n4: log.level: environment variable OTHER is not set"},
	{"variable without end", head + "log: {level: \"${LEVEL\"}\n", `4: log.level: ${ must be followed by the name of a variable and }, as in ${CAM_PASS}; write $${ for ${ itself`},
	{"variable without name", head + "log: {level: \"${a-b}\"}\n", `4: log.level: ${ must be followed by the name of a variable and }, as in ${CAM_PASS}; write $${ for ${ itself`},
	{"escaped variable", head + "log: {level: \"$${info}\"}\n", `4: log.level: "${info}" is none of debug, info, warn, error`},
}

var gatewayMistakes = []mistake{
	{"nothing required", "log: {}\n", "1: gateway.id: missing\n1: gateway.street: missing\n1: gateway.community: missing\n1: data: missing\n1: uplink.mqtt: at least one broker is needed; write mqtt: [] if there is none yet"},
	{"empty", "gateway: {id: , street: '', community: \"${EMPTY}\"}\ndata:\nuplink:\n  mqtt: []\n",
		"1: gateway.id: missing\n1: gateway.street: missing\n1: gateway.community: missing\n2: data: missing"},
	{"names", "gateway:\n  id: a/b\n  street: \"东湖\\u202e\"\n  community: ' x'\n" + "data: .\nuplink: {mqtt: [{url: \"mqtt://broker\"}]}\n",
		"2: gateway.id: is one level of MQTT topics and cannot have / + or #\n3: gateway.street: has a character that cannot be seen\n4: gateway.community: has spaces around it"},
	{"more names", "gateway:\n  id: '#'\n  street: " + strings.Repeat("梅", 22) + "\n  community: ..\n" + "data: .\nuplink: {mqtt: [{url: \"mqtt://broker\"}]}\n",
		"2: gateway.id: is one level of MQTT topics and cannot have / + or #\n3: gateway.street: too long, at most 64 bytes\n4: gateway.community: cannot be . or .."},
	{"timezone", strings.Replace(head, "meiyuan", "meiyuan, timezone: Asia/Beijing", 1), `1: gateway.timezone: there is no timezone "Asia/Beijing", write one such as Asia/Shanghai`},
	{"timezone from the environment", strings.Replace(head, "meiyuan", "meiyuan, timezone: \"${SECRET}\"", 1), `1: gateway.timezone: there is no timezone "${SECRET}", write one such as Asia/Shanghai`},
	{"data", strings.Replace(head, "data: data", "data: file", 1), `2: data: exists and is not a folder`},
	{"listen", head + "web: {listen: 8080}\n", `4: web.listen: must be host:port, such as 127.0.0.1:8080`},
	{"listen port", head + "web: {listen: \"127.0.0.1:65536\"}\n", `4: web.listen: must be host:port, such as 127.0.0.1:8080`},
	{"name on the network", head + "web: {mdns: \"Gate East\"}\n", `4: web.mdns: auto, off, or a host name of small letters, digits and hyphens`},
	{"page in plain text with a certificate", head + "web: {plain: true, tls: {cert: file, key: file}}\n",
		"4: web.plain: tls is given, only one of them is possible\n4: web.tls.cert: not a PEM certificate, or the key is not that of it"},
	{"level", head + "alerts: {level: comunity}\n", `4: alerts.level: "comunity" is not known, did you mean "community"?`},
	{"level far off", head + "alerts: {level: nation}\n", `4: alerts.level: "nation" is none of grid, community, street`},
	{"level with a password", head + "alerts: {level: 'rtsp://u:hunter2@h'}\n", `4: alerts.level: "rtsp://u:***@h" is none of grid, community, street`},
	{"durations", head + "alerts:\n  respond_within: 30\n  handle_within: soon\n  cool_down: -1s\n",
		"5: alerts.respond_within: \"30\" has no unit, write 30s, 5m or 1h\n6: alerts.handle_within: \"soon\" is not a time span, write 30s, 5m or 1h30m\n7: alerts.cool_down: a time span cannot be negative"},
	{"long durations", head + "alerts:\n  respond_within: 0s\n  handle_within: 2161h\n  cool_down: 25h\n",
		"5: alerts.respond_within: must be from 1s to 24h\n6: alerts.handle_within: too long, at most 2160h\n7: alerts.cool_down: must be from 0s to 24h"},
	{"sizes", head + "storage:\n  floor: 64\n  reserve: 2GiB\n  lanes: {state: {bytes: 1KiB, age: 1s}}\n",
		"5: storage.floor: \"64\" is no size, write 512KiB or 32MiB\n6: storage.reserve: must be from 1MiB to 1GiB\n" +
			"7: storage.lanes.state.bytes: must be from 256KiB to 64GiB\n7: storage.lanes.state.age: must be from 1m to 2160h"},
	{"order", head + "alerts:\n  handle_within: 4m\n", `5: alerts.handle_within: handle_within cannot be shorter than respond_within`},
	{"order, by the other", head + "alerts:\n  respond_within: 31m\n", `5: alerts.respond_within: handle_within cannot be shorter than respond_within`},
	{"vision", head + "vision:\n  path: file\n  address_space: 64\n", "5: vision.path: not a program that can be run\n6: vision.address_space: must be from 256 to 1048576"},
	{"log", head + "log: {level: warning}\n", `4: log.level: "warning" is not known, did you mean "warn"?`},
	{"second value", head + "log:\n  - level: info\n", `4: log: must be a mapping, not a list`},
}

// uplink returns a configuration whose one broker is on line 5.
func uplink(broker string) string {
	return strings.Join(strings.SplitAfter(head, "\n")[:2], "") + "uplink:\n  mqtt:\n  - {" + broker + "}\n"
}

var uplinkMistakes = []mistake{
	{"prefix", strings.Replace(head, "{mqtt", "{prefix: a//b, mqtt", 1), `3: uplink.prefix: must be a topic such as sentrybox/v1, with no empty level, no $ at its beginning, and at most 128 bytes`},
	{"prefix of the broker", strings.Replace(head, "{mqtt", "{prefix: $SYS, mqtt", 1), `3: uplink.prefix: must be a topic such as sentrybox/v1, with no empty level, no $ at its beginning, and at most 128 bytes`},
	{"prefix wildcard", strings.Replace(head, "{mqtt", "{prefix: a/+, mqtt", 1), `3: uplink.prefix: is one level of MQTT topics and cannot have / + or #`},
	{"too many", strings.Replace(head, "[{", "["+strings.Repeat("{url: 'mqtt://b'}, ", 8)+"{", 1), `3: uplink.mqtt: 9, at most 8 are possible`},
	{"no url", uplink("username: a"), `5: uplink.mqtt[0].url: missing`},
	{"scheme", uplink("url: 'tcp://b'"), `5: uplink.mqtt[0].url: must begin with one of mqtt://, mqtts://`},
	{"no scheme", uplink("url: 'broker:1883'"), `5: uplink.mqtt[0].url: must begin with one of mqtt://, mqtts://`},
	{"scheme from the environment", uplink("url: '${SECRET}://b'"), `5: uplink.mqtt[0].url: must begin with one of mqtt://, mqtts://`},
	{"no host", uplink("url: 'mqtt://:1883'"), `5: uplink.mqtt[0].url: has no host`},
	{"port", uplink("url: 'mqtt://b:65536'"), `5: uplink.mqtt[0].url: the port must be from 1 to 65535`},
	{"empty port", uplink("url: 'mqtt://b:'"), `5: uplink.mqtt[0].url: the port must be from 1 to 65535`},
	{"name with a quote", strings.Replace(head, "gw-1", `"g\"w"`, 1), `1: gateway.id: cannot have a " or a \`},
	{"address with #", uplink("url: 'mqtt://b/#x'"), `5: uplink.mqtt[0].url: not a URL; @ / # ? % in a user or password are written %40 %2F %23 %3F %25`},
	{"password with #", uplink("url: 'mqtt://u:hunter#2@b'"), `5: uplink.mqtt[0].url: not a URL; @ / # ? % in a user or password are written %40 %2F %23 %3F %25`},
	{"topic in the url", uplink("url: 'mqtt://b/topic'"), `5: uplink.mqtt[0].url: nothing can follow host and port`},
	{"password twice", uplink("url: 'mqtt://u:hunter2@b', username: u, password: hunter2"),
		"5: uplink.mqtt[0].username: the url has user and password already\n5: uplink.mqtt[0].password: the url has user and password already"},
	{"pin", uplink("url: 'mqtts://b', pin: sha1/xyz"), `5: uplink.mqtt[0].pin: must be sha256/ and 44 characters of Base64: the digest of the broker's public key`},
	{"pin in plain", uplink("url: 'mqtt://b', pin: 'sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"), `5: uplink.mqtt[0].pin: is for mqtts:// only, and the url is mqtt://, which is not encrypted`},
	{"interface", uplink("url: 'mqtt://b', interface: 'eth0; reboot'"), `5: uplink.mqtt[0].interface: is neither a network interface such as wwan0 nor an IP address`},
	{"rate", uplink("url: 'mqtt://b', budget: {rate: 64}"), `5: uplink.mqtt[0].budget.rate: "64" is no rate, write 8KB/s or 64kbit/s`},
	{"slow rate", uplink("url: 'mqtt://b', budget: {rate: 10B/s}"), `5: uplink.mqtt[0].budget.rate: must be from 8kbit/s to 8000000kbit/s`},
	{"month", uplink("url: 'mqtt://b', budget: {month: 2KB}"), `5: uplink.mqtt[0].budget.month: must be from 1MiB to 1024GiB`},
	{"two of a name", uplink("url: 'mqtt://b', name: a}\n  - {url: 'mqtt://c', name: a"), `6: uplink.mqtt[1].name: uplink 1 has this name already`},
	{"no password file", uplink("url: 'mqtt://b', username: u, password_file: none"), `5: uplink.mqtt[0].password_file: no such file`},
	{"password and file", uplink("url: 'mqtt://b', username: u, password: x, password_file: file"), `5: uplink.mqtt[0].password_file: password is given already, only one of them is possible`},
	{"password in the url and file", uplink("url: 'mqtt://u:x@b', password_file: file"), `5: uplink.mqtt[0].password_file: the url has user and password already`},
	{"numbers", strings.Replace(head, "{mqtt", "{short: {sms: {port: /dev/ttyUSB2, numbers: ['110', '+8613800138000']}}, mqtt", 1), `3: uplink.short.sms.numbers[0]: a number needs its country code, such as +8613800138000`},
	{"no numbers", strings.Replace(head, "{mqtt", "{short: {sms: {port: /dev/ttyUSB2}}, mqtt", 1), `3: uplink.short.sms.numbers: missing`},
	{"lora", strings.Replace(head, "{mqtt", "{short: {after: 1s, lora: {port: /dev/ttyUSB3, key: abc, repeat: 0}}, mqtt", 1),
		"3: uplink.short.after: must be from 10s to 1h\n3: uplink.short.lora.gateway: must be from 1 to 65535\n3: uplink.short.lora.key: must be 32 to 128 hexadecimal digits\n3: uplink.short.lora.repeat: must be from 1 to 10"},
	{"password alone", uplink("url: 'mqtt://b', password: 123456"), `5: uplink.mqtt[0].password: a password needs a username too`},
	{"certificate in plain", uplink("url: 'mqtt://b', ca: good.pem"), `5: uplink.mqtt[0].ca: is for mqtts:// only, and the url is mqtt://, which is not encrypted`},
	{"no file", uplink("url: 'mqtts://b', ca: none.pem"), `5: uplink.mqtt[0].ca: no such file`},
	{"folder", uplink("url: 'mqtts://b', ca: ."), `5: uplink.mqtt[0].ca: not a regular file`},
	{"no certificate", uplink("url: 'mqtts://b', ca: file"), `5: uplink.mqtt[0].ca: there is no PEM certificate in it`},
	{"no key", uplink("url: 'mqtts://b', cert: file"), `5: uplink.mqtt[0].key: missing, cert and key go together`},
	{"no cert", uplink("url: 'mqtts://b', key: file"), `5: uplink.mqtt[0].cert: missing, cert and key go together`},
	{"no pair", uplink("url: 'mqtts://b', cert: file, key: file"), `5: uplink.mqtt[0].cert: not a PEM certificate, or the key is not that of it`},
}

var cameraMistakes = []mistake{
	{"empty camera", head + "cameras:\n- grid: 3\n", "5: cameras[0].id: missing\n5: cameras[0].url: missing"},
	{"url", head + "cameras:\n- id: a\n  url: http://x\n  detect_url: rtsp:///x\n", "6: cameras[0].url: must begin with one of rtsp://, rtsps://, dvrip://\n7: cameras[0].detect_url: has no host"},
	{"channel", head + "cameras:\n- id: a\n  url: dvrip://x/gate\n  detect_url: dvrip://x/1?stream=2\n",
		"6: cameras[0].url: the path of a dvrip:// URL must be a channel, 0 to 255, and ?stream=0 or ?stream=1 may follow\n" +
			"7: cameras[0].detect_url: the path of a dvrip:// URL must be a channel, 0 to 255, and ?stream=0 or ?stream=1 may follow"},
	{"same id", head + "cameras:\n- {id: a, url: 'rtsp://x'}\n- {id: a, url: 'rtsp://y'}\n", `6: cameras[1].id: "a" is the id of cameras[0] already`},
	{"same id from the environment", head + "cameras:\n- {id: '${SECRET}', url: 'rtsp://x'}\n- {id: '${SECRET}', url: 'rtsp://y'}\n", `6: cameras[1].id: "${SECRET}" is the id of cameras[0] already`},
	{"too many", head + "cameras:\n" + strings.Repeat("- {}\n", 257), `4: cameras: 257, at most 256 are possible`},
	{"transport", head + "cameras:\n- {id: a, url: 'rtsp://x', transport: tpc}\n", `5: cameras[0].transport: "tpc" is not known, did you mean "tcp"?`},
	{"grid", head + "cameras:\n- {id: a, url: 'rtsp://x', grid: ' 3'}\n", `5: cameras[0].grid: has spaces around it`},
	{"zones", head + "cameras:\n- id: a\n  url: rtsp://x\n  zones:\n    a: {}\n    b:\n    c: [[0,0],[1,0],[1,1]]\n    ' d': {polygon: [[0,0],[1,0],[1,1]]}\n    '': {polygon: [[0,0],[1,0],[1,1]]}\n",
		"8: cameras[0].zones.a.polygon: missing\n9: cameras[0].zones.b: must be a mapping, not nothing\n" +
			"10: cameras[0].zones.c: must be a mapping, not a list\n11: cameras[0].zones[\" d\"]: has spaces around it\n12: cameras[0].zones[\"\"]: missing"},
	{"polygons", head + "cameras:\n- id: a\n  url: rtsp://x\n  zones:\n    p: {polygon: []}\n    q: {polygon: [[0,0]]}\n    gate: {polygon: [[0,0],[1,1]]}\n" +
		"    r: {polygon: [[0,0],[1,1],[1,0],[0,1]]}\n    s: {polygon: [[0,0],[0.5,0.5],[1,1]]}\n    t: {polygon: [[0,0],[1,0],[1,1],[0,0]]}\n",
		"8: cameras[0].zones.p.polygon: 0 points, a polygon needs 3\n9: cameras[0].zones.q.polygon: 1 point, a polygon needs 3\n" +
			"10: cameras[0].zones.gate.polygon: 2 points, a polygon needs 3\n11: cameras[0].zones.r.polygon: side [0]-[1] crosses side [2]-[3]\n" +
			"12: cameras[0].zones.s.polygon: the polygon has no area"},
	{"points", head + "cameras:\n- id: a\n  url: rtsp://x\n  zones:\n    p:\n      polygon:\n      - [0, 0]\n      - [640, 480]\n      - [.nan, 0]\n      - [1]\n      - 0.5\n      - [-0.1, 0]\n      - ['a', '${SECRET}']\n",
		"11: cameras[0].zones.p.polygon[1]: [640, 480] is outside the picture; coordinates are fractions of it from 0 to 1, not pixels\n" +
			"12: cameras[0].zones.p.polygon[2]: a point is [x, y], two numbers from 0 to 1\n13: cameras[0].zones.p.polygon[3]: a point is [x, y], two numbers from 0 to 1\n" +
			"14: cameras[0].zones.p.polygon[4]: a point is [x, y], two numbers from 0 to 1\n" +
			"15: cameras[0].zones.p.polygon[5]: [-0.1, 0] is outside the picture; coordinates are fractions of it from 0 to 1, not pixels\n" +
			"16: cameras[0].zones.p.polygon[6]: a point is [x, y], two numbers from 0 to 1"},
	{"many points", head + "cameras:\n- id: a\n  url: rtsp://x\n  privacy: [" + strings.Repeat("[0,0],", 129) + "]\n", `7: cameras[0].privacy: 129 points, a polygon has at most 128`},
	{"privacy", head + "cameras:\n- id: a\n  url: rtsp://x\n  privacy:\n  - [[0,0],[1,0],[1,1]]\n  - [[0,0],[1,0]]\n  - x\n", "9: cameras[0].privacy[1]: 2 points, a polygon needs 3\n10: cameras[0].privacy[2]: must be a list, not a text"},
	{"privacy, one", head + "cameras:\n- id: a\n  url: rtsp://x\n  privacy: [[0,0],[1,2],[1,1]]\n", `7: cameras[0].privacy[1]: [1, 2] is outside the picture; coordinates are fractions of it from 0 to 1, not pixels`},
	{"privacy, a text", head + "cameras:\n- id: a\n  url: rtsp://x\n  privacy: everything\n", `7: cameras[0].privacy: must be a list, not a text`},
}

var ruleMistakes = []mistake{
	{"no kind", camera + "  - {zone: gate}\n", `9: cameras[0].detect[0].kind: missing`},
	{"kind", camera + "  - {kind: loitring}\n", `9: cameras[0].detect[0].kind: "loitring" is not known, did you mean "loitering"?`},
	{"kind far off", camera + "  - {kind: fire}\n", `9: cameras[0].detect[0].kind: "fire" is none of motion, intrusion, line_crossing, loitering, thrown_object, gathering, abandoned_object, tamper`},
	{"kind from the environment", camera + "  - {kind: '${SECRET}'}\n", `9: cameras[0].detect[0].kind: "${SECRET}" is none of motion, intrusion, line_crossing, loitering, thrown_object, gathering, abandoned_object, tamper`},
	{"zone", camera + "  - {kind: motion, zone: gaet}\n", `9: cameras[0].detect[0].zone: there is no zone "gaet", did you mean "gate"?`},
	{"zone far off", camera + "  - {kind: motion, zone: roof}\n", `9: cameras[0].detect[0].zone: there is no zone "roof"; there are gate, all`},
	{"zone from the environment", camera + "  - {kind: motion, zone: '${SECRET}'}\n", `9: cameras[0].detect[0].zone: there is no zone "${SECRET}"; there are gate, all`},
	{"severity of zero", camera + "  - {kind: motion, severity: 0}\n  - {kind: gathering, people: 0}\n", "9: cameras[0].detect[0].severity: must be from 1 to 4\n10: cameras[0].detect[1].people: must be from 2 to 1000"},
	{"severity", camera + "  - {kind: motion, severity: 5}\n  - {kind: tamper, severity: high}\n", "9: cameras[0].detect[0].severity: must be from 1 to 4\n10: cameras[0].detect[1].severity: must be a whole number, not a text"},
	{"after", camera + "  - {kind: intrusion, after: 5s}\n  - {kind: loitering, after: 0s}\n  - {kind: gathering, after: 20}\n",
		"9: cameras[0].detect[0].after: intrusion has no time to last\n10: cameras[0].detect[1].after: must be from 1s to 24h\n11: cameras[0].detect[2].after: \"20\" has no unit, write 30s, 5m or 1h"},
	{"people", camera + "  - {kind: loitering, people: 3}\n  - {kind: gathering, people: 1}\n", "9: cameras[0].detect[0].people: is for gathering only, not for loitering\n10: cameras[0].detect[1].people: must be from 2 to 1000"},
	{"schedule", camera + "  - {kind: motion, schedule: at night}\n  - {kind: motion, schedule: '${SECRET}'}\n  - {kind: motion, schedule: '08:00-08:00'}\n",
		"9: cameras[0].detect[0].schedule: \"at night\" is not a schedule, write 22:00-06:00 or Mon-Fri 22:00-06:00, several with commas between\n" +
			"10: cameras[0].detect[1].schedule: \"${SECRET}\" is not a schedule, write 22:00-06:00 or Mon-Fri 22:00-06:00, several with commas between\n" +
			"11: cameras[0].detect[2].schedule: \"08:00-08:00\" has a period that ends when it begins, write 00:00-24:00 for the whole day"},
	{"twice", camera + "  - {kind: loitering}\n  - {kind: loitering, zone: all, after: 30s, severity: 1}\n", `10: cameras[0].detect[1]: the same as cameras[0].detect[0]`},
	{"many rules", camera + strings.Repeat("  - {kind: motion}\n", 65), `8: cameras[0].detect: 65, at most 64 are possible`},
	{"a line for an area", strings.Replace(camera, "polygon", "line", 1) + "  - {kind: line_crossing, zone: gate}\n  - {kind: motion, zone: gate}\n",
		`10: cameras[0].detect[1].zone: motion needs a polygon, "gate" is a line`},
	{"an area for a line", camera + "  - {kind: line_crossing, zone: gate}\n  - {kind: line_crossing}\n",
		"9: cameras[0].detect[0].zone: line_crossing needs a zone drawn as a line, \"gate\" has no line\n" +
			"10: cameras[0].detect[1].zone: line_crossing needs a zone drawn as a line, \"all\" has no line"},
	{"lines", head + "cameras:\n- id: a\n  url: rtsp://x\n  zones:\n    p: {line: []}\n    q: {line: [[0,0]]}\n    r: {line: [[0,0],[1,1]], polygon: [[0,0],[1,0],[1,1]]}\n" +
		"    s: {line: [[0,0],[0.5,2]]}\n    t: {line: [[0,0],[1,1]], direction: left_to_rihgt}\n    u: {polygon: [[0,0],[1,0],[1,1]], direction: both}\n" +
		"    v: {line: [[0,0],[0.5,0.5],[0.5,0.5]]}\n    w: {line: 3}\n    x: {line: ~}\n",
		"8: cameras[0].zones.p.polygon: missing\n9: cameras[0].zones.q.line: 1 point, a line has 2 to 16\n" +
			"10: cameras[0].zones.r.line: a zone cannot have both a polygon and a line\n" +
			"11: cameras[0].zones.s.line[1]: [0.5, 2] is outside the picture; coordinates are fractions of it from 0 to 1, not pixels\n" +
			"12: cameras[0].zones.t.direction: \"left_to_rihgt\" is not known, did you mean \"left_to_right\"?\n" +
			"13: cameras[0].zones.u.direction: is for zones with a line only\n14: cameras[0].zones.v.line: [0.5, 0.5] is there twice in a row\n" +
			"15: cameras[0].zones.w.line: must be a list, not a number\n16: cameras[0].zones.x.polygon: missing"},
}

// at makes a folder with the files that the table names, and returns the name
// of a configuration in it.
func at(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, filepath.Join(dir, "good.pem"), filepath.Join(dir, "good.key"))
	writeModels(t, dir)
	writeProfiles(t, dir)
	return filepath.Join(dir, "site.yaml")
}

// problems returns those of an error that must be of problems.
func problems(t testing.TB, err error) *Problems {
	t.Helper()
	var p *Problems
	if !errors.As(err, &p) || len(p.List) == 0 {
		t.Fatalf("got %v, not problems", err)
	}
	return p
}

func TestMistakes(t *testing.T) {
	name := at(t)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			_, err := Parse(name, []byte(m.config), testEnv)
			if got := strings.ReplaceAll(problems(t, err).Error(), name+":", ""); got != m.want {
				t.Errorf("got\n%s\nwant\n%s", got, m.want)
			}
		})
	}
}

// TestEveryMessage holds the table to every message that the package has.
func TestEveryMessage(t *testing.T) {
	name, seen := at(t), map[text.Key]bool{}
	for _, m := range mistakes {
		_, err := Parse(name, []byte(m.config), testEnv)
		for _, p := range problems(t, err).List {
			seen[p.Key] = true
			for _, a := range p.Args {
				if k, ok := a.(text.Key); ok {
					seen[k] = true
				}
			}
			for _, l := range []text.Lang{text.Chinese, text.English} {
				if s := p.Message(l); strings.Contains(s, "%!") || strings.Contains(s, "config.") || strings.Contains(s, "EXTRA") {
					t.Errorf("%s: %s", p.Key, s)
				}
			}
		}
	}
	elsewhere := []text.Key{ // tests of their own, and what a test cannot bring about as root
		"config.file.large", "config.file.denied", "config.file.unreadable", "config.yaml.nodes", "config.more",
	}
	key := regexp.MustCompile(`"(config\.[a-z0-9_.]+)"`)
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, found := range key.FindAllStringSubmatch(content(t, source), -1) {
			k := text.Key(found[1])
			if text.T(text.English, k) == found[1] {
				t.Errorf("%s: %s is not in the catalogue", source, k)
			}
			if !seen[k] && !slices.Contains(elsewhere, k) {
				t.Errorf("%s: no mistake in the table has %s", source, k)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	bomb := "cameras:\n- &c {id: a, url: 'rtsp://x', privacy: [" + strings.Repeat("[[0,0],[1,0],[1,1]],", 60) + "]}\n" + strings.Repeat("- *c\n", 2000)
	merge := "log:\n  <<: &a {" + strings.Repeat("x: 1, ", 900) + "}\n" + strings.Repeat("  <<: *a\n", 900)
	for _, test := range []struct{ name, config, want string }{
		{"size", strings.Repeat("#", strict.MaxFile+1), "1: the file is larger than 1048576 bytes"},
		{"aliases", head + bomb, "too much: more than 200000 values, aliases counted as what they stand for"},
		{"merge keys", head + merge, "too much: more than 200000 values, aliases counted as what they stand for"},
		{"problems", head + "log:\n" + keys(900) + "alerts:\n" + keys(900), "there are more problems, not listed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("a.yaml", []byte(test.config), nil)
			p := problems(t, err)
			if len(p.List) > strict.MaxProblems+1 {
				t.Errorf("%d problems", len(p.List))
			}
			if !strings.Contains(p.Error(), test.want) {
				t.Errorf("got %.500s", p.Error())
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  key%d: 1\n", i)
	}
	return b.String()
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "none.yaml"))
	if p := problems(t, err); !errors.Is(err, os.ErrNotExist) || p.Error() != filepath.Join(dir, "none.yaml")+": no such file" {
		t.Errorf("got %v", err)
	}
	_, err = LoadCamera(dir)
	if p := problems(t, err); p.Error() != dir+": the file cannot be read" {
		t.Errorf("got %v", err)
	}
}
