package config

import (
	"testing"
	"time"
)

const all4 = "homebrew, analogue, sip, isapi, onvif, mmdvm"

var intercomMistakes = []mistake{
	{"sip station without a way to know it", head + `intercoms: [{id: r, sip: {stations: {"1001": {}}}}]`, `4: intercoms[0].sip.stations.1001.password: missing`},
	{"sip without stations", head + `intercoms: [{id: r, sip: {listen: x, calls: 40, answer: now, ring: 10m}}]`, `4: intercoms[0].sip.ports: must be two ports, such as 20000-20039, with 160 between them at least
4: intercoms[0].sip.stations: missing
4: intercoms[0].sip.listen: must be host:port, such as 127.0.0.1:8080
4: intercoms[0].sip.calls: must be from 1 to 32
4: intercoms[0].sip.answer: "now" is none of at_once, with_phone
4: intercoms[0].sip.ring: must be from 1s to 5m`},
	{"sip station's address", head + `intercoms: [{id: r, sip: {help: ["1 2"], stations: {"1001": {address: gate}, "1 2": {address: 10.0.0.0/0}}}}]`,
		`4: intercoms[0].sip.help[0]: must be 1 to 64 letters, digits or _ . + * # -, such as 1001
4: intercoms[0].sip.stations.1001.address: must be an IP address or a network, such as 10.0.0.31
4: intercoms[0].sip.stations["1 2"]: must be 1 to 64 letters, digits or _ . + * # -, such as 1001`},
	{"sip phones", head + `intercoms: [{id: r, sip: {stations: {"1001": {password: x}}, phones: [{user: "1001", password: y}, {}, {address: "a b"}, {address: 10.0.0.5}]}}]`,
		`4: intercoms[0].sip.phones[0]: has the name of intercoms[0].sip.stations.1001
4: intercoms[0].sip.phones[1].user: missing
4: intercoms[0].sip.phones[1].password: missing
4: intercoms[0].sip.phones[2].address: must be a host or host:port, such as 10.0.0.5
4: intercoms[0].sip.phones[3].number: missing`},
	{"isapi", head + `intercoms: [{id: r, isapi: {url: "rtsp://a:b@c"}}, {id: s, isapi: {url: "http://10.0.0.1", calls: 1ms}}, {id: t, onvif: {}}, {id: t, onvif: {url: "http://a:b@c"}, isapi: {url: "http://a:b@c"}}]`,
		`4: intercoms[0].isapi.url: must begin with one of http://, https://
4: intercoms[1].isapi.url: the address needs a user and a password, such as http://admin:${PASS}@10.0.0.20
4: intercoms[1].isapi.calls: must be from 500ms to 1m
4: intercoms[2].onvif.url: missing
4: intercoms[3]: one of these must be given, and no more: ` + all4 + `
4: intercoms[3].id: "t" is the id of intercoms[2] already`},
}

func TestIntercoms(t *testing.T) {
	c, err := Parse(at(t), []byte(head+`radios: [{id: a, sip: {stations: {"1": {address: 10.0.0.0/24}}}}]
intercoms:
  - id: gates
    grid: "3"
    sip:
      help: ["120"]
      stations: {"1001": {name: 东门求助柱, place: 东门, password: "${CAM_PASS}"}, "1002": {address: 10.0.0.31}}
      phones: [{user: "2001", password: x}, {name: 保安室, address: 10.0.0.5, number: "8001"}]
  - {id: door-2, name: 2号楼, isapi: {url: "http://admin:${CAM_PASS}@10.0.0.20", calls: 1s}}
`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Radios) != 3 || c.Intercoms != nil {
		t.Fatalf("%d radios", len(c.Radios))
	}
	r := c.Radios[1]
	if u := r.Units["1001"]; u != (Unit{Name: "东门求助柱", Place: "东门"}) || r.SIP.Listen != ":5060" || r.SIP.Ring != Duration(20*time.Second) || r.SIP.Calls != 8 {
		t.Errorf("%+v", r)
	}
	if ports, ok := r.SIP.PortRange(); !ok || ports != [2]int{20000, 20039} {
		t.Errorf("ports %v", ports)
	}
	if len(r.Emergency) != 5 || r.Emergency[0].Kind != "help_point" || r.Emergency[3].Kind != "alarm_input" {
		t.Errorf("%+v", r.Emergency)
	}
	if r.SIP.Phones[0].Title() != "2001" || r.SIP.Phones[1].Title() != "保安室" {
		t.Errorf("%+v", r.SIP.Phones)
	}
}
