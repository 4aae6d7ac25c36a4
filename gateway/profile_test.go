package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port/porttest"
)

// command runs a command line in English, and returns its exit status and what it
// printed.
func command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	t.Setenv("LC_ALL", "C")
	code := run(ctx, args, &out, &out)
	return code, out.String()
}

func TestProfileCommands(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	profile := "format: 1\nid: wrong\nname: a\nsource: [{title: t}]\nlorawan: {}\nmessages: [{fields: [{name: a, type: u8}]}]\nexamples: [{bytes: '05', values: {a: 6}}]\n"
	for name, data := range map[string]string{wrong: profile, broken: strings.Replace(profile, "u8", "u7", 1)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"profile", "list"}, 0, "rdm6300 "},
		{[]string{"profile", "show", "e22-panic-button"}, 0, "alert panic button (severity 1): button = 1 | 2 | 3"},
		{[]string{"profile", "test", "rdm6300", "pzem-016"}, 0, "4 examples, all right"},
		{[]string{"profile", "test", wrong}, 1, "wrong: a is 5 and should be 6"},
		{[]string{"profile", "test", broken}, 1, broken + ":6: messages[0].fields[0].type"},
		{[]string{"profile", "test", "nothing"}, 1, `there is no profile "nothing"`},
		{[]string{"profile", "decode", "milesight-ws101", "--port", "85", "FF 2E 02"}, 0, "alarming: panic button (severity 1)"},
		{[]string{"profile", "decode", "milesight-ws101", "--port", "85", "FF"}, 1, "payload too short"},
		{[]string{"profile", "decode", "milesight-ws101", "xyz"}, 1, "must be hexadecimal digits"},
		{[]string{"profile", "decode", "maxbotix-mb7389", "--text", "R1234\r"}, 0, "1.234 m"},
		{[]string{"profile", "schema"}, 0, `"$schema"`},
		{[]string{"probe", "serial:///dev/nothing"}, 1, "there is no port"},
		{[]string{"probe", "modbus:///dev/nothing", "--addresses", "9-3"}, 1, `"9-3" is no address`},
	} {
		code, out := command(t, test.args...)
		if code != test.code || !strings.Contains(out, test.want) {
			t.Errorf("%v: status %d, want %d and %q:\n%s", test.args, code, test.code, test.want, out)
		}
	}
}

// probed probes until what is printed has want in it: who answers has a moment for it, and this machine may have been busy.
func probed(t *testing.T, want string, args ...string) (code int, out string) {
	t.Helper()
	for range 5 {
		if code, out = command(t, append([]string{"probe"}, args...)...); strings.Contains(out, want) {
			break
		}
	}
	return code, out
}

// TestProbeLine looks at real terminal devices.
func TestProbeLine(t *testing.T) {
	talker, err := porttest.New(filepath.Join(t.TempDir(), "talker"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = talker.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	talked := make(chan struct{})
	go func() {
		defer close(talked)
		for ctx.Err() == nil {
			_, _ = talker.Write([]byte("R1234\r"))
			time.Sleep(50 * time.Millisecond)
		}
	}()
	code, out := probed(t, "like maxbotix-mb7389", "serial://"+talker.Name)
	cancel()
	<-talked
	if code != 0 || !strings.Contains(out, "9600 8N1: as a profile has it") || !strings.Contains(out, "like maxbotix-mb7389") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func TestProbeBus(t *testing.T) {
	line, err := porttest.New(filepath.Join(t.TempDir(), "bus"))
	if err != nil {
		t.Fatal(err)
	}
	bus := modbustest.NewBus(line)
	unit := modbustest.NewUnit(20)
	unit.SetRegisters(0, 658, 0xff9b, 999, 999)
	bus.Attach(3, unit)
	served := make(chan error)
	go func() { served <- bus.Serve() }()
	code, out := probed(t, "renke-rs-ws-n01", "modbus://"+line.Name, "--baud", "4800", "--addresses", "3", "--json")
	if code != 0 || !strings.Contains(out, `"address":3,"baud":4800`) || !strings.Contains(out, `"profile":"renke-rs-ws-n01","values":{"humidity":65.8,"temperature":-10.1}`) {
		t.Errorf("status %d:\n%s", code, out)
	}
	_ = line.Close()
	<-served
}
