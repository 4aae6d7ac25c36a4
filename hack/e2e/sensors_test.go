//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sentrybox/drivers/chirpstack/chirpstacktest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/lorawan/lorawantest"
	"sentrybox/drivers/port/porttest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// sensorSite has a bus of Modbus, an E22 on USB, LoRaWAN without a network server, and the
// gateway's own broker.
const sensorSite = head + `
broker: {listen: "127.0.0.1:%d"}
buses:
  - {id: rs485, modbus: %q, baud: 9600}
  - {id: air, e22: %q, mode_command: 1}
  - {id: wan, lorawan: "127.0.0.1:%d"}
  - {id: ns, chirpstack: "${BROKER}"}
  - {id: zigbee, mqtt: "${BROKER}"}
sensors:
  - {id: smoke-1, profile: renke-rs-yg-n01, unit: 1, grid: "3"}
  - {id: panic-1, profile: e22-panic-button, number: 7, key: 000102030405060708090a0b0c0d0e0f, grid: "4"}
  - {id: door-1, profile: dragino-lds02, bus: wan, eui: a840410000000101, dev_addr: 26011bda, nwk_skey: 00112233445566778899aabbccddeeff, app_skey: ffeeddccbbaa99887766554433221100}
  - {id: sos-2, profile: milesight-ws101, bus: ns, eui: 24e124136b502217}
  - {id: door-2, profile: aqara-mccgq11lm, bus: zigbee, topic: front-door}
  - {id: pit-1}
outputs:
  - {id: siren-1, profile: waveshare-modbus-relay, unit: 5, output: siren, max_on: 30s}
rules:
  - {id: fire, when: smoke-1.smoke, kind: fire, severity: 1, do: siren-1 for 30 s}
  - {id: flood, when: pit-1.water_level > 0.4, severity: 2}
`

// bus485 is a serial line with Debian's pymodbus at its end.
type bus485 struct {
	t         testing.TB
	near, far string
	socat     *exec.Cmd
	server    *exec.Cmd
	in        io.WriteCloser
	mu        sync.Mutex
	said      []string // guarded by mu
	units     []string
}

func newBus485(t testing.TB, units ...string) *bus485 {
	dir := t.TempDir()
	b := &bus485{t: t, near: filepath.Join(dir, "near"), far: filepath.Join(dir, "far"), units: units}
	b.plug()
	t.Cleanup(b.unplug)
	return b
}

// plug makes the line and starts the server.
func (b *bus485) plug() {
	b.t.Helper()
	b.socat = exec.Command("socat", "pty,raw,echo=0,link="+b.near, "pty,raw,echo=0,link="+b.far)
	if err := b.socat.Start(); err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the line", func() bool {
		one, _ := filepath.EvalSymlinks(b.near)
		two, _ := filepath.EvalSymlinks(b.far)
		return one != "" && two != ""
	})
	b.server = exec.Command("/usr/bin/python3", append([]string{"../sensorsim/modbus_server.py", "rtu", b.far, "9600"}, b.units...)...)
	out, err := b.server.StdoutPipe()
	if err == nil {
		b.in, err = b.server.StdinPipe()
	}
	if err == nil {
		err = b.server.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			b.mu.Lock()
			b.said = append(b.said, lines.Text())
			b.mu.Unlock()
		}
	}()
	b.hears("ready")
}

func (b *bus485) unplug() {
	for _, c := range []*exec.Cmd{b.server, b.socat} {
		if c != nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	b.server, b.socat = nil, nil
}

// set writes a holding register.
func (b *bus485) set(unit, register, value int) {
	b.t.Helper()
	if _, err := fmt.Fprintln(b.in, unit, register, value); err != nil {
		b.t.Fatal(err)
	}
}

// hears waits for a line of the server, and forgets all up to it.
func (b *bus485) hears(line string) {
	b.t.Helper()
	eventually(b.t, line, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.Index(b.said, line)
		if i >= 0 {
			b.said = b.said[i+1:]
		}
		return i >= 0
	})
}

// eventually waits a generous time.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

// again sends something every few seconds until it has been heard: who has only begun may not listen yet.
func again(t testing.TB, what string, send func(), heard func() bool) {
	t.Helper()
	var at time.Time
	eventually(t, what, func() bool {
		if heard() {
			return true
		}
		if time.Since(at) > 3*time.Second {
			at = time.Now()
			send()
		}
		return false
	})
}

