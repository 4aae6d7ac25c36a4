package lorawan

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"sentrybox/drivers/replay"
)

const (
	rx1Delay = 1_000_000 // µs from the end of the uplink (1.0.4, 3.3.1: RECEIVE_DELAY1)
	// sameTry is within which copies of an uplink come from other gateways; what
	// comes later was sent again, as nobody confirmed it.
	sameTry = 500 * time.Millisecond
	// ahead is how many downlink counters are reserved by one write.
	ahead = 64
)

// answer confirms an uplink that asks for it, by the gateway that heard it first.
func (d *Driver) answer(eui EUI, rx *rxpk, s *session, u *uplink, now time.Time) {
	if d.cfg.Answer == NoAnswer || !u.confirmed && u.ctrl&adrAckReq == 0 || now.Sub(s.answered) < sameTry {
		return
	}
	freq, ok := rx1(d.cfg.Answer, rx.Freq)
	d.mu.Lock()
	to := d.gateways[eui].Pull
	d.mu.Unlock()
	if !ok || !to.IsValid() || rx.Modu != "LORA" {
		return
	}
	counter, err := d.downs.next(s.ID)
	if err != nil {
		d.cfg.Log.Error("an uplink was not confirmed", "device", s.ID, "error", err)
		return
	}
	packet := s.reply(s.Addr, counter, u.confirmed)
	d.token++
	b, err := pull(d.token, txpk{
		Tmst: rx.Tmst + rx1Delay, Freq: freq, Powe: d.cfg.Power, Modu: rx.Modu, Datr: rx.Datr, Codr: "4/5",
		IPol: true, NCRC: true, Size: len(packet), Data: base64.StdEncoding.EncodeToString(packet),
	})
	if err != nil { // the data rate was no JSON, which the parser would have seen
		return
	}
	if err := d.send(b, to); err == nil {
		s.answered = now
	}
}

// rx1 returns the frequency of the first receive window in MHz.
func rx1(plan Plan, freq float64) (float64, bool) {
	switch plan {
	case SameChannel:
		return freq, freq > 0
	case CN470: // RP002-1.0.0, 2.9: the 470-510 MHz plan that modules ship with
		ch := math.Round((freq - 470.3) / 0.2)
		if ch < 0 || ch > 95 || math.Abs(470.3+0.2*ch-freq) > 0.01 {
			return 0, false
		}
		return math.Round((500.3+0.2*math.Mod(ch, 48))*10) / 10, true
	}
	return 0, false
}

// downCounters count the frames to devices. A device takes none with a counter
// that it has seen, so they are reserved before they are used.
type downCounters struct {
	store replay.Store
	all   map[string]*downCounter
}

type downCounter struct{ next, reserved uint32 }

func (d *downCounters) next(device string) (uint32, error) {
	key := "lorawan-down/" + device
	c := d.all[key]
	if c == nil {
		c = &downCounter{}
		if d.store != nil {
			b, err := d.store.Load(key)
			if err != nil {
				return 0, fmt.Errorf("downlink counter: %w", err)
			}
			if len(b) == 4 {
				c.next = binary.BigEndian.Uint32(b)
			}
			c.reserved = c.next
		}
		if d.all == nil {
			d.all = map[string]*downCounter{}
		}
		d.all[key] = c
	}
	if d.store != nil && c.next >= c.reserved {
		to := c.next + ahead
		if err := d.store.Save(map[string][]byte{key: binary.BigEndian.AppendUint32(nil, to)}); err != nil {
			return 0, fmt.Errorf("downlink counter: %w", err)
		}
		c.reserved = to
	}
	n := c.next
	c.next++
	return n, nil
}
