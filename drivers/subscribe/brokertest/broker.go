// Package brokertest has an MQTT broker for tests and simulators.
package brokertest

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// Broker is a broker on this machine. Set the fields, then call Start.
type Broker struct {
	// Address is where it listens; a free port of the loopback interface if empty,
	// and after Stop the same again.
	Address string
	// User and Password are asked for unless User is empty.
	User, Password string
	// TLS is for mqtts; nil for none.
	TLS *tls.Config

	server *mochi.Server
}

// Start starts it. Sessions and retained messages are new.
func (b *Broker) Start() error {
	if b.Address == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		b.Address = l.Addr().String()
		if err := l.Close(); err != nil {
			return err
		}
	}
	s := mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	ledger := auth.Ledger{Auth: auth.AuthRules{{Allow: b.User == ""}}, ACL: auth.ACLRules{{Filters: auth.Filters{"#": auth.ReadWrite}}}}
	if b.User != "" {
		ledger.Auth = auth.AuthRules{{Username: auth.RString(b.User), Password: auth.RString(b.Password), Allow: true}}
	}
	if err := s.AddHook(new(auth.Hook), &auth.Options{Ledger: &ledger}); err != nil {
		return err
	}
	if err := s.AddListener(listeners.NewTCP(listeners.Config{ID: "test", Address: b.Address, TLSConfig: b.TLS})); err != nil {
		return err
	}
	if err := s.Serve(); err != nil {
		return err
	}
	b.server = s
	return nil
}

// URL is the broker's.
func (b *Broker) URL() string {
	if b.TLS != nil {
		return "mqtts://" + b.Address
	}
	return "mqtt://" + b.Address
}

// Publish publishes with QoS 1.
func (b *Broker) Publish(topic string, payload []byte, retain bool) error {
	return b.server.Publish(topic, payload, retain, 1)
}

// Stop stops it, and everybody is thrown out.
func (b *Broker) Stop() error {
	if b.server == nil {
		return nil
	}
	err := b.server.Close()
	b.server = nil
	return err
}