// button is a panic button in the air, and the E22 on USB that hears it.
type button struct {
	module  *loratest.Ebyte
	counter uint32
	key     []byte
}

func newButton(t testing.TB, link string) *button {
	pty, err := porttest.New(link)
	if err != nil {
		t.Fatal(err)
	}
	b := &button{module: &loratest.Ebyte{Line: pty, Software: true}, key: []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.module.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		_ = pty.Close()
		<-done
	})
	return b
}

// press sends the next frame, and the same again and again until done, as a button does.
func (b *button) press(t testing.TB, done func() bool) {
	t.Helper()
	b.counter++
	f := lora.Frame{Device: 7, Counter: b.counter, Event: true, Payload: []byte{1, 1, 0xa5}}
	packet, err := f.AppendLine(nil, b.key)
	if err != nil {
		t.Fatal(err)
	}
	again(t, "the button to be heard", func() { b.module.Hear(packet, 0xc0) }, done)
}

// door is a LoRaWAN device and the forwarder that hears it.
func newDoor(t testing.TB, port int) func(payload []byte) {
	dev := &lorawantest.Device{Addr: 0x26011bda}
	for i := range 16 {
		dev.NwkSKey[i], dev.AppSKey[i] = byte(i*0x11), byte(0xff-i*0x11)
	}
	f := &lorawantest.Forwarder{EUI: lorawan.EUI{1}, Server: fmt.Sprintf("127.0.0.1:%d", port)}
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return func(payload []byte) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := f.Push(ctx, lorawantest.Packet{Data: dev.Uplink(false, 10, payload)}); err != nil {
			t.Fatal(err)
		}
	}
}

// alertsOf returns the alerts of a device and kind, the newest revision of each.
func alertsOf(t testing.TB, messages []mqtttest.Message, device, kind string) []contract {
	var all []contract
	for _, a := range alerts(t, messages) {
		if a.Device == device && a.Kind == kind {
			all = append(all, a)
		}
	}
	return all
}

func waitAlert(t testing.TB, sub *mqtttest.Subscriber, device, kind string) contract {
	t.Helper()
	got := sub.Wait(patience, "the alert "+kind+" of "+device, func(got []mqtttest.Message) bool {
		return len(alertsOf(t, got, device, kind)) > 0
	})
	return alertsOf(t, got, device, kind)[0]
}

// waitState waits until the newest state of a device has the text in it.
func waitState(t testing.TB, sub *mqtttest.Subscriber, device, text string) string {
	t.Helper()
	state := ""
	sub.Wait(patience, text+" of "+device, func(got []mqtttest.Message) bool {
		for _, m := range got {
			if m.Topic == prefix+"device/"+device {
				state = string(m.Payload)
			}
		}
		return strings.Contains(state, text)
	})
	return state
}

