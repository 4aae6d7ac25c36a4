package modbus_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/modbus"
	"sentrybox/drivers/modbus/modbustest"
)

func section(every time.Duration) []modbus.Section {
	return []modbus.Section{{Name: "a", Table: modbus.Holding, Start: 0, Count: 2, Every: every}}
}

func mustNew(t testing.TB, c modbus.Config) *modbus.Driver {
	t.Helper()
	d, err := modbus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func valid(m driver.Message) bool {
	return m.Device == "3" && m.Section == "a" && bytes.Equal(m.Data, []byte{0x12, 0x34, 0x56, 0x78})
}

// bench is a driver on a bus of simulated units, in a synctest bubble.
type bench struct {
	*modbus.Driver
	t    *testing.T
	line *drivertest.Line
	bus  *modbustest.Bus
	unit map[byte]*modbustest.Unit

	mu     sync.Mutex
	got    []driver.Message
	cancel context.CancelFunc
	ended  chan error
	served chan error
}

func start(t *testing.T, units ...modbus.Unit) *bench {
	t.Helper()
	b := &bench{t: t, line: drivertest.NewLine(), unit: map[byte]*modbustest.Unit{}, ended: make(chan error), served: make(chan error)}
	b.bus = modbustest.NewBus(b.line)
	for _, u := range units {
		b.unit[u.Address] = modbustest.NewUnit(200)
		b.bus.Attach(u.Address, b.unit[u.Address])
	}
	b.Driver = mustNew(t, modbus.Config{Open: b.line.Open, CharTime: time.Millisecond, Units: units})
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() { b.served <- b.bus.Serve() }()
	go func() {
		b.ended <- b.Run(ctx, func(m driver.Message) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.got = append(b.got, m)
		})
	}()
	synctest.Wait()
	return b
}

func (b *bench) end() {
	b.t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	b.line.Close()
	<-b.served
}

// take returns the messages until now.
func (b *bench) take() []driver.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

// values are the registers of messages.
func values(messages []driver.Message) (all []uint16) {
	for _, m := range messages {
		all = append(all, binary.BigEndian.Uint16(m.Data))
	}
	return all
}
