package dvrip

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"sentrybox/drivers/media"
	"sentrybox/sandbox"
)

const (
	// wake is how often vdk's client is given something to look at.
	wake = time.Second
	// keepAlive is the interval between keep-alives for devices that name none or a
	// strange one, in seconds; most say 20 or 21.
	keepAlive = 20
	// clientWait is how long a write to the client may take.
	clientWait = 5 * time.Second
)

// relay stands between vdk's client and a device. What the client asks is answered in the
// device's place, put right, and passed on when the device is ready for it; of what the
// device says, out gets the pictures.
type relay struct {
	order   order
	device  net.Conn
	client  net.Conn
	asked   *bufio.Reader // of client
	out     io.Writer
	token   string // the client's password here
	sandbox sandbox.Report

	framer   framer
	pictures pictures

	opening opening

	mu      sync.Mutex  // guards writes to client
	claimed atomic.Bool // the client has no more answers to wait for
}

// run passes messages both ways until either side has ended, and says why. The
// client has ended when ended is closed.
func (r *relay) run(ended <-chan struct{}) *Error {
	r.opening.device = r.device
	up, down := make(chan *Error, 1), make(chan *Error, 1)
	var both sync.WaitGroup
	both.Go(func() { up <- r.upstream() })
	both.Go(func() { down <- r.downstream() })
	fail := r.wait(ended, up, down)
	_ = r.client.Close()
	_ = r.device.Close()
	both.Wait()
	return fail
}

func (r *relay) wait(ended <-chan struct{}, up, down <-chan *Error) *Error {
	tick := time.NewTicker(wake)
	defer tick.Stop()
	for {
		var fail *Error
		select {
		case fail = <-down:
			return fail
		case fail = <-up:
		case <-ended:
			fail = failed(media.Unreachable, "the session was given up: the device does not answer")
		case <-tick.C:
			if fail := r.opening.overdue(r.order.Timeout); fail != nil {
				return fail
			}
			if !r.claimed.Load() {
				continue // it would take this for the answer that it waits for
			}
			// An empty frame of information: vdk's client passes it over, and looks at
			// the clock for its next keep-alive. An error shows in upstream.
			_ = r.tell(Message{ID: IDMedia, Body: []byte{0, 0, 1, kindInfo, 0, 0, 0, 0}})
			continue
		}
		// The client may have hung up over something that downstream knows better.
		_ = r.device.SetReadDeadline(time.Now())
		if better := <-down; better.Phase != media.Stalled {
			return better
		}
		return fail
	}
}

// tell sends the client a message, in one piece: it takes the first part of a
// header for all of it.
func (r *relay) tell(m Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.client.SetWriteDeadline(time.Now().Add(clientWait))
	_, err := r.client.Write(m.Append(nil))
	return err
}

// upstream passes the client's messages on.
func (r *relay) upstream() *Error {
	for {
		m, err := ReadMessage(r.asked)
		if err != nil {
			return failed(media.Unreachable, "the session was given up: no answer from the device")
		}
		switch m.ID {
		case IDLogin:
			err = r.login(m)
		case IDClaim:
			if err = r.claim(m); err == nil {
				err = r.yes(m, answer{})
				r.claimed.Store(true)
			}
		case IDStart:
			if m.Body, err = r.channel(m.Body); err == nil {
				err = r.opening.after(granted, m)
			}
		case IDKeepAlive:
			err = r.opening.keepAlive(m)
		case IDSetTime:
			err = r.yes(m, answer{Name: "OPTimeSetting"})
		default:
			err = fmt.Errorf("message %d", m.ID)
		}
		var network net.Error
		switch {
		case errors.Is(err, errClient):
			return failed(media.Unreachable, "%v", err)
		case errors.As(err, &network):
			return failed(media.Unreachable, "the device closed the connection")
		case err != nil:
			return failed(media.Unreachable, "the client asks for what it must not: %v", err)
		}
	}
}

// errClient is a client that takes nothing any more.
var errClient = errors.New("the session was given up")

// yes answers a request of the client's in the device's place.
func (r *relay) yes(m Message, a answer) error {
	a.Ret, a.SessionID = RetOK, fmt.Sprintf("0x%08X", clientSession)
	if r.tell(Message{Session: clientSession, ID: m.ID + 1, Body: JSON(a)}) != nil {
		return errClient
	}
	return nil
}

// credentials is what a login says.
type credentials struct {
	EncryptType, LoginType, PassWord, UserName string
}

// login passes the client's login on, whose user and password are for this relay alone.
func (r *relay) login(m Message) error {
	var c credentials
	if err := unmarshal(m.Body, &c); err != nil || c.PassWord != Hash(r.token) {
		return errors.New("a login that is not ours")
	}
	c.UserName, c.PassWord = r.order.User, Hash(r.order.Password)
	c.LoginType = "DVRIP-Web" // as every other client writes it
	m.Body = JSON(c)
	if err := r.opening.after(asked, m); err != nil {
		return err
	}
	return r.yes(m, answer{AliveInterval: int(wake / time.Second)})
}

