package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port/porttest"
)

func pty(t *testing.T) *porttest.PTY {
	t.Helper()
	p, err := porttest.New(filepath.Join(t.TempDir(), "ttyTEST"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func open(t *testing.T, c Config) Port {
	t.Helper()
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string // part of the error; empty if there is none
	}{
		{Config{Address: "/dev/ttyS0"}, ""},
		{Config{Address: "serial:///dev/ttyS0", Baud: 115200, DataBits: 7, Parity: EvenParity, StopBits: 2, RS485: &RS485{}}, ""},
		{Config{Address: "tcp://10.0.0.9:4001"}, ""},
		{Config{Address: "tcp://10.0.0.9"}, "want tcp://host:port"},
		{Config{Address: "ttyS0"}, "want /dev/"},
		{Config{Address: "udp://a:1"}, "want /dev/"},
		{Config{Address: "serial://ttyS0"}, "want /dev/"},
		{Config{Address: "/dev/a", Baud: -1}, "baud -1"},
		{Config{Address: "/dev/a", DataBits: 9}, "data bits 9"},
		{Config{Address: "/dev/a", Parity: "mark"}, `parity "mark"`},
		{Config{Address: "/dev/a", StopBits: 3}, "stop bits 3"},
		{Config{Address: "/dev/a", RS485: &RS485{Before: time.Second}}, "rs485"},
		{Config{Address: "tcp://a:1", RS485: &RS485{}}, "rs485"},
	} {
		_, err := New(c.config)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, driver.ErrPermanent)) {
			t.Errorf("New(%+v) = %v, want %q", c.config, err, c.want)
		}
	}
}

func TestCharTime(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   time.Duration
	}{
		{Config{Address: "/dev/a"}, 10 * time.Second / 9600},
		{Config{Address: "/dev/a", Baud: 1200, Parity: EvenParity, StopBits: 2}, 10 * time.Millisecond},
		{Config{Address: "tcp://a:1"}, 0},
		{Config{Address: "tcp://a:1", Baud: 1000}, 10 * time.Millisecond},
	} {
		if got := c.config.CharTime(); got != c.want {
			t.Errorf("CharTime of %+v = %v, want %v", c.config, got, c.want)
		}
	}
}

// Every byte passes both ways, none is turned into another or taken for a signal.
func TestSerialIsTransparent(t *testing.T) {
	far := pty(t)
	p := open(t, Config{Address: far.Name, Baud: 115200})
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	got := make([]byte, len(all))
	if _, err := far.Write(all); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("read % x, %v", got, err)
	}
	clear(got)
	if _, err := p.Write(all); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("wrote % x, %v", got, err)
	}
}

// TestArrivedInTime has a machine that is so busy that it looks at the line after the deadline alone: what
// has come by then is read, on each kind of line, and only then the deadline.
func TestArrivedInTime(t *testing.T) {
	far := pty(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			served <- c
		}
	}()
	serial, network := open(t, Config{Address: far.Name}), open(t, Config{Address: "tcp://" + l.Addr().String()})
	server := <-served
	defer server.Close()
	for name, c := range map[string]struct {
		near Port
		far  io.Writer
	}{"serial": {serial, far}, "network": {network, server}} {
		if _, err := c.far.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 6)
		if _, err := io.ReadFull(c.near, got[:1]); err != nil { // it has come
			t.Fatal(err)
		}
		if err := c.near.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.near, got[1:]); err != nil || string(got) != "answer" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if n, err := c.near.Read(got); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: then %d bytes, %v", name, n, err)
		}
	}
}

func TestSilenceIsNoUnplug(t *testing.T) {
	far := pty(t)
	p := open(t, Config{Address: far.Name})
	p.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent line reads as %v", err)
	}
	p.SetReadDeadline(time.Time{})
	read := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		read <- err
	}()
	far.Unplug()
	if err := <-read; !errors.Is(err, ErrUnplugged) {
		t.Errorf("an unplugged line reads as %v", err)
	}
	if _, err := p.Write([]byte{1}); !errors.Is(err, ErrUnplugged) {
		t.Errorf("an unplugged line writes as %v", err)
	}
}

func TestCloseWakesRead(t *testing.T) {
	p := open(t, Config{Address: pty(t).Name})
	read := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		read <- err
	}()
	p.Close()
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("Read of a closed port: %v", err)
	}
}

func TestOnePortOneUser(t *testing.T) {
	far := pty(t)
	c := Config{Address: far.Name}
	p := open(t, c)
	again, _ := New(c)
	if _, err := again(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("second open: %v, want busy", err)
	}
	p.Close()
	q, err := again(t.Context())
	if err != nil {
		t.Fatalf("open after Close: %v", err)
	}
	q.Close()
}