// TestSensors: smoke by Modbus, a panic button by LoRa, a door by LoRaWAN and a water level by
// MQTT, into a gateway that is killed while the siren howls, and over a line that is unplugged.
func TestSensors(t *testing.T) {
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	line := newBus485(t, "1", "5")
	usb := filepath.Join(t.TempDir(), "e22")
	panicButton := newButton(t, usb)
	local, wan := mqtttest.FreePort(t), mqtttest.FreePort(t)
	g := start(t, broker.URL(), fmt.Sprintf(sensorSite, local, line.near, usb, wan))
	line.hears("coil 5 0 0") // off, whatever it was before
	waitState(t, sub, "smoke-1", `"state":"online"`)
	waitState(t, sub, "air", "nothing heard yet") // open, and nobody in the air yet

	line.set(1, 3, 1)
	smoke := waitAlert(t, sub, "smoke-1", "smoke")
	if smoke.Grid != "3" || smoke.Severity != 1 || smoke.State != "raised" || smoke.StartedAt == "" || smoke.Zone != "" {
		t.Errorf("%+v", smoke)
	}
	fire := waitAlert(t, sub, "smoke-1", "fire")
	line.hears("coil 5 0 1")
	g.kill()
	g.run()
	line.hears("coil 5 0 0")
	waitState(t, sub, "smoke-1", `"state":"online"`)

	pressed := func(rev int) func() bool {
		return func() bool {
			got := alertsOf(t, sub.Messages(), "panic-1", "panic")
			return len(got) > 0 && got[0].Rev >= rev
		}
	}
	panicButton.press(t, pressed(1))
	sent := time.Now()
	panicButton.press(t, pressed(2))
	got := sub.Messages()
	for _, m := range got {
		if strings.Contains(string(m.Payload), `"kind":"panic"`) && strings.Contains(string(m.Payload), `"rev":2,`) {
			t.Logf("panic button to subscriber, through the module's line, the database and Mosquitto: %v", m.At.Sub(sent).Round(time.Millisecond))
			break
		}
	}
	sos := waitAlert(t, sub, "panic-1", "panic")
	if sos.Severity != 1 || sos.Grid != "4" {
		t.Errorf("%+v", sos)
	}
	push := newDoor(t, wan)
	push([]byte{0x8B, 0x88, 1, 0, 1, 0x26, 0, 0, 0x0A, 1})
	waitAlert(t, sub, "door-1", "door")
	waitState(t, sub, "door-1", `"battery_voltage":2.952`)
	near := mqtttest.Subscribe(t, fmt.Sprintf("mqtt://127.0.0.1:%d", local), prefix+"#")
	raised := func(device, kind string) func() bool {
		return func() bool { return len(alertsOf(t, sub.Messages(), device, kind)) > 0 }
	}
	again(t, "the water level", func() { near.Publish(prefix+"sensors/pit-1", false, []byte(`{"water_level":0.43}`)) }, raised("pit-1", "water_level"))
	flood := waitAlert(t, sub, "pit-1", "water_level")
	if flood.Zone != "flood" {
		t.Errorf("%+v", flood)
	}

	ns := &chirpstacktest.Publisher{EUI: "24e124136b502217", Publish: func(topic string, payload []byte) error {
		sub.Publish(topic, false, payload)
		return nil
	}}
	again(t, "the button of the network server", func() {
		if err := ns.Up(85, []byte{0x01, 0x75, 0x10, 0xff, 0x2e, 0x01}, nil, chirpstacktest.Reception{Gateway: "0016c001f153a14c", RSSI: -60, SNR: 9}); err != nil {
			t.Fatal(err)
		}
	}, raised("sos-2", "panic"))
	waitAlert(t, sub, "sos-2", "panic")
	waitAlert(t, sub, "sos-2", "battery")
	again(t, "the door of Zigbee", func() {
		sub.Publish("zigbee2mqtt/front-door", false, []byte(`{"battery":97,"contact":false,"linkquality":84,"voltage":3005}`))
	}, func() bool {
		return slices.ContainsFunc(sub.Messages(), func(m mqtttest.Message) bool {
			return m.Topic == prefix+"device/door-2" && strings.Contains(string(m.Payload), `"door":1`)
		})
	})

	line.unplug()
	waitState(t, sub, "rs485", `"state":"unplugged"`)
	waitState(t, sub, "smoke-1", `"state":"unplugged"`)
	line.plug() // no smoke: the registers of the new server are 0
	waitState(t, sub, "smoke-1", `"state":"online"`)
	sub.Wait(patience, "the end of the smoke", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return m.Topic == prefix+"alert/community/"+smoke.ID && strings.Contains(string(m.Payload), `"ended_at":"`)
		})
	})
	sub.Publish(prefix+"cmd/howl", false, []byte(`{"type":"output","output":"siren-1","on":true,"for":"1s"}`))
	line.hears("coil 5 0 1")
	line.hears("coil 5 0 0")
	got = sub.Wait(patience, "that it has howled", func(got []mqtttest.Message) bool {
		return slices.ContainsFunc(got, func(m mqtttest.Message) bool {
			return m.Topic == prefix+"cmd/howl/result" && strings.Contains(string(m.Payload), `"state":"done"`)
		})
	})
	// Neither the kill nor the unplugging has raised anything again.
	for _, a := range []contract{smoke, fire, sos, flood} {
		if same := alertsOf(t, got, a.Device, a.Kind); len(same) != 1 {
			b, _ := json.Marshal(same)
			t.Errorf("%d alerts of %s by %s: %s", len(same), a.Kind, a.Device, b)
		}
	}
	g.stop()
	line.hears("coil 5 0 0") // when it stops, again
}
