package uart_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/uart"
)

var ultrasonic = uart.Framing{Start: []byte{0xff}, Fixed: 4, Checksum: uart.Checksum{Kind: uart.Sum8}}

func mustNew(t *testing.T, c uart.Config) *uart.Driver {
	t.Helper()
	d, err := uart.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConformListening(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		line := drivertest.NewLine()
		return drivertest.Rig{
			Driver: mustNew(t, uart.Config{Open: line.Open, Framing: ultrasonic}),
			Say:    func() { line.Write([]byte{0xff, 0x07, 0xa1, 0xa7}) },
			Valid:  func(m driver.Message) bool { return bytes.Equal(m.Data, []byte{7, 0xa1}) },
			Noise:  func(b []byte) { line.Write(b) },
			Unplug: line.Unplug, Replug: line.Replug,
		}
	})
}

func TestConformPolling(t *testing.T) {
	drivertest.Conform(t, func(t *testing.T) drivertest.Rig {
		line := drivertest.NewLine()
		t.Cleanup(func() { line.Close() })
		go func() {
			ask := make([]byte, 2)
			for {
				if _, err := io.ReadFull(line, ask); err != nil {
					return
				}
				line.Write([]byte("$7,ok*1F\n"))
			}
		}()
		return drivertest.Rig{
			Driver: mustNew(t, uart.Config{
				Open: line.Open, Device: "7",
				Framing: uart.Framing{Start: []byte("$"), End: []byte("\n"), Text: true, Checksum: uart.Checksum{Kind: uart.XOR8, From: 1, Before: 1, Hex: true}},
				Polls:   []uart.Poll{{Section: "s", Request: []byte("?\n"), Every: 100 * time.Millisecond}},
			}),
			Valid:  func(m driver.Message) bool { return m.Device == "7" && m.Section == "s" && string(m.Data) == "7,ok" },
			Noise:  func(b []byte) { line.Write(b) },
			Unplug: line.Unplug, Replug: line.Replug,
		}
	})
}

// bench runs a driver on a line in a synctest bubble, and keeps what it emits.
type bench struct {
	t    *testing.T
	line *drivertest.Line
	d    *uart.Driver
	mu   sync.Mutex
	got  []string
	end  func()
}

func start(t *testing.T, c uart.Config) *bench {
	b := &bench{t: t, line: drivertest.NewLine()}
	c.Open = b.line.Open
	b.d = mustNew(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- b.d.Run(ctx, func(m driver.Message) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.got = append(b.got, fmt.Sprintf("%s/%s %s", m.Device, m.Section, m.Data))
		})
	}()
	b.end = func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		b.line.Close()
		synctest.Wait()
	}
	synctest.Wait()
	return b
}

func (b *bench) want(want ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.got, want) {
		b.t.Errorf("got %q, want %q", b.got, want)
	}
	b.got = nil
}

// read returns what the driver wrote until now.
func (b *bench) read() string {
	synctest.Wait()
	buf := make([]byte, 4096)
	n := b.line.Pending()
	if n == 0 {
		return ""
	}
	n, _ = b.line.Read(buf)
	return string(buf[:n])
}

// An answer that comes after its time, however late, is never taken for the
// answer to a later question.
func TestLateAnswer(t *testing.T) {
	for _, listen := range []bool{false, true} {
		lateAnswers(t, listen)
	}
}

func lateAnswers(t *testing.T, listen bool) {
	for late := 600 * time.Millisecond; late < 8*time.Second; late += 130 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, uart.Config{
				Device: "a", Listen: listen, Framing: uart.Framing{End: []byte("\n"), Text: true},
				Polls: []uart.Poll{{Request: []byte("?"), Every: 2 * time.Second, Timeout: 500 * time.Millisecond}},
			})
			// The device answers questions in order, each with its number; the first takes long.
			go func() {
				free := time.Now()
				ask := make([]byte, 1)
				for n := 0; ; n++ {
					if _, err := b.line.Read(ask); err != nil {
						return
					}
					asked := time.Now()
					takes := 10 * time.Millisecond
					if n == 0 {
						takes = late
					}
					free = latest(free, asked).Add(takes)
					time.AfterFunc(time.Until(free), func() { fmt.Fprintf(b.line, "%d@%d\n", n, asked.UnixMilli()) })
				}
			}()
			time.Sleep(20 * time.Second)
			b.end()
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.got) < 5 {
				t.Errorf("late by %v: %d readings in 20 s: %q", late, len(b.got), b.got)
			}
			for _, m := range b.got {
				if strings.HasPrefix(m, "a/ 0@") {
					t.Errorf("late by %v, listening %v: the late answer was taken: %q", late, listen, b.got)
				}
			}
		})
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestTwoDevicesOneDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		framing := uart.Framing{Length: &uart.Length{Size: 1, Add: 1}, Checksum: uart.Checksum{Kind: uart.Modbus, Little: true}, Address: &uart.Address{Offset: 1, Size: 1}}
		b := start(t, uart.Config{Framing: framing, Polls: []uart.Poll{
			{Device: "1", Section: "x", Request: []byte{1}, Every: time.Second},
			{Device: "2", Section: "x", Request: []byte{2}, Every: time.Second},
		}})
		go func() {
			ask := make([]byte, 1)
			for {
				if _, err := b.line.Read(ask); err != nil {
					return
				}
				if ask[0] == 1 {
					answer, _ := framing.Checksum.Append([]byte{4, 1, 'k'}, []byte{4, 1, 'k'})
					b.line.Write(answer)
				}
			}
		}()
		time.Sleep(time.Minute)
		s := b.d.State()
		if s.Phase != driver.Online || s.Devices["1"].Phase != driver.Online || s.Devices["2"].Phase != driver.Silent || s.Devices["2"].Reason == "" {
			t.Errorf("state %+v", s)
		}
		b.mu.Lock()
		n := len(b.got)
		b.mu.Unlock()
		if n < 45 {
			t.Errorf("%d readings of the living device in a minute", n)
		}
		b.end()
	})
}