// claim asks the device for live video, once it has taken the login.
func (r *relay) claim(m Message) (err error) {
	if m.Body, err = r.channel(m.Body); err != nil {
		return err
	}
	return r.opening.after(within, m)
}

// channel puts the channel into a request for live video.
func (r *relay) channel(body []byte) ([]byte, error) {
	var req monitor
	if err := unmarshal(body, &req); err != nil {
		return nil, err
	}
	req.OPMonitor.Parameter.Channel = r.order.Channel
	return JSON(req), nil
}

// monitor is a request for live video.
type monitor struct {
	Name      string
	SessionID string
	OPMonitor struct {
		Action    string
		Parameter struct {
			Channel                           int
			CombinMode, StreamType, TransMode string
		}
	}
}

// answer is what devices say to requests.
type answer struct {
	Name          string `json:",omitempty"`
	Ret           int
	SessionID     string
	AliveInterval int    `json:",omitempty"`
	ChannelNum    int    `json:",omitempty"`
	DeviceType    string `json:"DeviceType ,omitempty"` // with that space: the protocol's
}

// downstream takes the device's messages, until there are no more.
func (r *relay) downstream() *Error {
	in := bufio.NewReaderSize(r.device, 64<<10)
	for {
		m, err := ReadMessage(in)
		if err != nil {
			return r.lost(err)
		}
		var fail *Error
		switch m.ID {
		case IDLogin + 1:
			fail = r.loggedIn(m)
		case IDClaim + 1, IDStart + 1:
			fail = r.granted(m)
		case IDMedia:
			fail = r.media(m.Body)
		default: // answers to keep-alives, alarms
		}
		if fail != nil {
			return fail
		}
	}
}

// lost explains why nothing more can be read.
func (r *relay) lost(err error) *Error {
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return failed(media.Stalled, "the device does not answer")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failed(media.Unreachable, "the device closed the connection")
	case errors.Is(err, net.ErrClosed):
		return failed(media.Unreachable, "the session was ended")
	default:
		return failed(media.Unreachable, "read from the device: %v", err)
	}
}

func (r *relay) loggedIn(m Message) *Error {
	var a answer
	if err := unmarshal(m.Body, &a); err != nil {
		return failed(media.Unreachable, "the device's answer to the login cannot be read")
	}
	if a.Ret != RetOK && a.Ret != RetUpgraded {
		return refusal(a.Ret)
	}
	session, err := strconv.ParseUint(a.SessionID, 0, 32)
	if err != nil {
		return failed(media.Unreachable, "the device's answer to the login names no session")
	}
	if a.AliveInterval < 1 || a.AliveInterval > 60 {
		a.AliveInterval = keepAlive
	}
	h := hello{Device: printable(a.DeviceType), Channels: a.ChannelNum, Sandbox: r.sandbox}
	if err := writeJSON(r.out, recordHello, h); err != nil {
		return failed(media.Unreachable, "the gateway has gone")
	}
	if r.opening.enter(uint32(session), time.Duration(a.AliveInterval)*time.Second) != nil {
		return failed(media.Unreachable, "the device closed the connection")
	}
	return nil
}

// granted looks at the answer to a claim of live video, or to its start.
func (r *relay) granted(m Message) *Error {
	var a answer
	if err := unmarshal(m.Body, &a); err != nil {
		return failed(media.Unreachable, "the device's answer to the request for video cannot be read")
	}
	if a.Ret != RetOK {
		e := failed(media.NoVideo, "the device has no channel %d with a stream %s (code %d)", r.order.Channel, r.order.Stream, a.Ret)
		if a.Ret == RetForbidden || a.Ret == RetNotPermitted {
			e = failed(media.Refused, "this user may not watch channel %d (code %d)", r.order.Channel, a.Ret)
		}
		e.Ret = a.Ret
		return e
	}
	if m.ID == IDClaim+1 && r.opening.come(granted) != nil {
		return failed(media.Unreachable, "the device closed the connection")
	}
	return nil
}

func (r *relay) media(body []byte) *Error {
	err := r.framer.add(body, func(fr frame) error {
		pic, ok := r.pictures.add(fr)
		if !ok {
			return nil
		}
		return writePicture(r.out, pic)
	})
	switch {
	case err == nil && r.pictures.strange:
		return failed(media.Unreadable, "the device sends a coding other than H.264 and H.265; change it in its settings")
	case err != nil:
		return failed(media.Unreachable, "the device's stream cannot be read: %v", err)
	}
	return nil
}

// printable returns a text of the device as a log can have it.
func printable(s string) string {
	var out []rune
	for _, c := range s {
		if len(out) == 40 {
			break
		}
		if unicode.IsPrint(c) {
			out = append(out, c)
		}
	}
	return string(out)
}
