package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A broker can take what we publish and have lost what we subscribed to: NATS 2.9 forgets
// subscriptions of some clients when a node of its cluster dies, and answers pings all the while. Only a
// message that comes back by the subscription shows that it stands.

// errDeaf means that messages to ourselves no longer come back.
var errDeaf = errors.New("the broker has lost our subscriptions")

// echoName is the level that stands for + in a message to ourselves.
const echoName = "echo"

// echoBlame is how soon after its first echo a connection must end for the echo to be what the broker
// did not like: not every user may publish where it subscribes.
const echoBlame = time.Minute

// echo is what is known of one subscription, over all connections.
type echo struct {
	topic string    // relative to the prefix; empty for a filter that has no single +
	sent  time.Time // on this connection, zero if it is not under way
}

// echoes is what is known of echoes at one broker.
type echoes struct {
	works bool // one has come back
	never bool // the broker does not like them
}

func newEchoes(subs []Subscription) (all []echo) {
	for _, s := range subs {
		e := echo{}
		if strings.Count(s.Filter, "+") == 1 && !strings.Contains(s.Filter, "#") {
			e.topic = strings.Replace(s.Filter, "+", echoName, 1)
		}
		all = append(all, e)
	}
	return all
}

// echoed takes a message to ourselves, and says whether it is one.
func (in *inbox) echoed(topic string) bool {
	for i, s := range in.echo {
		if s.topic != "" && s.topic == topic {
			in.heard[i].Store(time.Now().UnixNano())
			return true
		}
	}
	return false
}

// hear sends messages to ourselves when it is time, and returns errDeaf if the last have not come back from a broker
// that gives them back.
func (s *session) hear(now time.Time) error {
	known := &s.echoes[s.target.index]
	if known.never || s.urgent > 0 || now.Before(s.echoAt) {
		return nil
	}
	missing, under := false, false
	for i := range s.echo {
		e := &s.echo[i]
		if e.sent.IsZero() {
			continue
		}
		if s.inbox.heard[i].Load() >= e.sent.UnixNano() {
			known.works, e.sent = true, time.Time{}
			continue
		}
		under = true
		missing = missing || now.Sub(e.sent) >= s.cfg.Timing.EchoWithin
	}
	switch {
	case missing && known.works:
		return fmt.Errorf("connection to %s: %w", s.target.name, errDeaf)
	case missing:
		known.never = true // it takes them and does not give them back
		return nil
	case under:
		s.echoAt = now.Add(time.Second)
		return nil
	case s.echoing:
		s.echoing, s.echoAt = false, now.Add(s.cfg.Timing.Echo)
		return nil
	}
	for i := range s.echo {
		if s.echo[i].topic == "" {
			continue
		}
		s.echo[i].sent, s.echoing = now, true
		s.publish(&flight{kind: echoFlight, sent: now}, s.echo[i].topic, false, []byte("{}"))
	}
	s.echoAt = now.Add(min(time.Second, s.cfg.Timing.EchoWithin/4))
	return nil
}

// blame notes, at a connection's end, that the broker may not like echoes.
func (s *session) blame(now time.Time) {
	known := &s.echoes[s.target.index]
	for _, e := range s.echo {
		if !known.works && !e.sent.IsZero() && now.Sub(e.sent) < echoBlame {
			known.never = true
		}
	}
}
