package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"sentrybox/gateway/config"
	"sentrybox/gateway/duty"
	"sentrybox/gateway/password"
)

// console is the duty room's page, with a password for this run.
type console struct {
	*duty.Console
	password string
}

func (d *Demo) console(data, broker string) (*console, error) {
	secret := rand.Text()[:10]
	doc := fmt.Sprintf(`
name: 演示值班室
data: %q
listen: %q
brokers: [{url: "mqtt://%s"}]
users: [{name: duty, role: supervisor, hash: "${HASH}"}]
people: [王阿姨, 李叔]
`, filepath.Join(data, "duty"), listenAt("127.0.0.1:8090"), broker)
	hash := password.New(secret)
	env := func(name string) (string, bool) { return hash, name == "HASH" }
	cfg, err := config.ParseDuty(filepath.Join(data, "duty.yaml"), []byte(doc), env)
	if err != nil {
		return nil, err
	}
	return &console{&duty.Console{Config: cfg, Log: d.Log.With("part", "duty")}, secret}, nil
}

// run runs the page. The demo goes on without it.
func (c *console) run(ctx context.Context) error {
	if err := c.Run(ctx); err != nil && !errors.Is(err, ctx.Err()) {
		c.Log.Error("no page for the duty room", "error", err)
	}
	<-ctx.Done()
	return nil
}

// listenAt returns the address if nobody listens there, else one that is free.
func listenAt(address string) string {
	for _, a := range []string{address, "127.0.0.1:0"} {
		l, err := net.Listen("tcp", a)
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	return address
}
