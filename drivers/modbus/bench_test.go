package modbus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port"
	"sentrybox/drivers/port/porttest"
)

// helper is set in the process that stands in for the hardware, so that its work is not counted.
const helper = "MODBUS_TEST_UNITS"

const (
	benchBuses = 4
	benchUnits = 50
)

// TestHelperProcess is no test: it is the hardware of BenchmarkFiftyUnits.
func TestHelperProcess(t *testing.T) {
	folder := os.Getenv(helper)
	if folder == "" {
		return
	}
	for i := range benchBuses {
		p, err := porttest.New(filepath.Join(folder, fmt.Sprint("tty", i)))
		if err != nil {
			t.Fatal(err)
		}
		bus := modbustest.NewBus(p)
		for a := i; a < benchUnits; a += benchBuses {
			u := modbustest.NewUnit(40)
			u.SetRegisters(0, uint16(a))
			bus.Attach(byte(a+1), u)
		}
		go bus.Serve() //nolint:errcheck // until the process ends
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // until the benchmark ends
}

// BenchmarkFiftyUnits polls 50 units on 4 buses, each unit with three sections once a second, and reports
// what part of a core that takes. An operation is a second.
func BenchmarkFiftyUnits(b *testing.B) {
	folder := b.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=TestHelperProcess")
	cmd.Env = append(os.Environ(), helper+"="+folder)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { stdin.Close(); _ = cmd.Wait() }()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		b.Fatalf("%q, %v", line, err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var readings atomic.Int64
	var wg sync.WaitGroup
	for i := range benchBuses {
		line := port.Config{Address: filepath.Join(folder, fmt.Sprint("tty", i)), Baud: 9600}
		open, err := port.New(line)
		if err != nil {
			b.Fatal(err)
		}
		c := modbus.Config{Open: open, CharTime: line.CharTime()}
		for a := i; a < benchUnits; a += benchBuses {
			c.Units = append(c.Units, modbus.Unit{Address: byte(a + 1), Sections: []modbus.Section{
				{Name: "a", Table: modbus.Holding, Count: 2, Every: time.Second},
				{Name: "b", Table: modbus.Holding, Start: 4, Count: 6, Every: time.Second},
				{Name: "c", Table: modbus.Discrete, Count: 8, Every: time.Second},
			}})
		}
		d := mustNew(b, c)
		wg.Go(func() { d.Run(ctx, func(driver.Message) { readings.Add(1) }) }) //nolint:errcheck // the readings tell
	}
	time.Sleep(2 * time.Second)
	readings.Store(0)
	b.ResetTimer()
	before := cpu(b)
	time.Sleep(time.Duration(b.N) * time.Second)
	used, told := cpu(b)-before, readings.Load()
	b.StopTimer()
	cancel()
	wg.Wait()
	b.ReportMetric(100*used.Seconds()/float64(b.N), "%core")
	b.ReportMetric(float64(told)/float64(b.N), "readings/s")
}

// cpu returns the time that this process has used, in user and kernel.
func cpu(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
