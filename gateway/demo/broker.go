package demo

import (
	"fmt"
	"log/slog"
	"net"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	ids "sentrybox/gateway/broker"
)

// broker is an MQTT broker on loopback, for this machine alone, and therefore
// without users.
type broker struct {
	*mochi.Server
	addr string // host:port
}

func startBroker() (*broker, error) {
	// Its log tells of each client that hangs up.
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	l := listeners.NewTCP(listeners.Config{ID: "loopback", Address: "127.0.0.1:0"})
	for _, h := range []mochi.Hook{new(auth.AllowHook), ids.NewPacketIDs()} {
		if err := s.AddHook(h, nil); err != nil {
			return nil, fmt.Errorf("set the broker up: %w", err)
		}
	}
	if err := s.AddListener(l); err != nil {
		return nil, fmt.Errorf("set the broker up: %w", err)
	}
	if err := s.Serve(); err != nil {
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	return &broker{Server: s, addr: l.Address()}, nil
}

// stop ends the broker. The demo is over: how is of no interest.
func (b *broker) stop() { _ = b.Close() }

func (b *broker) hostPort() (host, port string) {
	host, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		return b.addr, ""
	}
	return host, port
}
