package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"sentrybox/drivers/rtsp/rtsptest"
)

// latency measures from the picture that decides to the message at a subscriber.
func (b *bench) latency(ctx context.Context) error {
	fmt.Printf("## From the deciding picture to the subscriber\n\n%s\n\n", latencyHelp)
	sim := &rtsptest.Server{Cameras: map[string]rtsptest.Camera{}}
	var cameras []sentry
	log := &sentLog{by: map[string][]sent{}}
	for i := range b.plan.walkers {
		path := fmt.Sprintf("cam%d", i)
		sim.Cameras[path] = rtsptest.Camera{
			Clip: rtsptest.File(b.walk()), Offset: time.Duration(i) * walkLength / time.Duration(b.plan.walkers),
			Sent: func(named, at time.Time) { log.add(path, named, at) },
		}
		cameras = append(cameras, sentry{id: path, rules: walkRules})
	}
	if err := sim.Start(); err != nil {
		return err
	}
	defer sim.Close()
	for i := range cameras {
		cameras[i].url = sim.URL(cameras[i].id)
	}
	broker, addr, err := b.mosquitto()
	if err != nil {
		return err
	}
	defer broker.stop()
	inbox := &inbox{}
	client, err := inbox.subscribe(addr)
	if err != nil {
		return err
	}
	defer client.Disconnect(100)
	g, err := b.sentrybox(addr, cameras)
	if err != nil {
		return err
	}
	defer g.stop()
	if err := g.ready(ctx, time.Minute); err != nil {
		return err
	}
	begun := time.Now().Add(b.plan.learn)
	note("latency: waiting for events")
	if err := sleep(ctx, b.plan.walks); err != nil {
		return err
	}
	return report(log, inbox.since(begun))
}

const latencyHelp = `Somebody crosses an empty yard, at 1080p. Movement is decided in the first moments of it: while nothing happens
keyframes alone are looked at, and what comes first waits for the next one, here up to 2 s. Line crossing is decided in their midst. Measured from when the
simulated camera sent the picture, which it keeps a note of, to the first message at a subscriber of Mosquitto.`

const walkRules = `zones: {middle: {line: [[0.5, 0], [0.5, 1]]}}
    detect: [{kind: motion}, {kind: line_crossing, zone: middle}]`

// report prints what the messages came to.
func report(log *sentLog, messages []message) error {
	fmt.Println("| decision | alerts | median, ms | 99th percentile, ms | most, ms |\n|---|---|---|---|---|")
	for _, kind := range []string{"motion", "line_crossing"} {
		var took []time.Duration
		for _, m := range messages {
			if m.Kind != kind {
				continue
			}
			at, ok := log.nearest(m.Device, m.Detected)
			if !ok {
				return fmt.Errorf("the picture of %s that alert %s names, of %s, was never sent", m.Device, m.ID, m.Detected)
			}
			took = append(took, m.arrived.Sub(at))
		}
		if len(took) == 0 {
			return fmt.Errorf("no alert of the kind %s came", kind)
		}
		slices.Sort(took)
		fmt.Printf("| %s | %d | %d | %d | %d |\n", strings.ReplaceAll(kind, "_", " "), len(took), percentile(took, 50).Milliseconds(),
			percentile(took, 99).Milliseconds(), took[len(took)-1].Milliseconds())
		note("%s: %v", kind, took)
	}
	fmt.Println()
	return nil
}

// percentile returns the nearest-rank percentile of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max((len(sorted)*p+99)/100-1, 0)]
}

// sentLog knows when each camera sent each picture.
type sentLog struct {
	mu sync.Mutex
	by map[string][]sent // guarded by mu
}

type sent struct{ named, at time.Time }

func (l *sentLog) add(camera string, named, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by[camera] = append(l.by[camera], sent{named, at})
}

// nearest returns when the picture of a moment by the camera's clock was sent, false if
// there is none within half the time between two.
func (l *sentLog) nearest(camera string, t time.Time) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.by[camera]) == 0 {
		return t, false
	}
	best := slices.MinFunc(l.by[camera], func(a, b sent) int { return cmp.Compare(a.named.Sub(t).Abs(), b.named.Sub(t).Abs()) })
	return best.at, best.named.Sub(t).Abs() <= time.Second/fps/2+time.Millisecond
}

// inbox keeps what a subscriber gets.
type inbox struct {
	mu   sync.Mutex
	all  []message // guarded by mu
	seen map[string]bool
}

type message struct {
	alertMessage
	arrived time.Time
}

func (in *inbox) subscribe(addr string) (paho.Client, error) {
	in.seen = map[string]bool{}
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("bench").SetProtocolVersion(4))
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return nil, fmt.Errorf("connect to the broker: %w", cmp.Or(t.Error(), errors.New("no answer")))
	}
	if t := client.Subscribe("sentrybox/v1/+/+/+/alert/#", 1, in.take); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return nil, fmt.Errorf("subscribe: %w", cmp.Or(t.Error(), errors.New("no answer")))
	}
	return client, nil
}

func (in *inbox) take(_ paho.Client, m paho.Message) {
	now := time.Now()
	a, ok := parseAlert(m.Payload())
	in.mu.Lock()
	defer in.mu.Unlock()
	if ok && !in.seen[a.ID] {
		in.seen[a.ID] = true
		in.all = append(in.all, message{a, now})
	}
}

// since returns the alerts that were decided after a moment.
func (in *inbox) since(t time.Time) []message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(in.all), func(m message) bool { return m.Detected.Before(t) })
}
