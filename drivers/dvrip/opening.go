package dvrip

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"sentrybox/drivers/media"
)

// opening is how far a session with the device is. Vdk's client gives up what is not
// answered within 5 s, so the relay says yes to it at once, and keeps back what it asks next
// until the device has said so too.
type opening struct {
	device net.Conn

	mu      sync.Mutex    // guards writes to device, and what follows
	reached step          //
	since   time.Time     // when it was
	held    []Message     // requests that wait for the next step, in their order
	session uint32        // as the device calls it
	alive   time.Duration // between keep-alives
	beat    time.Time     // of the last one
}

// step is one of a session's beginning.
type step int

const (
	asked   step = iota // the login
	within              // logged in, and asked for video
	granted             // the device has agreed to that
)

// clientSession is what the client calls the session.
const clientSession = 1

// after sends a request of the client's in the device's session, once that has come so far.
func (o *opening) after(least step, m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reached < least {
		o.held = append(o.held, m) // a claim and a start
		return nil
	}
	return o.send(m)
}

// come says that the session has come to a step, and sends what has waited for that.
func (o *opening) come(to step) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reached >= to {
		return nil
	}
	o.reached, o.since = to, time.Now()
	for len(o.held) > 0 && (o.held[0].ID == IDClaim || to == granted) {
		m := o.held[0]
		o.held = o.held[1:]
		if err := o.send(m); err != nil {
			return err
		}
	}
	return nil
}

// enter is come for the login's answer: the session's number, and the interval of its keep-alives.
func (o *opening) enter(session uint32, alive time.Duration) error {
	o.mu.Lock()
	if o.reached == asked {
		o.session, o.alive, o.beat = session, alive, time.Now()
	}
	o.mu.Unlock()
	return o.come(within)
}

// keepAlive passes a keep-alive of the client's on when the device is to have one: the client's
// come as often as it is woken.
func (o *opening) keepAlive(m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); o.reached >= within && now.Sub(o.beat) > o.alive-wake {
		o.beat = now
		return o.send(m)
	}
	return nil
}

// errNoRequest is a body that no client of ours has made.
var errNoRequest = errors.New("a request that is not ours")

// send sends a message with the device's number of the session, in its header and in its
// body. It is called with mu held.
func (o *opening) send(m Message) error {
	var err error
	switch m.ID {
	case IDClaim, IDStart:
		var req monitor
		err = unmarshal(m.Body, &req)
		req.SessionID = o.id()
		m.Body = JSON(req)
	case IDKeepAlive:
		m.Body = JSON(struct{ Name, SessionID string }{"KeepAlive", o.id()})
	}
	if err != nil {
		return errNoRequest
	}
	m.Session = o.session
	_ = o.device.SetWriteDeadline(time.Now().Add(clientWait))
	_, err = o.device.Write(m.Append(nil))
	return err
}

func (o *opening) id() string { return fmt.Sprintf("0x%08X", o.session) }

// overdue says that the device has not answered the request for video within limit. The login's
// answer is the Source's to wait for.
func (o *opening) overdue(limit time.Duration) *Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if limit <= 0 || o.reached != within || time.Since(o.since) < limit {
		return nil
	}
	return failed(media.Stalled, "no answer to the request for video within %v", limit)
}
