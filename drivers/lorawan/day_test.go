package lorawan_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/lorawan"
	"sentrybox/drivers/lorawan/lorawantest"
	"sentrybox/drivers/replay"
)

// TestDay is a day of 20 devices and two gateways with every fault: no uplink is
// lost, none is made up or taken twice.
func TestDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		store := &replay.Memory{}
		cfg := lorawan.Config{Listen: "127.0.0.1:0", Answer: lorawan.SameChannel, Counters: store}
		var devices []*lorawantest.Device
		for i := range byte(20) {
			dev := &lorawantest.Device{Addr: addr + lorawan.DevAddr(i%15), NwkSKey: lorawan.Key{1, i}, AppSKey: lorawan.Key{2, i}} // some share an address
			dev.Begin(uint32(i) * 5000)                                                                                            // some soon wrap
			devices = append(devices, dev)
			cfg.Devices = append(cfg.Devices, lorawan.Device{ID: string('a' + rune(i)), Addr: dev.Addr, NwkSKey: dev.NwkSKey, AppSKey: dev.AppSKey})
		}
		var got, want []string
		var feed func([]byte)
		var sent *int
		var d *lorawan.Driver
		restart := func() {
			if d != nil {
				if err := d.Save(); err != nil {
					t.Error(err)
				}
			}
			var err error
			if d, err = lorawan.New(cfg); err != nil {
				t.Fatal(err)
			}
			feed, sent = d.Feed(func(m driver.Message) { got = append(got, m.Device+string(m.Data)) })
		}
		restart()
		var fw lorawantest.Forwarder
		push := func(gateway byte, p ...lorawantest.Packet) {
			body, err := fw.Body(p...)
			if err != nil {
				t.Fatal(err)
			}
			feed(append([]byte{2, 0, 1, 0, gateway, 2, 3, 4, 5, 6, 7, 8}, body...))
		}
		var old [][]byte
		for begun := time.Now(); time.Since(begun) < 24*time.Hour; {
			i := rng.IntN(len(devices))
			payload := make([]byte, rng.IntN(50))
			for j := range payload {
				payload[j] = byte(rng.UintN(256))
			}
			up := devices[i].Uplink(rng.IntN(10) == 0, 1+rng.IntN(223), payload)
			want = append(want, string('a'+rune(i))+string(payload))
			old = append(old[max(0, len(old)-500):], up)
			push(1, lorawantest.Packet{Data: up})
			bad := bytes.Clone(up)
			bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
			switch rng.IntN(8) {
			case 0: // by the other gateway too
				push(2, lorawantest.Packet{Data: up}, lorawantest.Packet{Data: bad})
			case 1:
				push(1, lorawantest.Packet{Data: old[rng.IntN(len(old))]})
			case 2:
				push(2, lorawantest.Packet{Data: bad, Stat: -1}, lorawantest.Packet{Data: bad})
			case 3:
				feed(bad)
			case 4: // lost on the air
				_ = devices[i].Uplink(false, 1, nil)
			case 5:
				if rng.IntN(50) == 0 {
					restart()
				}
			}
			time.Sleep(time.Duration(rng.IntN(6000)) * time.Millisecond)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d taken, %d valid", len(got), len(want))
		}
		t.Logf("%d uplinks, %+v, %d datagrams sent", len(want), d.State().Counts, *sent)
		if len(want) < 20000 {
			t.Errorf("%d uplinks", len(want))
		}
	})
}
