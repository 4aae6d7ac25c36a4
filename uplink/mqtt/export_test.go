package mqtt

import (
	"context"
	"net"
)

// ReachBy has the client connect to a broker's host:port by f instead of by TCP.
func (c *Client) ReachBy(f func(ctx context.Context, addr string) (net.Conn, error)) {
	c.reach = func(ctx context.Context, t target, _ Timing) (net.Conn, error) { return f(ctx, t.addr) }
}
