package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/oklog/ulid/v2"

	"sentrybox/gateway/control"
	"sentrybox/hack/spawn"
)

// trouble is one thing that goes wrong again and again.
type trouble struct {
	name  string
	every time.Duration // on average
	do    func(ctx context.Context, r *rand.Rand)
}

// troubles lists what goes wrong, and what goes on.
func (s *site) troubles() []trouble {
	return []trouble{
		{"the line is cut", 150 * time.Second, s.cutLine},
		{"the broker is killed", 400 * time.Second, s.killBroker},
		{"a camera reboots", 50 * time.Second, s.reboot},
		{"a camera hangs", 150 * time.Second, s.hang},
		{"a vision process is killed", 45 * time.Second, s.killVision},
		{"a serial line is unplugged", 90 * time.Second, s.unplug},
		{"a sensor misbehaves", 40 * time.Second, s.misbehave},
		{"a button is pressed", 25 * time.Second, s.press},
		{"a test alert is raised", 12 * time.Second, s.raise},
		{"sensors at brokers speak", 10 * time.Second, s.speak},
	}
}

// trouble runs until ctx ends; then the returned group waits until all is healed.
func (s *site) trouble(ctx context.Context) *sync.WaitGroup {
	var wg sync.WaitGroup
	for i, t := range s.troubles() {
		r := rand.New(rand.NewPCG(s.Seed, uint64(i)))
		wg.Go(func() {
			for {
				wait := time.Duration((0.5 + r.Float64()) * float64(t.every) / s.Pace)
				if !pause(ctx, wait) {
					return
				}
				t.do(ctx, r)
				s.mu.Lock()
				s.did[t.name]++
				s.mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for pause(ctx, time.Second) {
			s.room.attend(time.Now())
		}
	})
	return &wg
}

// counts says how often what has happened.
func (s *site) counts() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.did)) {
		all = append(all, fmt.Sprintf("- %s: %d times", name, s.did[name]))
	}
	return all
}

// pause is false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// span is a random time, shorter in a run where things go wrong more often.
func (s *site) span(r *rand.Rand, from, to time.Duration) time.Duration {
	return time.Duration((float64(from) + r.Float64()*float64(to-from)) / max(s.Pace, 1))
}

func (s *site) cutLine(ctx context.Context, r *rand.Rand) {
	s.line.setCut(true, r.IntN(2) == 0)
	pause(ctx, s.span(r, 5*time.Second, 90*time.Second))
	s.line.setCut(false, r.IntN(2) == 0)
}

func (s *site) killBroker(ctx context.Context, r *rand.Rand) {
	s.broker.kill()
	pause(ctx, s.span(r, time.Second, 20*time.Second))
	if err := s.broker.start(); err != nil {
		say("the broker does not start again: %v", err)
	}
}

func (s *site) reboot(ctx context.Context, r *rand.Rand) {
	c := s.cameras[r.IntN(len(s.cameras))]
	c.kill()
	pause(ctx, s.span(r, 2*time.Second, 15*time.Second))
	if err := c.start(); err != nil {
		say("a camera does not start again: %v", err)
	}
}

func (s *site) hang(ctx context.Context, r *rand.Rand) {
	c := s.cameras[r.IntN(len(s.cameras))]
	c.signal(syscall.SIGSTOP)
	pause(ctx, s.span(r, 5*time.Second, 25*time.Second))
	c.signal(syscall.SIGCONT)
}

func (s *site) killVision(_ context.Context, r *rand.Rand) {
	var vision []int
	for _, pid := range spawn.Children(s.gateway.pid()) {
		if m, err := readMemory(pid); err == nil && m.name == "sentrybox-visio" {
			vision = append(vision, pid)
		}
	}
	if len(vision) > 0 {
		_ = syscall.Kill(vision[r.IntN(len(vision))], syscall.SIGKILL) // it may have ended
	}
}

