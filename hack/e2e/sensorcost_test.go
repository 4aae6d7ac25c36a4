//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/lorawan/lorawantest"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port/porttest"
	"sentrybox/uplink/mqtt/mqtttest"
)

// cpu returns the processor time of a process so far, and its resident memory in bytes
// (proc(5), /proc/pid/stat).
func cpu(t testing.TB, pid int) (used time.Duration, resident int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	ticks := int64(0)
	for _, i := range []int{11, 12} { // utime, stime
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	pages, err := strconv.ParseInt(f[21], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ticks) * time.Second / 100, pages * int64(os.Getpagesize())
}

const (
	costBuses   = 4
	costUnits   = 50
	costDevices = 100
	costMinute  = 500 // messages by LoRaWAN
)

// TestSensorCost prints what 50 devices of Modbus on 4 buses, asked as their profiles say, and
// 500 messages a minute by LoRaWAN cost the gateway. SENTRYBOX_COST is how long is measured.
func TestSensorCost(t *testing.T) {
	measure := 15 * time.Second
	if v := os.Getenv("SENTRYBOX_COST"); v != "" {
		var err error
		if measure, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	broker := mqtttest.StartMosquitto(t, mqtttest.MosquittoOptions{})
	sub := mqtttest.Subscribe(t, broker.URL(), prefix+"#")
	wan := mqtttest.FreePort(t)
	var doc strings.Builder
	doc.WriteString(head + "buses:\n")
	fmt.Fprintf(&doc, "  - {id: wan, lorawan: \"127.0.0.1:%d\"}\n", wan)
	dir := t.TempDir()
	buses := make([]*modbustest.Bus, costBuses)
	for i := range buses {
		pty, err := porttest.New(filepath.Join(dir, fmt.Sprint("rs485-", i)))
		if err != nil {
			t.Fatal(err)
		}
		buses[i] = modbustest.NewBus(pty)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = buses[i].Serve()
		}()
		t.Cleanup(func() {
			_ = pty.Close()
			<-done
		})
		fmt.Fprintf(&doc, "  - {id: bus-%d, modbus: %q, baud: 9600}\n", i, pty.Name)
	}
	doc.WriteString("sensors:\n")
	// The profiles' own intervals: smoke every 2 s, levels every 5 s, climate every 10 s.
	models := []string{"renke-rs-yg-n01", "qdy30a", "xy-md02"}
	for i := range costUnits {
		unit := byte(1 + i/costBuses)
		buses[i%costBuses].Attach(unit, modbustest.NewUnit(256))
		fmt.Fprintf(&doc, "  - {id: unit-%d, profile: %s, bus: bus-%d, unit: %d}\n", i, models[i%len(models)], i%costBuses, unit)
	}
	devices := make([]*lorawantest.Device, costDevices)
	for i := range devices {
		devices[i] = &lorawantest.Device{Addr: lorawan.DevAddr(0x26010000 + i)}
		devices[i].NwkSKey[0], devices[i].AppSKey[0] = byte(i+1), byte(i+1)
		fmt.Fprintf(&doc, "  - {id: door-%d, profile: dragino-lds02, dev_addr: %08x, nwk_skey: %02x%030d, app_skey: %02x%030d}\n", i, 0x26010000+i, i+1, 0, i+1, 0)
	}
	doc.WriteString("rules:\n  - {id: fire, when: any 2 of smoke within 60 s, severity: 1}\n")
	g := start(t, broker.URL(), doc.String())
	f := &lorawantest.Forwarder{EUI: lorawan.EUI{1}, Server: fmt.Sprintf("127.0.0.1:%d", wan)}
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	waitState(t, sub, "unit-49", `"state":"online"`)
	ctx, cancel := context.WithTimeout(t.Context(), measure+patience)
	defer cancel()
	sent := 0
	send := func(until time.Time) {
		tick := time.NewTicker(time.Minute / costMinute)
		defer tick.Stop()
		for time.Now().Before(until) {
			<-tick.C
			payload := []byte{0x0B, 0x88, 1, 0, 0, byte(sent), 0, 0, 1, 0}
			if f.Push(ctx, lorawantest.Packet{Data: devices[sent%costDevices].Uplink(false, 10, payload)}) == nil {
				sent++
			}
		}
	}
	send(time.Now().Add(3 * time.Second)) // first states of everything
	asked := func() (n int) {
		for i := range costUnits {
			n += buses[i%costBuses].Asked(byte(1 + i/costBuses))
		}
		return n
	}
	begin, before := time.Now(), asked()
	used, _ := cpu(t, g.cmd.Process.Pid)
	sent = 0
	send(begin.Add(measure))
	now, resident := cpu(t, g.cmd.Process.Pid)
	took := time.Since(begin)
	t.Logf("%d devices on %d buses asked %.0f times a minute, %.0f LoRaWAN messages a minute: %.2f %% of a core, %d MiB resident",
		costUnits, costBuses, float64(asked()-before)/took.Minutes(), float64(sent)/took.Minutes(), 100*(now-used).Seconds()/took.Seconds(), resident>>20)
	if sent == 0 || asked() == before {
		t.Error("nothing was measured")
	}
}
