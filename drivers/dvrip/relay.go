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

// relay stands between vdk's client and a device. What the client asks is put
// right and passed on; of what the device says, the client gets the answers that it
// waits for, and out gets the pictures.
type relay struct {
	order   order
	device  net.Conn
	client  net.Conn
	out     io.Writer
	token   string // the client's password here
	sandbox sandbox.Report

	framer   framer
	pictures pictures

	mu      sync.Mutex  // guards writes to client
	claimed atomic.Bool // the client has no more answers to wait for
}

// run passes messages both ways until either side has ended, and says why. The
// client has ended when ended is closed.
func (r *relay) run(ended <-chan struct{}) *Error {
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
	in := bufio.NewReader(r.client)
	for {
		m, err := ReadMessage(in)
		if err != nil {
			return failed(media.Unreachable, "the session was given up: no answer from the device")
		}
		switch m.ID {
		case IDLogin:
			m.Body, err = r.login(m.Body)
		case IDClaim, IDStart:
			m.Body, err = r.channel(m.Body)
		case IDKeepAlive:
		case IDSetTime:
			if err := r.tell(Message{Session: m.Session, ID: m.ID + 1, Body: JSON(answer{Name: "OPTimeSetting", Ret: RetOK})}); err != nil {
				return failed(media.Unreachable, "the session was given up")
			}
			continue
		default:
			err = fmt.Errorf("message %d", m.ID)
		}
		if err != nil {
			return failed(media.Unreachable, "the client asks for what it must not: %v", err)
		}
		_ = r.device.SetWriteDeadline(time.Now().Add(clientWait))
		if _, err := r.device.Write(m.Append(nil)); err != nil {
			return failed(media.Unreachable, "the device closed the connection")
		}
	}
}

// credentials is what a login says.
type credentials struct {
	EncryptType, LoginType, PassWord, UserName string
}

// login replaces the client's user and password, which are for this relay alone.
func (r *relay) login(body []byte) ([]byte, error) {
	var c credentials
	if err := unmarshal(body, &c); err != nil || c.PassWord != Hash(r.token) {
		return nil, errors.New("a login that is not ours")
	}
	c.UserName, c.PassWord = r.order.User, Hash(r.order.Password)
	c.LoginType = "DVRIP-Web" // as every other client writes it
	return JSON(c), nil
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
	if _, err := strconv.ParseUint(a.SessionID, 0, 32); err != nil {
		return failed(media.Unreachable, "the device's answer to the login names no session")
	}
	if a.AliveInterval < 1 || a.AliveInterval > 60 {
		a.AliveInterval = keepAlive
	}
	h := hello{Device: printable(a.DeviceType), Channels: a.ChannelNum, Sandbox: r.sandbox}
	if err := writeJSON(r.out, recordHello, h); err != nil {
		return failed(media.Unreachable, "the gateway has gone")
	}
	m.Body = JSON(a)
	if r.tell(m) != nil {
		return failed(media.Unreachable, "the session was given up")
	}
	return nil
}

// granted looks at the answer to a request for live video. Vdk's client waits for
// that to a claim; what it makes of that to a start is nothing.
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
	if m.ID == IDClaim+1 {
		if r.tell(m) != nil {
			return failed(media.Unreachable, "the session was given up")
		}
		r.claimed.Store(true)
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
