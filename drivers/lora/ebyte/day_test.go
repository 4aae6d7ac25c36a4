package ebyte_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/ebyte"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
	"sentrybox/drivers/replay"
)

// day is a module, with what it has heard and what must come of it.
type day struct {
	t       *testing.T
	rng     *rand.Rand
	module  *loratest.Ebyte
	line    *drivertest.Line
	counter uint32
	old     [][]byte // frames that were heard
	want    []uint32
}

func (d *day) noise(n int) []byte {
	b := make([]byte, d.rng.IntN(n))
	for i := range b {
		b[i] = byte(d.rng.UintN(256))
	}
	return b
}

func (d *day) write(b []byte) {
	if _, err := d.line.Write(b); err != nil {
		d.t.Error(err)
	}
	synctest.Wait()
}

// frame makes the next frame, as a module puts it out.
func (d *day) frame() []byte {
	d.counter++
	b := append(sealed(d.t, d.counter, string(d.noise(40))), byte(150+d.rng.IntN(100)))
	d.want = append(d.want, d.counter)
	if d.old = append(d.old, b); len(d.old) > 200 {
		d.old = d.old[1:]
	}
	return b
}

// fault does one of what lines, radios and strangers do.
func (d *day) fault() {
	switch d.rng.IntN(12) {
	case 0:
		d.write(d.noise(600))
	case 1:
		d.write(append(d.noise(300), d.frame()...))
	case 2: // in pieces
		for piece := range slices.Chunk(d.frame(), 1+d.rng.IntN(9)) {
			d.write(piece)
			time.Sleep(time.Duration(d.rng.IntN(40)) * time.Millisecond)
		}
	case 3:
		d.write(append(d.frame(), d.frame()...))
	case 4: // again
		d.write(d.old[d.rng.IntN(len(d.old))])
	case 5: // a bit lost
		b := bytes.Clone(d.frame())
		d.want, d.old = d.want[:len(d.want)-1], d.old[:len(d.old)-1] // it was not heard
		b[1+d.rng.IntN(len(b)-2)] ^= 1 << d.rng.IntN(8)
		d.write(b)
	case 6: // a stranger
		f := lora.Frame{Device: 0x2a + d.rng.Uint32N(2), Counter: d.counter + 1000, Payload: []byte("forged")}
		b, err := f.AppendLine(nil, bytes.Repeat([]byte{8}, 16))
		if err != nil {
			d.t.Error(err)
		}
		d.write(append(b, 200))
	case 7: // a flood
		for range 10 {
			d.write(bytes.Repeat(d.old[0], 20))
		}
	case 8: // the end of a frame
		b := d.old[len(d.old)-1]
		d.write(b[d.rng.IntN(len(b)):])
	case 9:
		if d.rng.IntN(20) == 0 {
			d.line.Unplug()
			time.Sleep(time.Duration(d.rng.IntN(60)) * time.Second)
			d.line.Replug()
			time.Sleep(20 * time.Second)
		}
	}
}

// TestDay is a day with every fault: no valid frame is lost, none is made up.
func TestDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, store := drivertest.NewLine(), &replay.Memory{}
		module := &loratest.Ebyte{Line: l}
		d, err := ebyte.New(ebyte.Config{
			Open: l.Open, Switch: module, Module: ebyte.E22{Channel: 23, RSSI: true}, RSSI: ebyte.Negative,
			Devices: lora.Devices{Keys: map[uint32][]byte{0x2a: key()}, Counters: store},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { module.Run(ctx); close(over) }()
		var got []uint32
		go func() {
			_ = d.Run(ctx, func(m driver.Message) {
				got = append(got, *m.Counter)
				if m.RSSI == nil || *m.RSSI >= 0 {
					t.Errorf("%+v", m)
				}
			})
		}()
		time.Sleep(20 * time.Second)
		day := &day{t: t, rng: rand.New(rand.NewPCG(5, 6)), module: module, line: l}
		for begun := time.Now(); time.Since(begun) < 24*time.Hour; {
			day.write(day.frame())
			day.fault()
			time.Sleep(time.Duration(1+day.rng.IntN(14)) * time.Second)
		}
		if !slices.Equal(got, day.want) {
			t.Errorf("%d frames taken, %d were valid", len(got), len(day.want))
		}
		s := d.State()
		t.Logf("%d frames, %+v, counters saved %d times", len(day.want), s.Counts, store.Saves())
		if _, written := module.Registers(); written != 1 || store.Saves() > 24*60+10 || len(got) < 10000 {
			t.Errorf("registers written %d times, counters %d times, %d frames", written, store.Saves(), len(got))
		}
		cancel()
		if err := d.Halt(); err != nil {
			t.Error(err)
		}
		_ = l.Close()
		<-over
	})
}

// BenchmarkPress is the time from what a module puts out to the message, by way
// of the kernel's tty.
func BenchmarkPress(b *testing.B) {
	pty, err := porttest.New(filepath.Join(b.TempDir(), "tty"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = pty.Close() }()
	open, err := port.New(port.Config{Address: pty.Name, Baud: 115200})
	if err != nil {
		b.Fatal(err)
	}
	d, err := ebyte.New(ebyte.Config{Open: open, RSSI: ebyte.Negative, Devices: lora.Devices{Keys: map[uint32][]byte{0x2a: key()}}})
	if err != nil {
		b.Fatal(err)
	}
	got := make(chan struct{}, 1)
	go func() { _ = d.Run(context.Background(), func(driver.Message) { got <- struct{}{} }) }()
	defer func() { _ = d.Halt() }()
	for d.State().Phase != driver.Silent {
		time.Sleep(time.Millisecond)
	}
	n := uint32(0)
	for b.Loop() {
		n++
		if _, err := pty.Write(append(sealed(b, n, "panic"), 180)); err != nil {
			b.Fatal(err)
		}
		<-got
	}
}
