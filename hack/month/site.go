package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sentrybox/hack/spawn"

	_ "modernc.org/sqlite" // the gateway's database is looked into at the end
)

// site is a gateway with all around it.
type site struct {
	*month
	gateway *process
	broker  *process
	cameras []*process
	sims    map[string]*process // of sensors, by name
	line    *line
	room    *room
	raised  promised
	metrics string // URL
	data    string
	conf    string
	ports   map[string]int

	mu  sync.Mutex
	did map[string]int // guarded by mu: how often what went wrong
}

const (
	prefix  = "sentrybox/v1/donghu/meiyuan/soak/"
	loraKey = "000102030405060708090a0b0c0d0e0f"
	nwkKey  = "00112233445566778899aabbccddeeff"
	appKey  = "ffeeddccbbaa99887766554433221100"
)

func newSite(m *month) (*site, error) {
	s := &site{month: m, data: filepath.Join(m.Dir, "data"), conf: filepath.Join(m.Dir, "config.yaml"), sims: map[string]*process{}, ports: map[string]int{}, did: map[string]int{}}
	names := []string{"broker", "metrics", "web", "local", "wan"}
	for i := range m.Cameras {
		names = append(names, camera(i))
	}
	for _, n := range names {
		p, err := spawn.FreePort()
		if err != nil {
			return nil, err
		}
		s.ports[n] = p
	}
	s.metrics = fmt.Sprintf("http://127.0.0.1:%d/metrics", s.ports["metrics"])
	return s, nil
}

func camera(i int) string { return fmt.Sprint("cam-", i+1) }

func (s *site) process(log, program string, args ...string) *process {
	return &process{path: program, args: args, logPath: filepath.Join(s.Dir, log+".log"), env: []string{"LC_ALL=C.UTF-8"}}
}

