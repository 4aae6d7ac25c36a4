package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"time"

	"sentrybox/drivers/dmr"
	"sentrybox/drivers/homebrew/homebrewtest"
)

const (
	firstCall  = 4 * time.Second
	firstAlarm = 14 * time.Second // the emergency key, after that call
	alarmEvery = 100 * time.Second
	pressAgain = 2 * time.Second // a set repeats its alarm until somebody answers
	alarms     = 4
	loginAgain = time.Second

	hotspotID         = 460010199
	patrolID, guardID = 4600101, 4600102
	watchGroup        = 9
	burstPace         = 60 * time.Millisecond
)

// radio is a DMR hotspot, simulated, and the sets that it hears: it logs in by UDP on loopback.
type radio struct {
	addr     string
	password string
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

func startRadio(ctx context.Context) *radio {
	r := &radio{addr: listenUDP("127.0.0.1:62031"), password: rand.Text()}
	ctx, r.stop = context.WithCancel(ctx)
	r.wg.Go(func() { r.run(ctx) })
	return r
}

func (r *radio) close() {
	r.stop()
	r.wg.Wait()
}

// run is logged in, again and again, as the gateway may begin anew, and lets the sets speak.
func (r *radio) run(ctx context.Context) {
	for wait(ctx, loginAgain) {
		hotspot, err := homebrewtest.Login(ctx, r.addr, hotspotID, r.password)
		if err != nil {
			continue // the gateway does not listen yet
		}
		r.speak(ctx, hotspot)
		_ = hotspot.Close()
	}
}

// speak has the patrol call now and then, and press its emergency key, until the master hangs up.
func (r *radio) speak(ctx context.Context, hotspot *homebrewtest.Repeater) {
	talk := dmr.Speech{LC: dmr.LC{Src: guardID, Dst: watchGroup}, Color: hotspot.Color, Superframes: 6, Alias: "guard"}
	for pause := firstCall; wait(ctx, pause) && !hotspot.Closed(); pause = alarmEvery {
		_ = hotspot.Send(ctx, homebrewtest.Transmission{Slot: 1, Src: guardID, Dst: watchGroup, Bursts: talk.Bursts(), Pace: burstPace})
		if !wait(ctx, firstAlarm) {
			return
		}
		for range alarms {
			_ = hotspot.Press(ctx, 1, patrolID, watchGroup)
			if !wait(ctx, pressAgain) {
				return
			}
		}
	}
}

// listenUDP is listenAt of UDP.
func listenUDP(address string) string {
	for _, a := range []string{address, "127.0.0.1:0"} {
		c, err := net.ListenPacket("udp", a)
		if err != nil {
			continue
		}
		defer func() { _ = c.Close() }()
		return c.LocalAddr().String()
	}
	return address
}

// config is what a technician would write for it.
func (r *radio) config() string {
	return fmt.Sprintf(`
radios:
  - id: walkie-talkies
    name: 保安对讲机
    homebrew: {listen: %q, repeaters: {%d: {name: 物业热点, password: %q}}}
    groups: {%d: 全体保安}
    units:
      %d: {name: 老王, grid: "3", place: 3号楼巡逻}
      %d: {name: 小李, grid: "4", place: 东门}
`, r.addr, hotspotID, r.password, watchGroup, patrolID, guardID)
}
