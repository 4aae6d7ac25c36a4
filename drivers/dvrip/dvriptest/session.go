package dvriptest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"sentrybox/drivers/dvrip"
	"sentrybox/drivers/media"
)

// piece is how much of a frame goes into one message.
const piece = 8 << 10

// client is one connection.
type client struct {
	s       *Server
	conn    net.Conn
	session uint32
	seq     uint32
	in      bool // logged in
	claimed *Clip
	seen    time.Time // of the last request
	done    chan struct{}

	mu sync.Mutex // guards writing
}

func (s *Server) serve(conn net.Conn) {
	c := &client{s: s, conn: conn, done: make(chan struct{}), seen: time.Now()}
	c.run()
	close(c.done)
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

func (c *client) run() {
	r := bufio.NewReader(c.conn)
	for {
		if c.s.KeepAlive > 0 {
			_ = c.conn.SetReadDeadline(time.Now().Add(4 * c.s.KeepAlive))
		}
		m, err := dvrip.ReadMessage(r)
		if err != nil || !c.answer(m) {
			return
		}
	}
}

// request is what a client may say.
type request struct {
	Name      string
	PassWord  string
	UserName  string
	OPMonitor struct {
		Action    string
		Parameter struct {
			Channel    int
			StreamType string
		}
	}
}

// answer answers a request; false ends the connection.
func (c *client) answer(m dvrip.Message) bool {
	var req request
	if err := json.Unmarshal(bytes.TrimRight(m.Body, "\x00\n"), &req); err != nil {
		return false
	}
	if m.ID != dvrip.IDLogin && !c.in {
		return c.say(m.ID+1, map[string]any{"Name": req.Name, "Ret": 105})
	}
	session := fmt.Sprintf("0x%08X", c.session)
	ok := map[string]any{"Name": req.Name, "Ret": dvrip.RetOK, "SessionID": session}
	switch m.ID {
	case dvrip.IDLogin:
		return c.login(req)
	case dvrip.IDKeepAlive:
		c.s.count(func() { c.s.alive++ })
	case dvrip.IDSetTime:
		c.s.count(func() { c.s.setTimes++ })
	case dvrip.IDClaim:
		p := req.OPMonitor.Parameter
		if c.claimed = c.s.clip(p.Channel, p.StreamType); c.claimed == nil {
			return c.say(m.ID+1, map[string]any{"Name": req.Name, "Ret": 119, "SessionID": session})
		}
	case dvrip.IDStart:
		if c.claimed == nil {
			return c.say(m.ID+1, map[string]any{"Name": req.Name, "Ret": dvrip.RetNotPermitted, "SessionID": session})
		}
		clip := c.claimed
		c.s.wg.Go(func() { c.play(clip) })
		return true // devices do not answer it, they play
	default:
		return false
	}
	return c.say(m.ID+1, ok)
}

func (c *client) login(req request) bool {
	s := c.s
	var ret int
	s.count(func() {
		s.logins++
		switch {
		case s.LockAfter > 0 && s.wrong >= s.LockAfter:
			ret = dvrip.RetLocked
		case req.UserName != s.User:
			ret = dvrip.RetWrong
			s.wrong++
		case req.PassWord != dvrip.Hash(s.Password):
			ret = dvrip.RetWrongPassword
			s.wrong++
		default:
			ret, s.wrong = dvrip.RetOK, 0
		}
	})
	if ret != dvrip.RetOK {
		return c.say(dvrip.IDLogin+1, map[string]any{"Name": "", "Ret": ret, "SessionID": "0x00000000"})
	}
	c.in, c.session = true, 0x1d
	return c.say(dvrip.IDLogin+1, map[string]any{
		"AliveInterval": int(s.KeepAlive / time.Second), "ChannelNum": len(s.Channels), "DeviceType ": "HVR",
		"ExtraChannel": 0, "Ret": dvrip.RetOK, "SessionID": "0x0000001D",
	})
}

func (s *Server) count(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *Server) clip(channel int, stream string) *Clip {
	if channel < 0 || channel >= len(s.Channels) {
		return nil
	}
	switch stream {
	case "Main":
		return s.Channels[channel].Main
	case "Extra1":
		return s.Channels[channel].Sub
	}
	return nil
}

func (c *client) say(id uint16, v any) bool { return c.send(id, dvrip.JSON(v)) }

func (c *client) send(id uint16, body []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	m := dvrip.Message{Session: c.session, Sequence: c.seq, ID: id, Body: body}
	b := m.Append(nil)
	if c.s.Mangle != nil {
		if b = c.s.Mangle(m); len(b) == 0 {
			return true
		}
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := c.conn.Write(b)
	return err == nil
}

// play sends a clip in real time until the connection ends.
func (c *client) play(clip *Clip) {
	c.s.count(func() { c.s.watchers++ })
	defer c.s.count(func() { c.s.watchers-- })
	began := time.Now()
	for lap := time.Duration(0); ; lap += clip.length {
		for i, u := range clip.units {
			due := lap + time.Duration(i)*clip.length/time.Duration(len(clip.units))
			select {
			case <-c.done:
				return
			case <-time.After(time.Until(began.Add(due))):
			}
			var stalled bool
			c.s.count(func() { stalled = c.s.stalled })
			if stalled {
				continue
			}
			if !c.frame(u, clip.fps) {
				_ = c.conn.Close()
				return
			}
		}
	}
}

// frame sends one picture.
func (c *client) frame(u media.AccessUnit, fps int) bool {
	b := Frame(u, fps)
	if c.s.MangleFrame != nil {
		b = c.s.MangleFrame(b)
	}
	for len(b) > 0 {
		n := min(piece, len(b))
		if !c.send(dvrip.IDMedia, b[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

// Frame puts a picture into a frame as devices do.
func Frame(u media.AccessUnit, fps int) []byte {
	if !u.Keyframe {
		b := append([]byte{0, 0, 1, 0xfd}, make([]byte, 4)...)
		binary.LittleEndian.PutUint32(b[4:], uint32(len(u.Data)))
		return append(b, u.Data...)
	}
	code := byte(0x12)
	if u.Codec == media.H265 {
		code = 0x13
	}
	b := append([]byte{0, 0, 1, 0xfc, code, byte(fps), 0, 0}, make([]byte, 8)...)
	now := time.Now().UTC()
	binary.LittleEndian.PutUint32(b[8:], uint32(now.Second()|now.Minute()<<6|now.Hour()<<12|now.Day()<<17|int(now.Month())<<22|(now.Year()-2000)<<26))
	binary.LittleEndian.PutUint32(b[12:], uint32(len(u.Data)))
	return append(b, u.Data...)
}