func (s *site) start(ctx context.Context) error {
	if err := s.startBroker(); err != nil {
		return err
	}
	var err error
	if s.line, err = newLine(fmt.Sprintf("127.0.0.1:%d", s.ports["broker"])); err != nil {
		return err
	}
	for i := range s.Cameras {
		s.cameras = append(s.cameras, s.newCamera(i))
		if err := s.cameras[i].start(); err != nil {
			return err
		}
	}
	if err := s.startSensors(); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	s.room = newRoom(fmt.Sprintf("mqtt://127.0.0.1:%d", s.ports["broker"]), prefix)
	s.gateway = s.process("gateway", filepath.Join(s.Programs, "sentrybox"), "run", "--config", s.conf)
	if err := s.gateway.start(); err != nil {
		return err
	}
	for end := time.Now().Add(2 * time.Minute); ; {
		said, err := scrape(ctx, s.metrics)
		if err == nil && int(said["camera_online"]) == s.Cameras {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return errors.Join(fmt.Errorf("the gateway does not come up: %v of %d cameras online: see %s", said["camera_online"], s.Cameras, s.gateway.logPath), err)
		}
		select {
		case <-s.gateway.done:
			return fmt.Errorf("the gateway has ended: see %s", s.gateway.logPath)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (s *site) startBroker() error {
	bin, err := exec.LookPath("mosquitto")
	if err != nil {
		bin = "/usr/sbin/mosquitto"
	}
	conf := filepath.Join(s.Dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %d 127.0.0.1\npersistence false\nmax_queued_messages 0\nallow_anonymous true\nuser root\n", s.ports["broker"])
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	s.broker = s.process("mosquitto", bin, "-c", conf)
	if err := s.broker.start(); err != nil {
		return err
	}
	return listening(s.ports["broker"], 2*time.Minute)
}

// newCamera is a camera of its own, so that it can reboot alone. The last one is a recorder that
// speaks DVRIP.
func (s *site) newCamera(i int) *process {
	listen, clip := fmt.Sprintf("127.0.0.1:%d", s.ports[camera(i)]), camera(i)+"="+s.Clip
	if s.recorder(i) {
		return s.process(camera(i), filepath.Join(s.Programs, "camsim"), "--user", "admin", "--password", "soak", "--listen", "127.0.0.1:0", "--dvrip", listen, clip)
	}
	return s.process(camera(i), filepath.Join(s.Programs, "camsim"), "--listen", listen, clip)
}

func (s *site) recorder(i int) bool { return i > 0 && i == s.Cameras-1 }

func (s *site) port(name string) string { return filepath.Join(s.Dir, "tty-"+name) }

func (s *site) startSensors() error {
	wan := fmt.Sprintf("127.0.0.1:%d", s.ports["wan"])
	for name, args := range map[string][]string{
		"rs485":      {"modbus", s.port("rs485"), "--units", "1-3,5"},
		"level":      {"uart", s.port("level"), "--frame", "ff0bb8c2", "--every", "2s"},
		"e22":        {"e22", s.port("e22"), "--key", loraKey, "--payload", "0096", "--every", "15s"},
		"e32":        {"e32", s.port("e32"), "--key", loraKey, "--payload", "0096", "--every", "15s"},
		"rak":        {"rak3172", s.port("rak"), "--key", loraKey, "--payload", "0096", "--every", "15s"},
		"wan":        {"forwarder", wan, "--addr", "26011bda", "--nwk-key", nwkKey, "--app-key", appKey, "--f-port", "10", "--payload", "0b880100002500000100", "--every", "5s"},
		"chirpstack": {"chirpstack", fmt.Sprintf("tcp://127.0.0.1:%d", s.ports["broker"]), "--payload", "017510", "--every", "20s"},
	} {
		p := s.process("sensor-"+name, filepath.Join(s.Programs, "sensorsim"), args...)
		s.sims[name] = p
		if err := p.start(); err != nil {
			return err
		}
	}
	for _, name := range []string{"rs485", "level", "e22", "e32", "rak"} {
		for range 100 {
			if _, err := os.Stat(s.port(name)); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}

// button is the profile of the panic button at another module.
const button = `format: 1
id: %[1]s-button
name: {zh: 求助按钮, en: panic button}
source: [{title: of this run}]
lora: {module: %[1]s%[2]s}
messages:
  - when: {bytes: [{at: 0, is: 1}], length: 3}
    fields:
      - {name: button, at: 1, type: u8, event: true, range: [1, 3]}
      - {name: battery_voltage, at: -1, type: u8, scale: 0.02, unit: V}
  - when: {bytes: [{at: 0, is: 0}], length: 2}
    fields: [{name: battery_voltage, at: -1, type: u8, scale: 0.02, unit: V}]
alerts: [{kind: panic, field: button, is: [1, 2, 3], severity: 1}]
examples: [{name: pressed, bytes: 01 01 A5, values: {button: 1, battery_voltage: 3.3}, alerts: panic}]
`

func (s *site) configure() error {
	profiles := filepath.Join(s.Dir, "profiles")
	if err := os.MkdirAll(profiles, 0o700); err != nil {
		return err
	}
	for module, more := range map[string]string{"e32": "", "rak3172": ", frequency: 470300000, spreading: 9, bandwidth: 125, coding: 5, preamble: 8"} {
		if err := os.WriteFile(filepath.Join(profiles, module+"-button.yaml"), fmt.Appendf(nil, button, module, more), 0o600); err != nil {
			return err
		}
	}
	doc := &strings.Builder{}
	fmt.Fprintf(doc, `gateway: {id: soak, street: donghu, community: meiyuan}
data: %q
profiles: %q
web: {listen: "127.0.0.1:%d"}
metrics: {listen: "127.0.0.1:%d"}
uplink: {mqtt: [{url: "mqtt://%s"}]}
broker: {listen: "127.0.0.1:%d"}
alerts: {cool_down: 20s}
evidence: {bytes: 32MiB, memory: 8MiB, before: 3s, after: 3s}
buses:
  - {id: rs485, modbus: %q, baud: 9600}
  - {id: level, serial: %q}
  - {id: air, e22: %q, mode_command: 1}
  - {id: air-2, e32: %q}
  - {id: air-3, rak3172: %q}
  - {id: wan, lorawan: "127.0.0.1:%d"}
  - {id: ns, chirpstack: "mqtt://127.0.0.1:%d"}
  - {id: zigbee, mqtt: "mqtt://127.0.0.1:%[13]d"}
sensors:
  - {id: th-2, profile: xy-md02, unit: 2, bus: rs485}
  - {id: th-3, profile: xy-md02, unit: 3, bus: rs485}
  - {id: pit-1, profile: dyp-a02yyuw, bus: level, parameters: {height: 3}}
  - {id: panic-1, profile: e22-panic-button, bus: air, number: 7, key: %[14]q, grid: "3"}
  - {id: panic-2, profile: e32-button, bus: air-2, number: 7, key: %[14]q}
  - {id: panic-3, profile: rak3172-button, bus: air-3, number: 7, key: %[14]q}
  - {id: door-1, profile: dragino-lds02, bus: wan, eui: a840410000000101, dev_addr: 26011bda, nwk_skey: %[15]q, app_skey: %[16]q}
  - {id: sos-2, profile: milesight-ws101, bus: ns, eui: 24e124136b502217}
  - {id: door-2, profile: aqara-mccgq11lm, bus: zigbee, topic: front-door}
  - {id: th-9}
outputs:
  - {id: siren, profile: waveshare-modbus-relay, bus: rs485, unit: 5, output: siren, max_on: 30s}
rules:
  - {id: hot, when: th-9.temperature > 50, severity: 2, do: siren for 2 s}
cameras:
`, s.data, profiles, s.ports["web"], s.ports["metrics"], s.line.addr(), s.ports["local"], s.port("rs485"), s.port("level"), s.port("e22"), s.port("e32"), s.port("rak"),
		s.ports["wan"], s.ports["broker"], loraKey, nwkKey, appKey)
	for i := range s.Cameras {
		address := fmt.Sprintf("rtsp://127.0.0.1:%d/%s", s.ports[camera(i)], camera(i))
		if s.recorder(i) {
			address = fmt.Sprintf("dvrip://admin:soak@127.0.0.1:%d/0?stream=0", s.ports[camera(i)])
		}
		fmt.Fprintf(doc, "  - {id: %s, url: %q, transport: %s, grid: %q, detect: [{kind: intrusion, severity: 2}, {kind: tamper}]}\n",
			camera(i), address, []string{"tcp", "udp", "auto", "tcp"}[i%4], fmt.Sprint(i%4+1))
	}
	return os.WriteFile(s.conf, []byte(doc.String()), 0o600)
}

// stop ends everything that runs.
func (s *site) stop() {
	if s.gateway != nil {
		s.gateway.kill()
	}
	for _, p := range s.cameras {
		p.kill()
	}
	for _, p := range s.sims {
		p.kill()
	}
	if s.room != nil {
		s.room.close()
	}
	if s.line != nil {
		s.line.close()
	}
	if s.broker != nil {
		s.broker.kill()
	}
}

// stored returns the ids of the alerts in the gateway's database, which is closed.
func (s *site) stored(ctx context.Context) (ids []string, err error) {
	address := url.URL{Scheme: "file", Path: filepath.Join(s.data, "sentrybox.db"), RawQuery: "mode=ro"}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT id FROM alerts`)
	if err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