// One question may be answered by whoever is there, each under its own address.
func TestAnswersByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		framing := uart.Framing{Start: []byte("<"), End: []byte(">"), Address: &uart.Address{Offset: 1, Size: 1}}
		b := start(t, uart.Config{Framing: framing, Listen: true, Polls: []uart.Poll{{Section: "s", Request: []byte("?"), Every: time.Minute}}})
		b.line.Write([]byte("<\x07a>"))
		synctest.Wait()
		b.want("7/s \aa")
		b.end()
	})
}

func TestListenBesidePolls(t *testing.T) {
	for _, listen := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, uart.Config{
				Device: "d", Listen: listen, Framing: uart.Framing{Start: []byte("<"), End: []byte(">")},
				Polls: []uart.Poll{{Section: "t", Request: []byte("?"), Match: []byte("<t"), Every: time.Hour}},
			})
			b.line.Write([]byte("<alarm><t1>"))
			synctest.Wait()
			b.line.Write([]byte("<alarm>"))
			time.Sleep(time.Second)
			if listen {
				b.want("d/ alarm", "d/t t1", "d/ alarm")
				b.line.Write([]byte("<t2><alarm>")) // an answer to no question
				synctest.Wait()
				b.want("d/ alarm")
			} else {
				b.want("d/t t1")
			}
			b.end()
		})
	}
}

func TestSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, uart.Config{
			Framing: ultrasonic, Device: "d",
			Outputs: []uart.Output{{Device: "d", Name: "siren", On: []byte("ON"), Off: []byte("OFF")}},
		})
		if got := b.read(); got != "OFF" {
			t.Errorf("at the beginning: %q, want OFF", got)
		}
		if err := b.d.Switch(t.Context(), "d", "siren", true); err != nil {
			t.Error(err)
		}
		if got := b.read(); got != "ON" {
			t.Errorf("switched on: %q", got)
		}
		if err := b.d.Switch(t.Context(), "d", "lamp", true); !errors.Is(err, driver.ErrNoDevice) {
			t.Errorf("no such output: %v", err)
		}
		b.line.Unplug()
		time.Sleep(time.Second)
		if err := b.d.Switch(t.Context(), "d", "siren", false); !errors.Is(err, driver.ErrNotRunning) {
			t.Errorf("unplugged: %v", err)
		}
		b.line.Replug()
		time.Sleep(10 * time.Second)
		if got := b.read(); got != "OFF" {
			t.Errorf("plugged in again: %q, want OFF, as asked meanwhile", got)
		}
		b.end()
	})
}

// Outputs that are on are switched off when Run ends, before the line is closed.
func TestRestsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := drivertest.NewLine()
		d := mustNew(t, uart.Config{
			Open: line.Open, Framing: ultrasonic,
			Outputs: []uart.Output{{Name: "siren", On: []byte("ON"), Off: []byte("OFF")}},
		})
		ended := make(chan error)
		go func() { ended <- d.Run(t.Context(), func(driver.Message) {}) }()
		synctest.Wait()
		if err := d.Switch(t.Context(), "", "siren", true); err != nil {
			t.Fatal(err)
		}
		if err := d.Halt(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		buf := make([]byte, 64)
		n, _ := line.Read(buf)
		if got := string(buf[:n]); got != "OFFONOFF" {
			t.Errorf("written %q, want off, on, off", got)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	line := drivertest.NewLine()
	for want, c := range map[string]uart.Config{
		"no port":              {Framing: ultrasonic},
		"framing":              {Open: line.Open},
		"a request of 0 bytes": {Open: line.Open, Framing: ultrasonic, Polls: []uart.Poll{{Every: time.Second}}},
		"every 1ms":            {Open: line.Open, Framing: ultrasonic, Polls: []uart.Poll{{Request: []byte{1}, Every: time.Millisecond}}},
		"timeout":              {Open: line.Open, Framing: ultrasonic, Polls: []uart.Poll{{Request: []byte{1}, Every: time.Second, Timeout: time.Hour}}},
		"output":               {Open: line.Open, Framing: ultrasonic, Outputs: []uart.Output{{Name: "x"}}},
	} {
		if _, err := uart.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
}
