package broker

import (
	"math"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// packetIDs keeps the packet identifiers of a client apart from those that mochi gives what it sends to it. MQTT
// 3.1.1, 2.3.1 has them independent of each other. mochi v2.7.9 does not: it refuses a SUBSCRIBE or an UNSUBSCRIBE
// whose identifier is also that of a message under way to the client, and forgets such a message when the client
// publishes one. So what a client asks has, within mochi, an identifier that hardly any message gets. QoS 2 is
// left as it is: its identifiers are looked up again.
type packetIDs struct {
	mochi.HookBase
	asked sync.Map // *mochi.Client to the uint16 of what it asks now
}

// aside is the last identifier that mochi comes to.
const aside = math.MaxUint16

// NewPacketIDs returns a hook for a mochi server, to be added once.
func NewPacketIDs() mochi.Hook { return &packetIDs{} }

// ID is part of mochi's Hook.
func (p *packetIDs) ID() string { return "packet-ids" }

// Provides is part of mochi's Hook.
func (p *packetIDs) Provides(b byte) bool {
	return b == mochi.OnPacketRead || b == mochi.OnPacketEncode || b == mochi.OnDisconnect
}

// OnPacketRead puts an identifier aside. A client's packets are dealt with one after the other.
func (p *packetIDs) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	switch pk.FixedHeader.Type {
	case packets.Publish:
		if pk.FixedHeader.Qos != 1 {
			return pk, nil
		}
	case packets.Subscribe, packets.Unsubscribe:
	default:
		return pk, nil
	}
	if pk.PacketID == 0 { // which is refused
		return pk, nil
	}
	p.asked.Store(cl, pk.PacketID)
	pk.PacketID = aside
	return pk, nil
}

// OnPacketEncode gives the answer the identifier that the client knows.
func (p *packetIDs) OnPacketEncode(cl *mochi.Client, pk packets.Packet) packets.Packet {
	switch pk.FixedHeader.Type {
	case packets.Puback, packets.Suback, packets.Unsuback:
		if id, ok := p.asked.Load(cl); ok && pk.PacketID == aside {
			pk.PacketID, _ = id.(uint16)
		}
	}
	return pk
}

// OnDisconnect forgets a client.
func (p *packetIDs) OnDisconnect(cl *mochi.Client, _ error, _ bool) { p.asked.Delete(cl) }
