package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/modbus/modbustest"
	"sentrybox/drivers/port/porttest"
)

const (
	firstSmoke  = 6 * time.Second
	smokeLasts  = 12 * time.Second
	smokeEvery  = 90 * time.Second
	firstPress  = 10 * time.Second
	pressEvery  = 70 * time.Second
	pressRepeat = 700 * time.Millisecond // a button sends its frame more than once

	smokeUnit, sirenUnit = 1, 5
	smokeRegister        = 3
	buttonNumber         = 7
)

// sensors are a smoke detector and a siren on an RS-485 line, and a panic button with the
// module that hears it, all simulated, at pseudo-terminals.
type sensors struct {
	line, air *porttest.PTY
	bus       *modbustest.Bus
	smoke     *modbustest.Unit
	module    *loratest.Ebyte
	key       [16]byte
	stop      context.CancelFunc
	wg        sync.WaitGroup
}

func startSensors(dir string) (*sensors, error) {
	s := &sensors{smoke: modbustest.NewUnit(16)}
	if _, err := rand.Read(s.key[:]); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	var err error
	if s.line, err = porttest.New(filepath.Join(dir, "rs485")); err != nil {
		return nil, err
	}
	if s.air, err = porttest.New(filepath.Join(dir, "e22")); err != nil {
		_ = s.line.Close()
		return nil, err
	}
	s.bus = modbustest.NewBus(s.line)
	s.bus.Attach(smokeUnit, s.smoke)
	s.bus.Attach(sirenUnit, modbustest.NewUnit(16))
	s.module = &loratest.Ebyte{Line: s.air, Software: true}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.wg.Go(func() { _ = s.bus.Serve() }) // ends with the line
	s.wg.Go(func() { s.module.Run(ctx) })
	s.wg.Go(func() { s.smoulder(ctx) })
	s.wg.Go(func() { s.press(ctx) })
	return s, nil
}

func (s *sensors) close() {
	s.stop()
	_ = s.line.Close()
	_ = s.air.Close()
	s.wg.Wait()
}

// wait is false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// smoulder lets the detector see smoke now and then.
func (s *sensors) smoulder(ctx context.Context) {
	for pause := firstSmoke; wait(ctx, pause); pause = smokeEvery {
		s.smoke.SetRegisters(smokeRegister, 1)
		if !wait(ctx, smokeLasts) {
			return
		}
		s.smoke.SetRegisters(smokeRegister, 0)
	}
}

// press presses the button now and then.
func (s *sensors) press(ctx context.Context) {
	counter := uint32(0)
	for pause := firstPress; wait(ctx, pause); pause = pressEvery {
		counter++
		f := lora.Frame{Device: buttonNumber, Counter: counter, Event: true, Payload: []byte{1, 1, 0xa5}}
		packet, err := f.AppendLine(nil, s.key[:])
		if err != nil {
			return // it is a frame
		}
		for range 3 {
			s.module.Hear(packet, 0xc0)
			if !wait(ctx, pressRepeat) {
				return
			}
		}
	}
}

// config is what a technician would write for them.
func (s *sensors) config() string {
	return fmt.Sprintf(`
buses:
  - {id: rs485, modbus: %q, baud: 9600}
  - {id: air, e22: %q, mode_command: 1}
sensors:
  - {id: smoke-3-2, name: 3号楼2层烟感, profile: renke-rs-yg-n01, unit: %d, grid: "3"}
  - {id: panic-gate, name: 东门求助按钮, profile: e22-panic-button, number: %d, key: "%s", grid: "4"}
outputs:
  - {id: siren, profile: waveshare-modbus-relay, unit: %d, output: siren, max_on: 30s}
rules:
  - {id: fire, when: smoke-3-2.smoke for 1 s, kind: fire, severity: 1, do: siren for 10 s}
`, s.line.Name, s.air.Name, smokeUnit, buttonNumber, hex.EncodeToString(s.key[:]), sirenUnit)
}
