package rak_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/lora/loratest"
	"sentrybox/drivers/lora/rak"
)

// day is a module, with what must come of what it has heard.
type day struct {
	*rig
	rng  *rand.Rand
	want []uint32
	old  [][]byte
}

func (d *day) write(s string) {
	if _, err := d.line.Write([]byte(s)); err != nil {
		d.t.Error(err)
	}
	synctest.Wait()
}

func (d *day) noise(n int) string {
	b := make([]byte, d.rng.IntN(n))
	for i := range b {
		b[i] = byte(d.rng.UintN(256))
	}
	return string(b)
}

// valid has the module hear a frame, if it listens.
func (d *day) valid(before string) {
	d.count++
	b := sealed(d.t, d.count, d.noise(60))
	if before != "" {
		d.write(before)
	}
	if d.module.Hear(b, -20-d.rng.IntN(100), d.rng.IntN(20)-10) {
		d.want = append(d.want, d.count)
		d.old = append(d.old[max(0, len(d.old)-100):], b)
	}
	synctest.Wait()
}

// fault does one of what lines, modules and strangers do.
func (d *day) fault() {
	switch d.rng.IntN(14) {
	case 0:
		d.write(d.noise(2000))
	case 1:
		d.valid(d.noise(2000))
	case 2: // in pieces
		d.count++
		if d.module.Hear([]byte{1}, -90, 0) { // no frame
			d.want = append(d.want, d.count)
			event := strings.Join(d.module.Event(sealed(d.t, d.count, "pieces"), -90, 5), "\r\n") + "\r\n"
			for piece := range slices.Chunk([]byte(event), 1+d.rng.IntN(9)) {
				d.write(string(piece))
				time.Sleep(time.Duration(d.rng.IntN(100)) * time.Millisecond)
			}
		}
	case 3:
		_ = d.module.Hear(d.old[d.rng.IntN(len(d.old))], -90, 0) // again
	case 4:
		f := lora.Frame{Device: 0x2a + d.rng.Uint32N(2), Counter: d.count + 1000}
		b, _ := f.Append(nil, bytes.Repeat([]byte{8}, 16))
		_ = d.module.Hear(b, -90, 0)
	case 5:
		b := bytes.Clone(d.old[len(d.old)-1])
		b[d.rng.IntN(len(b))] ^= 1
		_ = d.module.Hear(b, -90, 0)
	case 6: // a flood of what says nothing
		for range 10 {
			d.write(strings.Repeat("+EVT:RXP2P:-90:0:0\r\n", 100))
		}
	case 7:
		d.write("+EVT:RXP2P RECEIVE ERROR\r\n")
	case 8:
		d.module.Between(fmt.Sprintf("+EVT:%s", "RXP2P RECEIVE ERROR"), "+EVT:JOINED")
		_ = d.Send(d.t.Context(), driver.Message{Data: []byte{1}})
	case 9:
		if d.rng.IntN(20) == 0 {
			d.module.Restart(d.rng.IntN(2) == 0)
		}
	case 10:
		if d.rng.IntN(40) == 0 {
			d.line.Unplug()
			time.Sleep(time.Duration(d.rng.IntN(60)) * time.Second)
			d.line.Replug()
			time.Sleep(40 * time.Second)
		}
	case 11:
		if d.rng.IntN(40) == 0 {
			d.module.Die(true)
			time.Sleep(time.Duration(d.rng.IntN(600)) * time.Second)
			d.module.Die(false)
			d.module.Restart(false)
			time.Sleep(time.Minute)
		}
	}
}

// TestDay is a day with every fault: no frame that the module has heard is lost,
// none is made up.
func TestDay(t *testing.T) {
	for _, old := range []bool{false, true} {
		module := &loratest.RAK{Old: old}
		bubble(t, module, rak.Config{}, func(r *rig) {
			d := &day{rig: r, rng: rand.New(rand.NewPCG(7, 8))}
			for begun := time.Now(); time.Since(begun) < 24*time.Hour; {
				d.valid("")
				d.fault()
				time.Sleep(time.Duration(1+d.rng.IntN(14)) * time.Second)
			}
			synctest.Wait()
			var got []uint32
			for _, m := range d.messages {
				got = append(got, *m.Counter)
			}
			if !slices.Equal(got, d.want) {
				t.Errorf("%d frames taken, %d were valid", len(got), len(d.want))
			}
			t.Logf("%d frames, %+v, %d restarts, %d sent", len(d.want), d.State().Counts, module.Restarts(), len(module.Sent()))
			if len(got) < 8000 || d.State().Counts.Opened < 3 || module.Restarts() < 5 {
				t.Errorf("%d frames, %+v, %d restarts", len(got), d.State(), module.Restarts())
			}
		})
	}
}
