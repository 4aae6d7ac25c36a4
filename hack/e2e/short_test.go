//go:build e2e

package e2e

import (
	"bufio"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sys/unix"

	"sentrybox/uplink/loraframe"
	"sentrybox/uplink/mqtt/mqtttest"
	"sentrybox/uplink/sms"
)

// pty makes a pseudo terminal and returns its other end and its name. It is kept
// open for as long as the test runs, as a modem stays plugged in.
func pty(t *testing.T) (*os.File, string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/pts/%d", n)
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd); _ = master.Close() })
	return master, name
}

// modem is a 4G modem on a pty that takes every message.
type modem struct {
	mu  sync.Mutex
	got []sms.Submit // guarded by mu
	bad []string     // guarded by mu
}

func (m *modem) run(port *os.File) {
	r := bufio.NewReader(port)
	say := func(s string) { _, _ = port.WriteString("\r\n" + s + "\r\n") }
	for {
		cmd, err := r.ReadString('\r')
		if err != nil {
			return
		}
		switch cmd = strings.Trim(cmd, "\x1b\r\n"); {
		case cmd == "":
		case cmd == "AT+CPIN?":
			say("+CPIN: READY\r\n\r\nOK")
		case cmd == "AT+CREG?":
			say("+CREG: 0,1\r\n\r\nOK")
		case strings.HasPrefix(cmd, "AT+CMGS="):
			_, _ = port.WriteString("\r\n> ")
			text, err := r.ReadString('\x1a')
			if err != nil {
				return
			}
			pdu, err := hex.DecodeString(strings.TrimSuffix(text, "\x1a"))
			msg, uerr := sms.Unmarshal(pdu)
			m.mu.Lock()
			if err != nil || uerr != nil {
				m.bad = append(m.bad, text)
			}
			m.got = append(m.got, msg)
			m.mu.Unlock()
			say("+CMGS: 1\r\n\r\nOK")
		default:
			say("OK")
		}
	}
}

func (m *modem) messages() []sms.Submit {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]sms.Submit(nil), m.got...)
}

// noted is how many short forms the gateway knows to be out.
func noted(t *testing.T, g *gateway) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(filepath.Dir(g.config), "data", "sentrybox.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM short_form WHERE state = 'sent'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestShortForm: a grave alert that no broker takes goes out by SMS and LoRa under
// the id that the broker gets later, each once, and not again after a kill; a light
// one waits for the broker.
func TestShortForm(t *testing.T) {
	t.Parallel()
	smsPort, smsName := pty(t)
	loraPort, loraName := pty(t)
	m := &modem{}
	go m.run(smsPort) // ends with the test
	var mu sync.Mutex
	var frames []loraframe.Frame
	const key = "000102030405060708090a0b0c0d0e0f"
	go func() { // ends with the test
		raw, _ := hex.DecodeString(key)
		receiver := &loraframe.Receiver{Key: func(g uint16) []byte {
			if g == 7 {
				return raw
			}
			return nil
		}}
		buf := make([]byte, 64)
		for {
			n, err := loraPort.Read(buf)
			if err != nil {
				return
			}
			got, _ := receiver.Write(buf[:n])
			mu.Lock()
			frames = append(frames, got...)
			mu.Unlock()
		}
	}()
	heard := func() []loraframe.Frame {
		mu.Lock()
		defer mu.Unlock()
		return append([]loraframe.Frame(nil), frames...)
	}
	port := mqtttest.FreePort(t)
	g := start(t, fmt.Sprintf("mqtt://127.0.0.1:%d", port), strings.Replace(head, `uplink: {mqtt: [{url: "${BROKER}"}]}`, fmt.Sprintf(`uplink:
  short:
    after: 10s
    sms: {port: %s, numbers: ["+8613800138000", "+8613900139000"]}
    lora: {port: %s, gateway: 7, key: "%s", repeat: 2}
  mqtt: [{url: "${BROKER}"}]`, smsName, loraName, key), 1))
	grave, light := g.mustRaise(1), g.mustRaise(3)
	waitFor(t, "two messages and two frames", func() bool { return len(m.messages()) >= 2 && len(heard()) >= 2 })
	waitFor(t, "the note that they are out", func() bool { return noted(t, g) == 3 }) // else they might not be, after the kill
	g.kill()
	g.run()
	again := g.mustRaise(2)
	waitFor(t, "the messages of the second alert", func() bool { return len(m.messages()) >= 4 && len(heard()) >= 4 })
	numbers := map[string]int{}
	for _, msg := range m.messages() {
		id := grave
		if strings.Contains(msg.Text, again[18:]) {
			id = again
		}
		numbers[id[18:]+msg.Number]++
		if !strings.HasPrefix(msg.Text, "【岗亭】测试，") || !strings.HasSuffix(msg.Text, "编号"+id[18:]) {
			t.Errorf("message %q", msg.Text)
		}
	}
	if len(numbers) != 4 || len(m.messages()) != 4 || len(m.bad) > 0 {
		t.Errorf("messages by alert and number: %v, and no messages: %q", numbers, m.bad)
	}
	for i, f := range heard() {
		id := ulid.ULID(f.Alert).String()
		if i < 2 && (id != grave || f.Severity != 1) || i >= 2 && (id != again || f.Severity != 2) || f.Kind != loraframe.Kinds()["test"] {
			t.Errorf("frame %d is %+v of %s", i, f, id)
		}
	}
	mosquitto := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{Port: port})
	sub := mqtttest.Subscribe(t, mosquitto.URL(), prefix+"#")
	for _, id := range []string{grave, light, again} {
		sub.WaitTopic(patience, prefix+"alert/community/"+id)
	}
	if n := len(m.messages()); n != 4 || len(heard()) != 4 {
		t.Errorf("%d messages and %d frames in the end", n, len(heard()))
	}
}
