// Package mqtttest is what tests of an uplink need around them: a real
// Mosquitto that can be killed and started again, a broker that misbehaves as
// it is told, a line that can be cut, a subscriber that remembers, and
// certificates.
package mqtttest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sentrybox/uplink/linetest/freeport"
)

// MosquittoOptions says how a Mosquitto is to be. The zero value lets everybody
// in on a free port.
type MosquittoOptions struct {
	Port  int               // a free one when 0
	Users map[string]string // passwords by user; anonymous when empty
	// CA, Cert and Key are PEM files of a TLS listener. ClientCert demands a
	// certificate of the CA from clients.
	CA, Cert, Key string
	ClientCert    bool
	Extra         []string // further lines of its configuration
	// Host is where it runs, and Listen the address there; this machine and
	// 127.0.0.1 when nil and empty.
	Host   Host
	Listen string
}

// Host is a machine of its own, such as a network namespace.
type Host interface {
	Command(name string, args ...string) *exec.Cmd
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// local is this machine.
type local struct{}

func (local) Command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }

func (local) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Mosquitto is a real broker on the loopback interface. It keeps nothing on
// disk, so it is empty after each start.
type Mosquitto struct {
	t    testing.TB
	opt  MosquittoOptions
	bin  string
	conf string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

// StartMosquitto starts a broker and waits until it takes connections. It ends
// with the test. It fails the test if mosquitto is not installed.
func StartMosquitto(t testing.TB, opt MosquittoOptions) *Mosquitto {
	t.Helper()
	m := &Mosquitto{t: t, opt: opt, bin: find(t, "mosquitto")}
	if m.opt.Host == nil {
		m.opt.Host = local{}
	}
	if m.opt.Listen == "" {
		m.opt.Listen = "127.0.0.1"
	}
	if m.opt.Port == 0 {
		m.opt.Port = FreePort(t)
	}
	dir := t.TempDir()
	m.conf, m.log = filepath.Join(dir, "mosquitto.conf"), filepath.Join(dir, "mosquitto.log")
	lines := []string{fmt.Sprintf("listener %d %s", m.opt.Port, m.opt.Listen), "persistence false", "max_queued_messages 0"}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // it could not read its files otherwise
	}
	if len(opt.Users) == 0 {
		lines = append(lines, "allow_anonymous true")
	} else {
		lines = append(lines, "allow_anonymous false", "password_file "+m.passwords(dir))
	}
	if opt.Cert != "" {
		lines = append(lines, "cafile "+opt.CA, "certfile "+opt.Cert, "keyfile "+opt.Key, fmt.Sprintf("require_certificate %t", opt.ClientCert))
	}
	lines = append(lines, opt.Extra...)
	if err := os.WriteFile(m.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			if b, err := os.ReadFile(m.log); err == nil {
				t.Logf("mosquitto said:\n%s", b[max(0, len(b)-4000):])
			}
		}
	})
	m.Start()
	return m
}

func (m *Mosquitto) passwords(dir string) string {
	path := filepath.Join(dir, "passwords")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		m.t.Fatal(err)
	}
	for user, password := range m.opt.Users {
		if out, err := exec.Command(find(m.t, "mosquitto_passwd"), "-b", path, user, password).CombinedOutput(); err != nil {
			m.t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
	}
	return path
}

// Start starts the broker again, on the same port, after Stop or Kill.
func (m *Mosquitto) Start() {
	m.t.Helper()
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	m.cmd = m.opt.Host.Command(m.bin, "-v", "-c", m.conf)
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		m.t.Fatalf("start mosquitto: %v", err)
	}
	cmd, done := m.cmd, make(chan struct{})
	m.done = done
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(done)
	}()
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := m.opt.Host.Dial(m.t.Context(), "tcp", m.Addr())
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-done:
			b, _ := os.ReadFile(m.log)
			m.t.Fatalf("mosquitto ended at once:\n%s", b)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("mosquitto does not listen: %v", err)
		}
	}
}

// Stop ends the broker in order and waits for it. It does nothing if the broker
// is not running.
func (m *Mosquitto) Stop() { m.signal(syscall.SIGTERM) }

// Kill ends the broker as kill -9 does and waits for it.
func (m *Mosquitto) Kill() { m.signal(syscall.SIGKILL) }

func (m *Mosquitto) signal(sig syscall.Signal) {
	if m.cmd == nil {
		return
	}
	if err := m.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		m.t.Errorf("signal mosquitto: %v", err)
	}
	select {
	case <-m.done:
	case <-time.After(30 * time.Second):
		_ = m.cmd.Process.Kill()
		<-m.done
	}
	m.cmd = nil
}

// Pause stops the process without ending it: connections stay, nobody answers.
func (m *Mosquitto) Pause() { m.send(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (m *Mosquitto) Resume() { m.send(syscall.SIGCONT) }

func (m *Mosquitto) send(sig syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(sig); err != nil {
		m.t.Fatalf("signal mosquitto: %v", err)
	}
}

// Log returns what it has said since the first Start, also before it was killed:
// it writes a line for each packet before it answers.
func (m *Mosquitto) Log() string {
	m.t.Helper()
	b, err := os.ReadFile(m.log)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

// Addr returns host and port.
func (m *Mosquitto) Addr() string { return fmt.Sprintf("%s:%d", m.opt.Listen, m.opt.Port) }

// URL returns the broker's URL, without user and password.
func (m *Mosquitto) URL() string {
	if m.opt.Cert != "" {
		return "mqtts://" + m.Addr()
	}
	return "mqtt://" + m.Addr()
}

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on, and that no other
// process is told here.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.TCP()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// find returns the path of a program, also from the folder of system programs,
// which is not on everybody's PATH.
func find(t testing.TB, name string) string {
	t.Helper()
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	p, err := exec.LookPath("/usr/sbin/" + name)
	if err != nil {
		t.Fatalf("%s is not installed: %v", name, err)
	}
	return p
}