func (s *site) unplug(ctx context.Context, r *rand.Rand) {
	p := s.sims[[]string{"rs485", "level", "e22", "e32", "rak"}[r.IntN(5)]]
	p.tell("unplug")
	pause(ctx, s.span(r, 2*time.Second, 15*time.Second))
	p.tell("replug")
}

func (s *site) misbehave(ctx context.Context, r *rand.Rand) {
	type fault struct{ sim, begin, end string }
	all := []fault{
		{"rs485", "fault 2 dead", "fault 2"}, {"rs485", "fault 3 crc", "fault 3"}, {"rs485", "fault 2 noise", "fault 2"},
		{"rs485", "fault 3 flood", "fault 3"}, {"rs485", "noise 200", ""}, {"level", "noise 500", ""},
		{"e22", "fault dead", "fault alive"}, {"e22", "fault forged", ""}, {"e22", "fault replay", ""}, {"e32", "fault damaged", ""},
		{"e32", "fault dead", "fault alive"}, {"rak", "fault restart", ""}, {"rak", "fault dead", "fault alive"}, {"rak", "fault replay", ""},
		{"wan", "fault replay", ""}, {"wan", "fault forged", ""}, {"chirpstack", "fault forged", ""},
	}
	f := all[r.IntN(len(all))]
	s.sims[f.sim].tell(f.begin)
	pause(ctx, s.span(r, 2*time.Second, 20*time.Second))
	if f.end != "" {
		s.sims[f.sim].tell(f.end)
	}
}

func (s *site) press(_ context.Context, r *rand.Rand) {
	presses := []struct{ sim, line string }{
		{"e22", "press 0101a5"}, {"e32", "press 0102a5"}, {"rak", "press 0103a5"}, {"wan", "press 8b880100012600000a01"}, {"chirpstack", "press 017510ff2e01"},
	}
	p := presses[r.IntN(len(presses))]
	s.sims[p.sim].tell(p.line)
}

func (s *site) raise(ctx context.Context, r *rand.Rand) {
	id, err := control.Raise(ctx, s.data, control.Request{ID: ulid.Make().String(), Kind: "test", Severity: 1 + r.IntN(4)})
	if err != nil {
		if ctx.Err() == nil {
			say("no alert: %v", err)
		}
		return
	}
	s.raised.add(id)
}

// speak has the Zigbee door and the sensor at the box's own broker say something.
func (s *site) speak(_ context.Context, r *rand.Rand) {
	door := fmt.Sprintf(`{"battery":97,"contact":%t,"linkquality":84,"voltage":3005}`, r.IntN(2) == 0)
	s.room.client.Publish("zigbee2mqtt/front-door", 1, false, door).WaitTimeout(time.Second)
	s.speakLocal(fmt.Sprintf(`{"temperature":%.1f}`, 20+40*r.Float64()))
}

// rightAgain waits until every camera is online and nothing waits for the line, and returns
// what is not so in the end.
func (s *site) rightAgain(ctx context.Context) (said []error) {
	s.room.finish()
	for {
		s.room.attend(time.Now())
		now, err := scrape(ctx, s.metrics)
		online, waiting, open := int(now["camera_online"]), int(now["outbox_depth"]), s.room.stillOpen()
		if err == nil && online == s.Cameras && waiting < 10 && open == 0 {
			return nil
		}
		if !pause(ctx, time.Second) {
			return []error{fmt.Errorf("%v after the last fault %d of %d cameras are online, %d messages wait, %d alerts are open", settleWithin, online, s.Cameras, waiting, open)}
		}
	}
}

// speakLocal publishes at the box's own broker, on a connection of its own: clients come and go.
func (s *site) speakLocal(payload string) {
	opt := paho.NewClientOptions().AddBroker(fmt.Sprintf("mqtt://127.0.0.1:%d", s.ports["local"])).SetClientID("month-sensor").
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(2 * time.Second)
	c := paho.NewClient(opt)
	if !c.Connect().WaitTimeout(2*time.Second) || !c.IsConnectionOpen() {
		return
	}
	c.Publish(prefix+"sensors/th-9", 1, false, payload).WaitTimeout(time.Second)
	c.Disconnect(10)
}
