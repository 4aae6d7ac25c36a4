package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// The payloads of the topic status.
const (
	StatusOnline  = `{"state":"online"}`
	StatusOffline = `{"state":"offline"}`
)

// dropTime is how long paho may take to notice that a connection is gone.
const dropTime = 5 * time.Second

// link is one connection, and the paho client that lives and dies with it.
type link struct {
	paho.Client
	target target
	conn   *conn
	gone   chan struct{} // closed when paho has lost the connection and settled every token
	why    error         // valid once gone is closed
}

// connect makes a link, or says why there is none. It returns only when nothing
// of a failed attempt is running any more.
func (c *Client) connect(ctx context.Context, t target) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Connect)
	defer cancel()
	l := &link{target: t, gone: make(chan struct{})}
	var dialErr error // more exact than what paho makes of it
	keep := func() bool { return true }
	opt := c.options(t)
	opt.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		if l.conn, dialErr = c.dial(ctx, t); dialErr != nil {
			return nil, dialErr
		}
		// A broker that does not answer must be left when ctx ends.
		keep = context.AfterFunc(ctx, func() { l.conn.abort(ctx.Err()) })
		return l.conn, nil
	})
	opt.SetConnectionLostHandler(func(_ paho.Client, err error) {
		l.why = err
		close(l.gone)
	})
	l.Client = paho.NewClient(opt)
	token := l.Connect()
	<-token.Done()
	kept := keep()
	err := token.Error()
	switch {
	case err == nil && kept:
		return l, nil
	case err == nil:
		err = ctx.Err()
		l.drop(err)
	case dialErr != nil:
		err = dialErr
	default:
		l.conn.abort(err)
	}
	return nil, fmt.Errorf("connect to %s: %w", t.name, err)
}

// drop ends a connected link without a word to the broker and waits until paho
// has settled every token.
func (l *link) drop(why error) {
	l.conn.abort(why)
	select {
	case <-l.gone:
	case <-time.After(dropTime): // not known to happen
		l.Disconnect(0)
	}
}

// reason returns why the connection was lost, nil if it was not.
func (l *link) reason() error {
	select {
	case <-l.gone:
		return l.why
	default:
		return nil
	}
}

// options are the ones under which paho's tokens tell the truth; see the
// package's documentation.
func (c *Client) options(t target) *paho.ClientOptions {
	timing := c.cfg.Timing
	opt := paho.NewClientOptions()
	opt.AddBroker("tcp://" + t.addr) // only a name: the connection is ours
	opt.SetClientID(c.cfg.ClientID)
	opt.SetUsername(t.username)
	opt.SetPassword(t.password)
	opt.SetProtocolVersion(4) // no falling back to 3.1
	opt.SetCleanSession(true)
	opt.SetAutoReconnect(false)
	opt.SetConnectRetry(false)
	opt.SetStore(paho.NewMemoryStore())
	opt.SetConnectTimeout(timing.Connect)
	opt.SetWriteTimeout(timing.Write)
	opt.SetKeepAlive(timing.KeepAlive)
	opt.SetPingTimeout(timing.Ping)
	// In order, since a duty room's "dispatch" and "handled" must not change
	// places, and since otherwise paho starts a goroutine for each message of a
	// flood. The handler does nothing but put it into a queue that drops.
	opt.SetOrderMatters(true)
	opt.SetDefaultPublishHandler(c.inbox.take)
	opt.SetBinaryWill(c.cfg.Prefix+"/status", []byte(StatusOffline), 1, true)
	return opt
}

// subscribe asks for every subscription, and returns nil if there is none.
func (c *Client) subscribe(l *link) *paho.SubscribeToken {
	filters := map[string]byte{}
	for _, s := range c.cfg.Subscriptions {
		filters[c.cfg.Prefix+"/"+s.Filter] = 1
	}
	if len(filters) == 0 {
		return nil
	}
	t, _ := l.SubscribeMultiple(filters, nil).(*paho.SubscribeToken)
	return t
}

// connectVerdict says what a failed connect means for the broker.
func connectVerdict(err error) verdict {
	if isRefusal(err) || isTLS(err) {
		return turnedDown
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && (op.Timeout() || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH)) {
		return unreached
	}
	return failed
}

// phaseOf returns the phase that people are told.
func phaseOf(v verdict, err error) Phase {
	switch {
	case v == turnedDown && isTLS(err):
		return BadTLS
	case v == turnedDown:
		return Refused
	default:
		return Offline
	}
}

// isRefusal reports whether a broker has said, by MQTT 3.1.1, table 3.1, that
// it does not want us as we are.
func isRefusal(err error) bool {
	return errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) ||
		errors.Is(err, packets.ErrorRefusedNotAuthorised) ||
		errors.Is(err, packets.ErrorRefusedIDRejected) ||
		errors.Is(err, packets.ErrorRefusedBadProtocolVersion)
}

// isTLS reports whether one side did not like the other's certificate or does
// not speak TLS. A line that broke in the handshake is none of these.
func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	return errors.Is(err, errPin) || errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &authority) ||
		errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.As(err, &op) && op.Op == "remote error" // an alert, such as "bad certificate"
}
