package mqtt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// visit is a second, short connection to a broker, under a name of its own, so
// that the one that carries the outbox is left alone even where both lead to the
// same broker.
type visit struct {
	*conn
	stop func() bool
}

// visit connects. ctx bounds all of the visit.
func (c *Client) visit(ctx context.Context, t target, role string) (*visit, error) {
	dctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Connect)
	defer cancel()
	cn, err := c.dial(dctx, t)
	if err != nil {
		return nil, err
	}
	v := &visit{cn, context.AfterFunc(ctx, func() { cn.abort(ctx.Err()) })}
	p, _ := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	p.ProtocolName, p.ProtocolVersion, p.CleanSession, p.Keepalive = "MQTT", 4, true, 60
	p.ClientIdentifier = c.cfg.ClientID + role
	p.UsernameFlag, p.Username = t.username != "", t.username
	p.PasswordFlag, p.Password = t.password != "", []byte(t.password)
	if err := p.Write(v); err != nil {
		v.leave()
		return nil, err
	}
	answer, err := v.next(c.cfg.Timing.Connect)
	if err == nil {
		if ack, ok := answer.(*packets.ConnackPacket); !ok {
			err = errProtocol
		} else if ack.ReturnCode != packets.Accepted {
			err = packets.ConnErrors[ack.ReturnCode]
		}
	}
	if err != nil {
		v.leave()
		return nil, err
	}
	return v, nil
}

func (v *visit) next(within time.Duration) (packets.ControlPacket, error) {
	if err := v.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	return packets.ReadPacket(v)
}

// leave ends the visit.
func (v *visit) leave() {
	if v.stop() {
		_, _ = v.Write([]byte{packets.Disconnect << 4, 0})
	}
	v.abort(errAborted)
}

// answers returns nil once the broker has answered without a gap for so long.
func (c *Client) answers(ctx context.Context, t target, hold time.Duration) error {
	v, err := c.visit(ctx, t, "-check")
	if err != nil {
		return err
	}
	defer v.leave()
	for until := time.Now().Add(hold); time.Now().Before(until); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(c.cfg.Timing.Check, time.Until(until))):
		}
		if err := v.ping(); err != nil {
			return err
		}
		if _, err := v.next(c.cfg.Timing.Suspect); err != nil {
			return err
		}
	}
	return nil
}

// sweep tells Config.Sweep what the broker keeps below Config.Swept. QoS 0, for
// the question is asked again on the next occasion. Nothing marks the end of what
// is kept: brokers answer a ping before it or behind it. The end is when the
// broker has been quiet for Timing.Ping.
func (c *Client) sweep(ctx context.Context, t target) error {
	v, err := c.visit(ctx, t, "-sweep")
	if err != nil {
		return err
	}
	defer v.leave()
	p, _ := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID, p.Topics, p.Qoss = 1, []string{c.cfg.Prefix + "/" + c.cfg.Swept}, []byte{0}
	if err := p.Write(v); err != nil {
		return err
	}
	for granted := false; ; {
		got, err := v.next(c.cfg.Timing.Ping)
		if granted && errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		switch got := got.(type) {
		case *packets.PublishPacket:
			if topic, ok := strings.CutPrefix(got.TopicName, c.cfg.Prefix+"/"); ok && got.Retain && len(got.Payload) > 0 {
				c.cfg.Sweep(ctx, topic)
			}
		case *packets.SubackPacket:
			if len(got.ReturnCodes) == 1 && got.ReturnCodes[0] > 2 {
				return fmt.Errorf("the broker refuses a subscription to %s", c.cfg.Swept)
			}
			granted = true
		}
	}
}

// failback remembers how long each broker has to answer before it is gone back
// to.
type failback struct {
	mu   sync.Mutex
	hold map[int]time.Duration // guarded by mu
	to   int                   // guarded by mu: the broker that was gone back to, -1 if none
}

// reset is how many holds a broker has to last that was gone back to, for the
// next hold to be the shortest again.
const reset = 20

func (f *failback) of(i int, t Timing) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.hold[i], t.Hold)
}

func (f *failback) went(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = i
}

// ended notes that a connection to broker i has ended after it had lived so long.
func (f *failback) ended(i int, lived time.Duration, t Timing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.to != i {
		return
	}
	f.to = -1
	hold := max(f.hold[i], t.Hold)
	if lived < reset*hold {
		f.hold[i] = min(2*hold, t.HoldMax)
	} else {
		delete(f.hold, i)
	}
}

// watch looks at the brokers that are preferred to the one at i, the most
// preferred first, and returns the first that has answered long enough, or false
// when ctx ends.
func (c *Client) watch(ctx context.Context, i int) (int, bool) {
	wait := c.cfg.Timing.Probe
	for {
		for j := range i {
			select {
			case <-ctx.Done():
				return 0, false
			case <-time.After(wait):
			}
			err := c.answers(ctx, c.targets[j], c.failback.of(j, c.cfg.Timing))
			if err == nil {
				return j, true
			}
			c.cfg.Log.Debug("a preferred broker does not answer yet", "broker", c.targets[j].name, "err", err)
			if connectVerdict(err) == turnedDown {
				wait = max(wait, c.cfg.Timing.Refused)
			}
		}
		wait = min(2*wait, max(c.cfg.Timing.Refused, c.cfg.Timing.Probe))
	}
}
