package broker

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// handleWithin bounds the time until a message has been handled.
const handleWithin = 10 * time.Second

// hook is our rules in mochi's terms.
type hook struct {
	mochi.HookBase
	broker *Broker
	ctx    atomic.Pointer[context.Context]

	refused, received, dropped atomic.Uint64

	retaining retaining

	mu       sync.Mutex
	rights   map[*mochi.Client]*rights // guarded by mu
	retained map[string]struct{}       // guarded by mu: topics that clients retain something on
	logged   time.Time                 // guarded by mu
}

// ID is part of mochi's Hook.
func (h *hook) ID() string { return "sentrybox" }

// Provides is part of mochi's Hook.
func (h *hook) Provides(b byte) bool {
	return bytes.Contains([]byte{
		mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnDisconnect, mochi.OnPublish,
		mochi.OnRetainMessage, mochi.OnPublishDropped, mochi.OnPacketSent, mochi.OnPacketProcessed,
	}, []byte{b})
}

// OnConnectAuthenticate lets a client in or not.
func (h *hook) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	user, addr := string(pk.Connect.Username), cl.Net.Conn.RemoteAddr()
	r, ok := (*rights)(nil), false
	if !h.broker.failures.blocked(addr) { // it may have become so since it connected
		if r, ok = h.broker.users.signIn(user, string(pk.Connect.Password), pk.Connect.PasswordFlag); !ok {
			h.broker.failures.add(addr)
		}
	}
	if !ok || !h.fits(cl, pk, r) {
		h.refused.Add(1)
		h.complain(user, addr.String())
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rights[cl] = r
	return true
}

// fits reports whether a client that has the right password may be let in as it
// is. mochi asks nobody before it sends a last will, and lets anybody take over a
// session by its name, even its own.
func (h *hook) fits(cl *mochi.Client, pk packets.Packet, r *rights) bool {
	if pk.Connect.WillFlag && (!r.may(pk.Connect.WillTopic, true) || bytes.ContainsAny([]byte(pk.Connect.WillTopic), "+#\x00")) {
		return false
	}
	if cl.ID == mochi.InlineClientId {
		return false
	}
	server := h.broker.server
	if old, there := server.Clients.Get(cl.ID); there {
		return bytes.Equal(old.Properties.Username, cl.Properties.Username)
	}
	return server.Clients.Len() < 4*h.broker.cfg.Clients // sessions that nobody uses count too
}

// complain logs a refused client, one a second at most.
func (h *hook) complain(user, addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.logged) > time.Second {
		h.logged = now
		h.broker.cfg.Log.Warn("the local broker refuses a client", "user", shorten(user), "address", addr)
	}
}

func shorten(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return s
}

// OnDisconnect forgets a client.
func (h *hook) OnDisconnect(cl *mochi.Client, _ error, _ bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.rights, cl)
}

// OnACLCheck says whether a client may read or write a topic or a filter.
func (h *hook) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	if cl.Net.Inline {
		return true
	}
	h.mu.Lock()
	r := h.rights[cl]
	h.mu.Unlock()
	if r == nil {
		// A session without a connection: what it subscribed to was checked, and it
		// will be checked again when it is sent.
		return !write
	}
	return r.may(topic, write)
}

// OnPublish hands a client's message to the gateway before it is acknowledged.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		h.retaining.begin(cl, pk)
		return pk, nil
	}
	h.received.Add(1)
	if !h.OnACLCheck(cl, pk.TopicName, true) {
		return pk, packets.ErrRejectPacket
	}
	topic, ok := h.broker.relative(pk.TopicName)
	if !ok || h.broker.cfg.Handle == nil {
		h.retaining.begin(cl, pk)
		return pk, nil
	}
	if slices.ContainsFunc([]string{"ack/+", "cmd/+"}, func(f string) bool { return covers(f, topic) }) {
		pk.FixedHeader.Retain = false // it would be carried out again for whoever subscribes
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if p := h.ctx.Load(); p != nil {
		ctx, cancel = context.WithTimeout(*p, handleWithin)
	}
	defer cancel()
	if err := h.broker.cfg.Handle(ctx, topic, bytes.Clone(pk.Payload)); err != nil {
		h.broker.cfg.Log.Error("a message to the local broker could not be kept", "topic", topic, "error", err)
		return pk, packets.ErrRejectPacket
	}
	h.retaining.begin(cl, pk)
	return pk, nil
}

// OnRetainMessage takes back what a client may not keep at the broker. It is
// called after the message was retained, last wills included.
func (h *hook) OnRetainMessage(cl *mochi.Client, pk packets.Packet, _ int64) {
	defer h.retaining.end(cl)
	if cl.Net.Inline {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(pk.Payload) == 0 {
		delete(h.retained, pk.TopicName)
		return
	}
	_, old := h.retained[pk.TopicName]
	if len(pk.Payload) <= maxRetainedAt && (old || len(h.retained) < maxRetained) {
		h.retained[pk.TopicName] = struct{}{}
		return
	}
	h.dropped.Add(1)
	delete(h.retained, pk.TopicName)
	pk.Payload = nil
	h.broker.server.Topics.RetainMessage(pk)
}

// OnPublishDropped counts what a slow client did not get.
func (h *hook) OnPublishDropped(_ *mochi.Client, _ packets.Packet) { h.dropped.Add(1) }
