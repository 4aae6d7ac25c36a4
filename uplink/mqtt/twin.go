package mqtt

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Contest says whether somebody else pushes us off a broker, again and again. A broker of MQTT 3.1.1
// that gets a second client with our id just closes our connection (3.1.4, [MQTT-3.1.4-2]); only MQTT 5
// has a word for it (reason code 0x8E).
type Contest int

// The kinds of contest.
const (
	Uncontested Contest = iota
	// Cut means that the broker ends each connection soon after it has taken it. It may be a client with
	// our id, or a rule of the broker's.
	Cut
	// Twin means that another gateway with our id was heard of at this broker while we were not connected.
	Twin
)

// String returns the contest in lower case, and nothing of Uncontested.
func (c Contest) String() string { return [...]string{"", "cut", "twin"}[c] }

const (
	cutsSuspect = 3 // connections that ended so, one after the other, before it is looked into
	cutsSure    = 6 // before it is told although nobody was seen
	// It is looked again for who does it after twice as many cuts, and after mostCuts at the latest.
	mostCuts = 30
	// twinWithin is how long it takes another gateway to say once more that it is there.
	twinWithin = statusAgain + 2*time.Second
)

// contest is what is known of one broker. Of Run alone.
type contest struct {
	cuts int
	look int // how many there are when it is looked next for who does it
	is   Contest
}

// cut reports whether the broker, or something on the way, has closed a connection: not silence, and
// not we ourselves.
func cut(err error) bool {
	return errors.Is(err, errDismissed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// contested takes the end of a connection to broker i into account.
func (c *Client) contested(ctx context.Context, i int, e ending) {
	k := &c.contests[i]
	if e.err == nil || e.lived >= c.cfg.Timing.Cut || !cut(e.err) {
		k.cuts, k.look = 0, 0
		return
	}
	if k.cuts++; k.cuts < cutsSuspect {
		return
	}
	found := k.is
	look := found != Twin && k.cuts >= k.look
	if look {
		k.look = k.cuts + min(k.cuts, mostCuts)
	}
	if errors.Is(e.err, errTakenOver) || look && c.twinAt(ctx, c.targets[i]) {
		found = Twin
	} else if found == Uncontested && k.cuts >= cutsSure {
		found = Cut
	}
	if ctx.Err() != nil || found == k.is {
		return
	}
	k.is = found
	if found == Twin {
		c.cfg.Log.Error("mqtt: another gateway with this one's id is connected to the broker; each pushes the other off, give each an id of its own",
			"broker", c.targets[i].name, "prefix", c.cfg.Prefix)
	} else {
		c.cfg.Log.Error("mqtt: the broker ends every connection soon after it has begun; perhaps another gateway has this one's id, or the broker forbids a topic",
			"broker", c.targets[i].name, "prefix", c.cfg.Prefix)
	}
	c.setState(c.state)
}

// uncontest ends a contest over the broker that is connected for so long.
func (s *session) uncontest(now time.Time) {
	k := &s.contests[s.target.index]
	if k.is != Uncontested && now.Sub(s.began) >= s.cfg.Timing.Calm {
		*k = contest{}
		s.setState(s.state)
	}
}

// twinAt reports whether somebody says, as our gateway, that it is online while we are not connected.
// What the broker has kept does not count: that may be ours.
func (c *Client) twinAt(ctx context.Context, t target) bool {
	var random [3]byte
	_, _ = rand.Read(random[:]) // does not fail
	v, err := c.visit(ctx, t, "-twin"+hex.EncodeToString(random[:]))
	if err != nil {
		return false
	}
	defer v.leave()
	p, _ := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	topic := c.cfg.Prefix + "/status"
	p.MessageID, p.Topics, p.Qoss = 1, []string{topic}, []byte{0}
	if err := p.Write(v); err != nil {
		return false
	}
	for end := time.Now().Add(twinWithin); ; {
		got, err := v.next(time.Until(end))
		if err != nil {
			return false
		}
		if m, ok := got.(*packets.PublishPacket); ok && m.TopicName == topic && !m.Retain && string(m.Payload) == StatusOnline {
			return true
		}
	}
}
