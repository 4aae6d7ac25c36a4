package mqtt

import (
	"context"
	"net"
)

// Open connects to a broker for a client that is not a Client, such as one that mostly
// listens: the connection for paho's SetCustomOpenConnectionFn. Nothing arrives on it but
// whole packets that a broker may send, of payloads of at most longest bytes: a longer message
// is acknowledged and dropped. Each write is one whole packet and has a deadline of its own.
func Open(ctx context.Context, b Broker, longest int) (net.Conn, error) {
	t, err := newTarget(b)
	if err != nil {
		return nil, err
	}
	timing := Timing{}.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, timing.Connect)
	defer cancel()
	tcp, err := reach(ctx, t, timing)
	if err != nil {
		return nil, err
	}
	c, err := newConn(ctx, tcp, t, timing, new(counters))
	if err != nil {
		return nil, err
	}
	c.longest = longest
	return c, nil
}

// Credentials returns user and password, be they in the URL or beside it.
func (b Broker) Credentials() (user, password string, err error) {
	t, err := newTarget(b)
	return t.username, t.password, err
}
