package uarttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/uart"
	"sentrybox/drivers/uart/uarttest"
)

// With each fault, the driver hears as many frames as the fault leaves whole, and none that was not sent.
func TestFaults(t *testing.T) {
	const seconds = 200
	framing := uart.Framing{Start: []byte("$"), Fixed: 13, Checksum: uart.Checksum{Kind: uart.CCITTFalse}}
	for _, fault := range append(uarttest.Faults(), "") {
		synctest.Test(t, func(t *testing.T) {
			line := drivertest.NewLine()
			d, err := uart.New(uart.Config{Open: line.Open, Framing: framing})
			if err != nil {
				t.Fatal(err)
			}
			sent := 0
			talker := &uarttest.Talker{Line: line, Every: time.Second, Frame: func() []byte {
				sent++
				body := fmt.Appendf(nil, "$frame %04d", sent)
				body, _ = framing.Checksum.Append(body, body)
				return body
			}}
			if fault != "" {
				talker.Misbehave(1, fault)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var heard int
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := d.Run(ctx, func(driver.Message) { heard++ }); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			wg.Go(func() {
				if err := talker.Run(ctx, rand.New(rand.NewPCG(1, 2))); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(seconds*time.Second - time.Millisecond)
			synctest.Wait()
			cancel()
			wg.Wait()
			want := map[uarttest.Fault]int{uarttest.Merged: 2 * seconds, uarttest.Flip: 0, uarttest.Cut: 0, uarttest.Dead: 0}
			n, special := want[fault]
			if !special {
				n = seconds
			}
			if sent != seconds || heard != n {
				t.Errorf("%q: %d of %d heard, want %d", fault, heard, sent, n)
			}
		})
	}
}
