package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/port"
	"sentrybox/drivers/uart"
)

// sim runs a simulator. say gives it a line, and wants its answer.
func sim(t *testing.T, command string, f flags) (say func(line, want string)) {
	t.Helper()
	in, typed := io.Pipe()
	printed, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, command, f, in, out)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(printed)
	if !lines.Scan() {
		t.Fatalf("%s says nothing: %v", command, <-ended)
	}
	t.Cleanup(func() {
		_ = typed.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(line, want string) {
		t.Helper()
		if _, err := io.WriteString(typed, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), want) {
			t.Errorf("%s: %q, want %q", line, lines.Text(), want)
		}
	}
}

// listen runs a driver, and returns what waits for its next message.
func listen(t *testing.T, d driver.Driver) func() driver.Message {
	messages := make(chan driver.Message)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- d.Run(ctx, func(m driver.Message) {
			select {
			case messages <- m:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func() driver.Message { return <-messages }
}

func opener(t *testing.T, name string) port.Open {
	t.Helper()
	open, err := port.New(port.Config{Address: name})
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func TestModbus(t *testing.T) {
	name := filepath.Join(t.TempDir(), "bus")
	say := sim(t, "modbus", flags{Modbus: modbusCmd{Port: name, Units: "1,3-4", Registers: 10}})
	d, err := modbus.New(modbus.Config{Open: opener(t, name), Units: []modbus.Unit{
		{Address: 4, Sections: []modbus.Section{{Table: modbus.Input, Start: 2, Count: 1, Every: 1e8}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	next := listen(t, d)
	want := func() {
		t.Helper()
		if m := next(); m.Device != "4" || string(m.Data) != "\x01\x92" { // 402
			t.Errorf("%+v", m)
		}
	}
	want()
	say("fault 4 noise", "ok")
	want()
	say("fault 9 dead", "error: fault: no unit")
	say("fault 4 sad", "error: fault \"sad\"")
	say("dance", "error:")
	say("noise 100", "ok")
	want()
	say("unplug", "ok")
	say("replug", "ok")
	say("fault 4", "ok")
	want()
	want()
}

func TestUART(t *testing.T) {
	name := filepath.Join(t.TempDir(), "range")
	say := sim(t, "uart", flags{UART: uartCmd{Port: name, Frame: []string{"ff07a1a7", "ff07a2a8"}, Every: 1e7}})
	d, err := uart.New(uart.Config{Open: opener(t, name), Framing: uart.Framing{Start: []byte{0xff}, Fixed: 4, Checksum: uart.Checksum{Kind: uart.Sum8}}})
	if err != nil {
		t.Fatal(err)
	}
	next := listen(t, d)
	say("fault split noise", "ok")
	say("fault sad", "error:")
	for range 4 {
		if m := next(); m.Data[0] != 7 {
			t.Errorf("%+v", m)
		}
	}
}

func TestPlay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "talk.txt")
	if err := os.WriteFile(file, []byte("+0s > 01\n+5ms < ff 07 a1 a7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "meter")
	say := sim(t, "play", flags{Play: playCmd{Port: name, File: file}})
	say("fault", "error:")
	d, err := uart.New(uart.Config{
		Open: opener(t, name), Device: "m", Framing: uart.Framing{Start: []byte{0xff}, Fixed: 4, Checksum: uart.Checksum{Kind: uart.Sum8}},
		Polls: []uart.Poll{{Section: "s", Request: []byte{1}, Every: 1e8}},
	})
	if err != nil {
		t.Fatal(err)
	}
	next := listen(t, d)
	for range 3 {
		if m := next(); m.Device != "m" || m.Section != "s" || string(m.Data) != "\x07\xa1" {
			t.Errorf("%+v", m)
		}
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	for want, f := range map[string]flags{
		"units":     {Modbus: modbusCmd{Port: filepath.Join(dir, "a"), Units: "0", Registers: 1}},
		"registers": {Modbus: modbusCmd{Port: filepath.Join(dir, "b"), Units: "1"}},
	} {
		if err := run(t.Context(), "modbus", f, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := run(t.Context(), "uart", flags{UART: uartCmd{Port: filepath.Join(dir, "c"), Frame: []string{"x"}, Every: 1}}, strings.NewReader(""), io.Discard); err == nil {
		t.Error("a frame that is no hexadecimal digits was taken")
	}
}
