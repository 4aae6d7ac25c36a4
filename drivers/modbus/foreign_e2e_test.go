//go:build e2e

package modbus_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
)

const foreignUnits = 24

// command starts a program that ends with the test.
func command(t *testing.T, name string, args ...string) *bufio.Reader {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return bufio.NewReader(out)
}

func pymodbus(t *testing.T, kind, where string, settings ...string) {
	t.Helper()
	args := append([]string{"../../hack/sensorsim/modbus_server.py", "--filled", kind, where}, settings...)
	for a := 1; a <= foreignUnits; a++ {
		args = append(args, strconv.Itoa(a))
	}
	out := command(t, "/usr/bin/python3", args...)
	if line, err := out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("pymodbus: %q, %v", line, err)
	}
}

// socat makes a pair of serial ports.
func socat(t *testing.T) (near, far string) {
	t.Helper()
	dir := t.TempDir()
	near, far = filepath.Join(dir, "near"), filepath.Join(dir, "far")
	command(t, "socat", "pty,raw,echo=0,link="+near, "pty,raw,echo=0,link="+far)
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err1 := os.Stat(near)
		_, err2 := os.Stat(far)
		if err1 == nil && err2 == nil {
			return near, far
		}
		if time.Since(start) > time.Minute {
			t.Fatal("socat makes no ports")
		}
	}
}

// The many units of a server that is not ours are read and written, RTU and TCP, and a unit that is not there is
// told.
func TestPymodbus(t *testing.T) {
	near, far := socat(t)
	pymodbus(t, "rtu", far, "19200")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp := l.Addr().String()
	l.Close()
	pymodbus(t, "tcp", tcp)
	for _, c := range []struct {
		framing modbus.Framing
		line    port.Config
	}{
		{modbus.RTU, port.Config{Address: near, Baud: 19200}},
		{modbus.TCP, port.Config{Address: "tcp://" + tcp}},
	} {
		t.Run(string(c.framing), func(t *testing.T) { foreign(t, c.framing, c.line) })
	}
}

func foreign(t *testing.T, framing modbus.Framing, line port.Config) {
	open, err := port.New(line)
	if err != nil {
		t.Fatal(err)
	}
	config := modbus.Config{Open: open, CharTime: line.CharTime(), Framing: framing, Timeout: 2 * time.Second}
	for a := 1; a <= foreignUnits+1; a++ { // the last is not there
		config.Units = append(config.Units, modbus.Unit{
			Address: byte(a),
			Sections: []modbus.Section{
				{Name: "h", Table: modbus.Holding, Start: 3, Count: 2, Every: time.Second},
				{Name: "i", Table: modbus.Input, Start: 10, Count: 150, Every: time.Second},
				{Name: "c", Table: modbus.Coils, Start: 1, Count: 9, Every: time.Second},
				{Name: "d", Table: modbus.Discrete, Start: 4, Count: 3, Every: time.Second},
			},
			Outputs: []modbus.Output{
				{Name: "coil", Table: modbus.Coils, Address: 20, Verify: true},
				{Name: "register", Table: modbus.Holding, Address: 21, On: 5, Off: 6, Multiple: true, Verify: true},
			},
		})
	}
	d := mustNew(t, config)
	messages := make(chan driver.Message, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, func(m driver.Message) { messages <- m }) }()
	seen := map[string]bool{}
	for len(seen) < 4*foreignUnits {
		m := <-messages
		seen[m.Device+m.Section] = true
		if got, want := fmt.Sprintf("%x", m.Data), expected(m); !strings.HasPrefix(got, want) {
			t.Fatalf("unit %s, section %s: %s, want %s", m.Device, m.Section, got, want)
		}
	}
	go func() {
		for range messages { // the driver goes on
		}
	}()
	for _, output := range []string{"coil", "register"} {
		for _, on := range []bool{true, false} {
			err := errors.New("not tried")
			for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); { // the server may stand still
				err = d.Switch(t.Context(), "7", output, on)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	absent := fmt.Sprint(foreignUnits + 1)
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if d.State().Devices[absent].Phase == driver.Silent {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("a unit that is not there: %+v", d.State().Devices[absent])
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(messages)
}

// expected is how a section of the server's units begins.
func expected(m driver.Message) string {
	var a int
	fmt.Sscan(m.Device, &a) //nolint:errcheck // the driver's own
	switch m.Section {
	case "h":
		return fmt.Sprintf("%04x%04x", 100*a+3, 100*a+4)
	case "i":
		return fmt.Sprintf("%04x%04x", 100*a+10, 100*a+11)
	case "c":
		return "5501" // 1, 0, 1, … of coil 1 and on
	}
	return "02"
}

// A master that is not ours is content with the units that the tests use.
func TestMbpollReadsOurUnits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tty")
	p, err := porttest.New(name)
	if err != nil {
		t.Fatal(err)
	}
	bus := modbustest.NewBus(p)
	u := modbustest.NewUnit(50)
	u.SetRegisters(0, 11, 22, 33)
	u.SetBits(0, true, false, true)
	bus.Attach(9, u)
	served := make(chan error, 1)
	go func() { served <- bus.Serve() }()
	t.Cleanup(func() { p.Close(); <-served })
	mbpoll := func(args ...string) string {
		t.Helper()
		args = append([]string{"-m", "rtu", "-a", "9", "-b", "9600", "-P", "none", "-1", "-0", "-o", "10"}, args...)
		out, err := exec.Command("mbpoll", args...).CombinedOutput()
		for n := 0; err != nil && n < 5; n++ { // it waits for ten seconds at most
			out, err = exec.Command("mbpoll", args...).CombinedOutput()
		}
		if err != nil {
			t.Fatalf("mbpoll %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, kind := range []string{"3", "4"} {
		if out := mbpoll("-t", kind, "-r", "0", "-c", "3", name); !strings.Contains(out, "[1]: \t22") {
			t.Errorf("registers, type %s:\n%s", kind, out)
		}
	}
	for _, kind := range []string{"0", "1"} {
		if out := mbpoll("-t", kind, "-r", "0", "-c", "3", name); !strings.Contains(out, "[2]: \t1") || !strings.Contains(out, "[1]: \t0") {
			t.Errorf("bits, type %s:\n%s", kind, out)
		}
	}
	mbpoll("-t", "4", "-r", "5", name, "77", "78")
	mbpoll("-t", "0", "-r", "7", name, "1")
	if u.Register(5) != 77 || u.Register(6) != 78 || !u.Coil(7) {
		t.Errorf("written %d, %d, %v", u.Register(5), u.Register(6), u.Coil(7))
	}
}
