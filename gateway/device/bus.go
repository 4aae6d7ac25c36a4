package device

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"

	"sentrybox/drivers/driver"
)

const (
	retryFirst = time.Second
	retryMost  = time.Minute
	awayAfter  = 5 * time.Second // a port that is back by then was only shaken
)

// Bus is a driver and the sensors that it hears: a port, a network, a server.
type Bus struct {
	ID, Name string
	Driver   driver.Driver
	// Make makes the driver where Driver is nil, once an older one of the bus has ended. Plan
	// is all that it is made of: a bus whose Plan is deeply equal keeps the driver that it has.
	Make func() driver.Driver
	Plan any
}

// same says whether the bus has the same driver as another.
func (b Bus) same(as Bus) bool {
	if b.Make == nil || as.Make == nil {
		return b.Driver == as.Driver
	}
	return reflect.DeepEqual(b.Plan, as.Plan)
}

// bus is a Bus as it is now. What stands after the Hub is guarded by its mu.
type bus struct {
	Bus
	hub *Hub

	sensors []*sensor
	gone    bool
	reason  string
	status  driver.State
	since   time.Time        // when it went away, or came back
	unknown uint64           // messages of senders that are no sensor of ours
	others  driver.Strangers // those senders
	told    State
	away    *alarm

	stop context.CancelFunc // of run, as done; guarded by the Hub's applying; nil while it does not run
	done chan struct{}
}

func newBus(h *Hub, b Bus) *bus {
	if b.Driver == nil {
		b.Driver = b.Make()
	}
	return &bus{Bus: b, hub: h, away: &alarm{Rule: Rule{ID: "unplugged/" + b.ID, Sensor: b.ID, Kind: Unplugged, Severity: 2, Closes: true}}}
}

// start runs the bus until ctx ends or halt is called.
func (b *bus) start(ctx context.Context) {
	ctx, b.stop = context.WithCancel(ctx)
	done := make(chan struct{})
	b.done = done
	go func() {
		defer close(done)
		b.run(ctx)
	}()
}

// halt ends what start began, if it has.
func (b *bus) halt() {
	if b.stop != nil {
		b.stop()
		<-b.done
		b.stop = nil
	}
}

// run runs the driver until ctx ends, again and again if it fails.
func (b *bus) run(ctx context.Context) {
	log := b.hub.Log.With("bus", b.ID)
	for wait := retryFirst; ; {
		begun := time.Now()
		err := b.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, driver.ErrPermanent) || errors.Is(err, driver.ErrSkipped) || errors.Is(err, driver.ErrHalted) {
			log.Error("a bus does not work until the configuration or the machine is changed", "error", err)
			<-ctx.Done()
			return
		}
		if time.Since(begun) > retryMost {
			wait = retryFirst
		}
		log.Error("a bus has ended, trying again", "error", err, "after", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// once runs the driver once. A driver that panics ends, as one that fails does.
func (b *bus) once(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return b.Driver.Run(ctx, b.emit)
}

// durableWithin is how long a driver waits until what its message raised is durable.
const durableWithin = time.Second

// emit takes a message of the driver. Drivers of radios note afterwards that they have heard
// it: by then the alarm that it raised is durable, so that a kill does not lose it.
func (b *bus) emit(m driver.Message) {
	before := b.hub.deliver.Mark()
	b.hand(m)
	if after := b.hub.deliver.Mark(); after > before {
		b.hub.deliver.Wait(after, durableWithin)
	}
}

func (b *bus) hand(m driver.Message) {
	b.hub.mu.Lock()
	var mine []*sensor
	for _, s := range b.sensors {
		if s.Device == m.Device {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		b.unknown++
		b.others.Add(m)
	}
	b.hub.mu.Unlock()
	heard := Heard{At: time.Now(), Bus: b.ID, Message: m}
	for _, s := range mine {
		out := Message{RSSI: m.RSSI, SNR: m.SNR}
		if s.Decode != nil {
			out.Values, out.Err = decode(s.Decode, m)
		}
		b.hub.Take(s.ID, out)
		heard.Read = append(heard.Read, Read{s.ID, out.Values, out.Err})
	}
	b.hub.show(heard)
}

// decode makes an error of a panic: one message costs one message.
func decode(d Decoder, m driver.Message) (values []Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			values, err = nil, fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	return d(m)
}

// look brings the state of the bus up to date. It is called with the Hub's mu held.
func (b *bus) look(now time.Time) {
	b.status = b.Driver.State()
	gone := b.status.Phase == driver.Unplugged || b.status.Phase == driver.Failed || b.status.Phase == driver.Skipped
	b.reason = b.status.Reason
	if gone != b.gone {
		b.gone, b.since = gone, now
		if !gone {
			for _, s := range b.sensors { // they get their time to be heard again
				if s.Silent > 0 {
					s.deadline = now.Add(s.Silent)
				}
			}
		}
	}
	if !gone || now.Sub(b.since) >= awayAfter {
		b.hub.set(b.away, gone, now)
	}
	st := b.state()
	if st.Phase != b.told.Phase || st.Reason != b.told.Reason {
		b.told = st
		if b.hub.OnState != nil {
			b.hub.OnState(st)
		}
	}
}

// device says what is wrong with a device, by the driver: nothing is wrong if the phase is
// empty.
func (b *bus) device(id string) (Phase, string) {
	switch d := b.status.Devices[id]; d.Phase {
	case driver.Silent:
		return Silent, d.Reason
	case driver.Failed:
		return Faulty, d.Reason
	}
	return "", ""
}

// state is called with the Hub's mu held.
func (b *bus) state() State {
	s := State{ID: b.ID, Type: "bus", Name: b.Name, Reason: b.reason, Since: b.status.Since, Heard: b.status.Heard}
	switch b.status.Phase {
	case driver.Online:
		s.Phase = Online
	case driver.Silent:
		switch s.Phase = Silent; {
		case len(b.sensors) == 0: // there is nobody yet to be heard
			s.Phase, s.Reason = Waiting, ""
		case b.status.Heard.IsZero() && len(b.status.Devices) == 0: // it listens, and nobody has refused an answer
			s.Phase = Waiting
		}
	case driver.Failed, driver.Skipped:
		s.Phase = Faulty
	case driver.Unplugged:
		s.Phase = Away
	default:
		s.Phase, s.Reason = Waiting, ""
	}
	return s
}
