package uart_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/uart"
)

// A day of a device that speaks every five seconds on a line with every fault: each whole frame that came
// while the line was open is told once, and nothing else.
func TestADayOfFaults(t *testing.T) {
	framing := uart.Framing{Start: []byte{0xaa, 0x55}, Length: &uart.Length{Offset: 2, Size: 1, Add: 5}, Checksum: uart.Checksum{Kind: uart.CCITTFalse}}
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(21, 22))
		line := drivertest.NewLine()
		d := mustNew(t, uart.Config{Open: line.Open, Framing: framing})
		var mu sync.Mutex
		due := map[string]bool{}
		told := 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- d.Run(ctx, func(m driver.Message) {
				mu.Lock()
				defer mu.Unlock()
				told++
				if !due[string(m.Data)] {
					t.Errorf("invented, or told twice: % x", m.Data)
				}
				delete(due, string(m.Data))
			})
		}()
		synctest.Wait()
		var early, late runtime.MemStats
		noise := func(most int) {
			b := make([]byte, rnd.IntN(most))
			for i := range b {
				b[i] = byte(rnd.UintN(256))
			}
			line.Write(b)
		}
		n := 0
		for begin := time.Now(); time.Since(begin) < 24*time.Hour; n++ {
			body := fmt.Appendf([]byte{0xaa, 0x55, 0}, "%d\xaa\x55\xff\xaa", n)
			body[2] = byte(len(body) - 3)
			frame, _ := framing.Checksum.Append(bytes.Clone(body), body)
			mu.Lock()
			due[string(body[2:])] = true
			mu.Unlock()
			whole := true
			switch rnd.IntN(12) {
			case 0:
				noise(200)
				line.Write(frame)
			case 1: // in pieces
				at := 1 + rnd.IntN(len(frame)-1)
				line.Write(frame[:at])
				time.Sleep(time.Duration(rnd.IntN(400)) * time.Millisecond)
				line.Write(frame[at:])
			case 2: // cut off, and the rest never comes
				line.Write(frame[:rnd.IntN(len(frame))])
				whole = false
			case 3:
				frame[rnd.IntN(len(frame))] ^= 1 << rnd.IntN(8)
				line.Write(frame)
				whole = false
			case 4: // a flood
				for range 20 {
					noise(300)
					time.Sleep(10 * time.Millisecond)
				}
				line.Write(frame)
				noise(300)
			case 5: // behind a beginning that promises more than comes
				line.Write([]byte{0xaa, 0x55, 0xe0})
				line.Write(frame)
			default:
				line.Write(frame)
			}
			if !whole {
				mu.Lock()
				delete(due, string(body[2:]))
				mu.Unlock()
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			mu.Lock()
			for k := range due {
				t.Errorf("lost: % x", k)
				delete(due, k)
			}
			mu.Unlock()
			if rnd.IntN(500) == 0 {
				line.Unplug()
				time.Sleep(time.Duration(rnd.IntN(120)) * time.Second)
				line.Replug()
				time.Sleep(10 * time.Second) // until it is opened again
			}
			if early.HeapAlloc == 0 && time.Since(begin) > time.Hour {
				runtime.GC()
				runtime.ReadMemStats(&early)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&late)
		if grown := int64(late.HeapAlloc) - int64(early.HeapAlloc); grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		s := d.State()
		t.Logf("%d frames, %d told; %+v", n, told, s.Counts)
		if told < n/2 || s.Counts.Rejected < 1000 || s.Counts.Noise < 100000 || s.Counts.Opened < 10 {
			t.Errorf("a day without its faults: %d of %d told, %+v", told, n, s.Counts)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
