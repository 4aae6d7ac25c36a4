//go:build e2e

package subscribe_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/subscribe"
)

// mosquitto runs a broker with one account, gw and secret.
type mosquitto struct {
	t    *testing.T
	addr string
	conf string
	cmd  *exec.Cmd
}

func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{t: t, addr: l.Addr().String()}
	_, port, _ := net.SplitHostPort(m.addr)
	_ = l.Close()
	// Started by root it gives root up, and must still read its files.
	dir, err := os.MkdirTemp("", "mosquitto")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	passwords := filepath.Join(dir, "passwords")
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", passwords, "gw", "secret").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.conf = filepath.Join(dir, "conf")
	conf := fmt.Sprintf("listener %s 127.0.0.1\npassword_file %s\nuser root\n", port, passwords)
	if err := os.WriteFile(m.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.kill)
	return m
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command("mosquitto", "-c", m.conf)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Since(begun) > time.Minute {
			m.t.Fatal(err)
		}
	}
}

func (m *mosquitto) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}

func (m *mosquitto) publish(payload string) {
	m.t.Helper()
	host, port, _ := net.SplitHostPort(m.addr)
	out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-u", "gw", "-P", "secret", "-q", "1", "-t", "a/b", "-m", payload).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
}

// TestMosquitto has a real broker that is stopped, goes on, is killed and started again.
func TestMosquitto(t *testing.T) {
	m := newMosquitto(t)
	gw := subscribe.Broker{URL: "mqtt://" + m.addr, Username: "gw", Password: "secret", ClientID: "gw"}
	r := run(t, gw, "a/+")
	want := func(payload string) {
		t.Helper()
		if got := r.next(); string(got.Payload) != payload {
			t.Errorf("%q, want %q", got.Payload, payload)
		}
	}
	r.phase(driver.Silent, "subscribed")
	m.publish("first")
	want("first")
	// What is published while nobody listens waits.
	r.stop()
	m.publish("meanwhile")
	r = run(t, gw, "a/+")
	want("meanwhile")
	// One that says nothing any more, though its kernel takes everything, is noticed.
	if err := m.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.within(2*time.Minute, driver.Unplugged, "")
	if err := m.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.within(2*time.Minute, driver.Silent, "subscribed")
	m.publish("goes on")
	want("goes on")
	m.kill()
	r.phase(driver.Unplugged, m.addr)
	m.start()
	r.within(2*time.Minute, driver.Silent, "subscribed")
	m.publish("again")
	want("again")
	wrong := run(t, subscribe.Broker{URL: gw.URL, Username: "gw", Password: "wr0ng"}, "#")
	wrong.phase(driver.Unplugged, "not Authorized")
}