func TestOpenFailures(t *testing.T) {
	far := pty(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config    Config
		is        error
		permanent bool
	}{
		{Config{Address: "/nonexistent"}, ErrUnplugged, false},
		{Config{Address: file}, driver.ErrPermanent, true},
		{Config{Address: far.Name, Baud: 1234}, driver.ErrPermanent, true},
		// A pseudo-terminal has no direction to switch.
		{Config{Address: far.Name, RS485: &RS485{}}, driver.ErrPermanent, true},
	} {
		o, err := New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = o(t.Context()); !errors.Is(err, c.is) || errors.Is(err, driver.ErrPermanent) != c.permanent {
			t.Errorf("open %+v: %v, want %v", c.config, err, c.is)
		}
	}
	// None of them has kept the port.
	open(t, Config{Address: far.Name})
}

func TestRS485Layout(t *testing.T) {
	got := (&RS485{Before: 2 * time.Millisecond, After: 3 * time.Millisecond}).layout()
	if got.flags != 3 || got.before != 2 || got.after != 3 {
		t.Errorf("%+v", got)
	}
	if got := (&RS485{RTSLow: true}).layout(); got.flags != 5 {
		t.Errorf("RTS low while sending: flags %b, want 101", got.flags)
	}
}

func TestDiscard(t *testing.T) {
	far := pty(t)
	p := open(t, Config{Address: far.Name})
	if n := Discard(p); n != 0 {
		t.Errorf("Discard of an empty line: %d bytes", n)
	}
	far.Write([]byte("late answer"))
	total := 0
	for total < 11 {
		total += Discard(p) // the terminal hands over in its own time
	}
	far.Write([]byte("x"))
	b := make([]byte, 8)
	if n, err := p.Read(b); err != nil || string(b[:n]) != "x" {
		t.Errorf("after Discard: %q, %v", b[:n], err)
	}
}

func TestSerialServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := open(t, Config{Address: "tcp://" + l.Addr().String()})
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(p, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	p.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := p.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent server reads as %v", err)
	}
	p.SetReadDeadline(time.Time{})
	c.Close()
	if _, err := p.Read(got); !errors.Is(err, ErrUnplugged) {
		t.Errorf("a server that closed reads as %v", err)
	}
	address := l.Addr().String()
	l.Close()
	o, _ := New(Config{Address: "tcp://" + address})
	if _, err := o(t.Context()); !errors.Is(err, ErrUnplugged) {
		t.Errorf("no server: %v", err)
	}
}

func TestStable(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	make := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if to, ok := strings.CutPrefix(content, "->"); ok {
			err = os.Symlink(filepath.Join(root, to), path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for tty, number := range map[string]string{"ttyUSB0": "A50285BI\n", "ttyUSB1": ""} {
		make("dev/"+tty, "")
		usb := "sys/devices/usb/" + tty
		make(usb+"/idVendor", "0403")
		if number != "" {
			make(usb+"/serial", number)
		}
		make(usb+"/if0/"+tty+"/port_number", "0")
		make("sys/class/tty/"+tty+"/device", "->"+usb+"/if0/"+tty)
		make("dev/serial/by-id/usb-"+tty, "->dev/"+tty)
		make("dev/serial/by-path/path-"+tty, "->dev/"+tty)
	}
	make("dev/ttyS0", "")
	for name, want := range map[string]string{
		"dev/ttyUSB0":                  "dev/serial/by-id/usb-ttyUSB0",
		"dev/ttyUSB1":                  "dev/serial/by-path/path-ttyUSB1", // no serial number
		"dev/ttyS0":                    "dev/ttyS0",
		"dev/missing":                  "dev/missing",
		"dev/serial/by-id/usb-ttyUSB1": "dev/serial/by-id/usb-ttyUSB1", // as the technician wants it
	} {
		if got := stable(root, filepath.Join(root, name)); got != filepath.Join(root, want) {
			t.Errorf("stable(%s) = %s, want %s", name, got, want)
		}
	}
}

// An adapter that comes back under another number is found by its stable name.
func TestComesBackUnderAnotherName(t *testing.T) {
	far := pty(t)
	var tr driver.Tracker
	o, err := New(Config{Address: far.Name})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan byte)
	ended := make(chan error, 1)
	go func() {
		ended <- Keep(ctx, o, &tr, func(_ context.Context, p Port) error {
			b := make([]byte, 1)
			for {
				if _, err := p.Read(b); err != nil {
					return err
				}
				heard <- b[0]
			}
		})
	}()
	say := func(b byte) {
		t.Helper()
		for {
			far.Write([]byte{b})
			select {
			case got := <-heard:
				if got == b {
					return
				}
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	say('a')
	far.Unplug()
	for tr.State().Phase != driver.Unplugged {
		time.Sleep(time.Millisecond)
	}
	far.Replug()
	say('b')
	if s := tr.State(); s.Phase != driver.Silent || s.Counts.Opened != 2 {
		t.Errorf("state %+v, want open twice", s)
	}
	cancel()
	for {
		select {
		case <-heard:
			continue
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		}
		break
	}
}
