package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"sentrybox/gateway/alert"
	"sentrybox/gateway/broker"
	"sentrybox/gateway/config"
	"sentrybox/uplink/mqtt"
	"sentrybox/uplink/outbox"
)

// prefix stands before every topic of this gateway.
func (a *App) prefix() string {
	g := a.Config.Gateway
	return strings.Join([]string{a.Config.Uplink.Prefix, g.Street, g.Community, g.ID}, "/")
}

func (a *App) buildBroker() error {
	c := a.Config.Broker
	if c.Listen == "" {
		return nil
	}
	cfg := broker.Config{
		Listen: c.Listen, Clients: c.Clients, Prefix: a.prefix(), Handle: a.incoming, Log: a.Log.With("part", "broker"),
	}
	for _, root := range a.roots {
		cfg.Roots = append(cfg.Roots, root+"/#")
	}
	for _, u := range c.Users {
		cfg.Users = append(cfg.Users, user(u))
	}
	if c.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return fmt.Errorf("broker.tls: %w", err)
		}
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	}
	var err error
	a.local, err = broker.New(cfg)
	return err
}

func user(u config.BrokerUser) broker.User {
	return broker.User{
		Name: u.Name, Password: u.Password.Reveal(), Hash: u.Hash.Reveal(), Role: broker.Role(u.Role), Read: u.Read, Write: u.Write,
	}
}

// runBroker runs the local broker, which knows nothing at first.
func (a *App) runBroker(ctx context.Context) error {
	items, err := a.alerts.Open(ctx, time.Now())
	if err != nil && ctx.Err() == nil {
		a.Log.Error("the local broker does not know the open alerts", "error", err)
	}
	a.mirror(append(items, a.plansItem()))
	a.publishLocal("status", true, []byte(mqtt.StatusOnline))
	return a.local.Run(ctx)
}

// mirror publishes at the local broker what has been queued for the world
// outside.
func (a *App) mirror(items []outbox.Item) {
	if a.local == nil {
		return
	}
	for _, it := range items {
		payload := it.Payload
		if strings.HasPrefix(it.Topic, "alert/") {
			var err error
			if payload, err = alert.Render(payload, time.Now(), it.Lane != outbox.Alert); err != nil {
				a.Log.Error("an alert is not published at the local broker", "topic", it.Topic, "error", err)
				continue
			}
		}
		a.publishLocal(it.Topic, it.Retain, payload)
	}
}

func (a *App) publishLocal(topic string, retain bool, payload []byte) {
	if err := a.local.Publish(topic, retain, payload); err != nil {
		a.Log.Error("local broker", "error", err)
	}
}

// incoming takes a message from the local broker. It is acknowledged when
// incoming returns nil.
func (a *App) incoming(ctx context.Context, topic string, payload []byte) error {
	return a.take(ctx, topic, payload, true)
}
