// Package siptest simulates the intercoms and telephones that talk to package sip: a
// [Phone] over UDP or TCP that says what it is told to, well or badly.
package siptest

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/digest"
)

// Message is what came: the first line, the headers and the body.
type Message struct {
	First  string
	Header textproto.MIMEHeader
	Body   string
}

// Status is a response's status, 0 of a request.
func (m *Message) Status() int {
	if rest, ok := strings.CutPrefix(m.First, "SIP/2.0 "); ok {
		n, _ := strconv.Atoi(rest[:min(3, len(rest))])
		return n
	}
	return 0
}

// Method is a request's, empty of a response.
func (m *Message) Method() string {
	if m.Status() != 0 {
		return ""
	}
	method, _, _ := strings.Cut(m.First, " ")
	return method
}

// Phone is a station or a telephone.
type Phone struct {
	User, Password string
	// To is the gateway.
	To string
	// Wait is how long it waits for what must come; a minute if 0.
	Wait time.Duration
	// Contact is what stands in its requests; its own address if empty.
	Contact string

	conn  net.Conn
	lines *bufio.Reader // of TCP
	mu    sync.Mutex
	seq   int
	media *net.UDPConn
}

// Dial opens the phone's line: network is udp or tcp. from is its own address, empty for any.
func Dial(network, from, to, user, password string) (*Phone, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if from != "" {
		if network == "udp" {
			a, err := net.ResolveUDPAddr("udp", from)
			if err != nil {
				return nil, fmt.Errorf("siptest: %w", err)
			}
			d.LocalAddr = a
		} else {
			a, err := net.ResolveTCPAddr("tcp", from)
			if err != nil {
				return nil, fmt.Errorf("siptest: %w", err)
			}
			d.LocalAddr = a
		}
	}
	c, err := d.Dial(network, to) // it has a limit
	if err != nil {
		return nil, fmt.Errorf("siptest: %w", err)
	}
	host, _, _ := net.SplitHostPort(c.LocalAddr().String())
	media, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("siptest: %w", err)
	}
	return &Phone{User: user, Password: password, To: to, conn: c, lines: bufio.NewReader(c), media: media}, nil
}

// Listen opens a phone over UDP that is called: it talks to whoever wrote to it last.
func Listen(at, user string) (*Phone, error) {
	a, err := net.ResolveUDPAddr("udp", at)
	if err != nil {
		return nil, fmt.Errorf("siptest: %w", err)
	}
	c, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, fmt.Errorf("siptest: %w", err)
	}
	media, err := net.ListenUDP("udp", &net.UDPAddr{IP: a.IP})
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("siptest: %w", err)
	}
	return &Phone{User: user, conn: &called{UDPConn: c}, media: media}, nil
}

// called is a socket that answers whoever wrote to it last.
type called struct {
	*net.UDPConn
	mu   sync.Mutex
	last *net.UDPAddr // guarded by mu
}

// Read reads a datagram.
func (c *called) Read(b []byte) (int, error) {
	n, from, err := c.ReadFromUDP(b)
	if err == nil {
		c.mu.Lock()
		c.last = from
		c.mu.Unlock()
	}
	return n, err
}

// Write writes a datagram.
func (c *called) Write(b []byte) (int, error) {
	c.mu.Lock()
	to := c.last
	c.mu.Unlock()
	return c.WriteToUDP(b, to)
}

// Close closes its lines.
func (p *Phone) Close() {
	p.conn.Close()
	_ = p.media.Close()
}

// Addr is the phone's own address, host:port.
func (p *Phone) Addr() string { return p.conn.LocalAddr().String() }

// Media is its audio's socket.
func (p *Phone) Media() *net.UDPConn { return p.media }

// Write sends bytes as they are.
func (p *Phone) Write(b []byte) error {
	_, err := p.conn.Write(b)
	return err // a test's
}

// ErrSilence means that nothing came in time.
var ErrSilence = errors.New("siptest: nothing came")

// Read waits for a message.
func (p *Phone) Read() (*Message, error) { return p.read(time.Now().Add(p.wait())) }

func (p *Phone) wait() time.Duration {
	if p.Wait == 0 {
		return time.Minute
	}
	return p.Wait
}

func (p *Phone) read(until time.Time) (*Message, error) {
	_ = p.conn.SetReadDeadline(until)
	r := p.lines
	if p.conn.LocalAddr().Network() == "udp" {
		buffer := make([]byte, 65536)
		n, err := p.conn.Read(buffer)
		if err != nil {
			return nil, ErrSilence
		}
		r = bufio.NewReader(strings.NewReader(string(buffer[:n])))
	}
	tp := textproto.NewReader(r)
	first, err := tp.ReadLine()
	if err != nil {
		return nil, ErrSilence
	}
	m := &Message{First: first}
	if m.Header, err = tp.ReadMIMEHeader(); err != nil {
		return nil, fmt.Errorf("siptest: %w", err)
	}
	n, _ := strconv.Atoi(m.Header.Get("Content-Length"))
	body := make([]byte, n)
	for read := 0; read < n; {
		k, err := r.Read(body[read:])
		if err != nil {
			return nil, fmt.Errorf("siptest: %w", err)
		}
		read += k
	}
	m.Body = string(body)
	return m, nil
}

// Await waits for a message that fits, and passes over others.
func (p *Phone) Await(fits func(*Message) bool) (*Message, error) {
	for range 50 {
		m, err := p.Read()
		if err != nil {
			return nil, err
		}
		if fits(m) {
			return m, nil
		}
	}
	return nil, ErrSilence
}

// Final waits for the final response to a request of the method.
func (p *Phone) Final(method string) (*Message, error) {
	return p.Await(func(m *Message) bool { return m.Status() >= 200 && strings.HasSuffix(m.Header.Get("Cseq"), " "+method) })
}

// Request is something that a phone asks.
type Request struct {
	Method, Target string // Target: sip:…
	CallID, Branch string // made up if empty
	FromTag, ToTag string
	Seq            int // the next if 0
	Header         []string
	Type, Body     string
}

// Text writes a request out, and fills what is missing.
func (p *Phone) Text(r *Request) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Seq == 0 {
		p.seq++
		r.Seq = p.seq
	}
	if r.CallID == "" {
		r.CallID = rand.Text()
	}
	if r.FromTag == "" {
		r.FromTag = rand.Text()[:8]
	}
	r.Branch = "z9hG4bK" + rand.Text()
	if r.Target == "" {
		r.Target = "sip:" + p.To
	}
	network := strings.ToUpper(p.conn.LocalAddr().Network())
	to := ""
	if r.ToTag != "" {
		to = ";tag=" + r.ToTag
	}
	user := p.User
	if r.Method == "REGISTER" {
		user = p.User
	} else if at := strings.TrimPrefix(r.Target, "sip:"); strings.Contains(at, "@") {
		user, _, _ = strings.Cut(at, "@")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\n", r.Method, r.Target, network, p.Addr(), r.Branch)
	fmt.Fprintf(&b, "From: <sip:%s@%s>;tag=%s\r\nTo: <sip:%s@%s>%s\r\n", p.User, p.To, r.FromTag, user, p.To, to)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\n", r.CallID, r.Seq, r.Method)
	contact := p.Contact
	if contact == "" {
		contact = fmt.Sprintf("<sip:%s@%s>", p.User, p.Addr())
	}
	fmt.Fprintf(&b, "Contact: %s\r\n", contact)
	for _, h := range r.Header {
		b.WriteString(h + "\r\n")
	}
	if r.Type != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", r.Type)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(r.Body), r.Body)
	return b.String()
}

// Ask sends a request, answers the challenge if one comes, and returns the final response.
func (p *Phone) Ask(r *Request) (*Message, error) {
	m, err := p.transact(r)
	if err != nil || m.Status() != 401 || p.Password == "" {
		return m, err
	}
	if r.Method == "INVITE" {
		p.Ack(r, m)
	}
	if err := p.Sign(r, m, p.Password); err != nil {
		return nil, err
	}
	return p.transact(r)
}

// transact sends a request and returns the final response to it. Over UDP it sends again what is
// not answered, as a telephone does (RFC 3261 sections 17.1.1.2 and 17.1.2.2), for Wait in all.
func (p *Phone) transact(r *Request) (*Message, error) {
	text := []byte(p.Text(r))
	if err := p.Write(text); err != nil {
		return nil, err
	}
	udp := p.conn.LocalAddr().Network() == "udp"
	end := time.Now().Add(p.wait())
	pause, next := timer1, time.Now().Add(timer1)
	for {
		until := end
		if udp && next.Before(end) {
			until = next
		}
		m, err := p.read(until)
		switch {
		case err == nil && m.answers(r) && m.Status() >= 200:
			return m, nil
		case err == nil && m.answers(r) && r.Method == "INVITE":
			next = end // it is heard
		case err != nil && until.Equal(end):
			return nil, err
		case err != nil:
			if err := p.Write(text); err != nil {
				return nil, err
			}
			if pause *= 2; r.Method != "INVITE" {
				pause = min(pause, timer2)
			}
			next = time.Now().Add(pause)
		}
	}
}

// answers says whether a message is a response of the transaction.
func (m *Message) answers(r *Request) bool {
	return m.Status() != 0 && strings.Contains(m.Header.Get("Via"), "branch="+r.Branch) && strings.HasSuffix(m.Header.Get("Cseq"), " "+r.Method)
}

// T1 and T2 of RFC 3261 section 17.1.1.1.
const (
	timer1 = 500 * time.Millisecond
	timer2 = 4 * time.Second
)

// Sign adds the answer to a challenge to a request.
func (p *Phone) Sign(r *Request, challenge *Message, password string) error {
	c := digest.Best(challenge.Header.Values("Www-Authenticate"))
	if c == nil {
		return fmt.Errorf("siptest: no challenge in %q", challenge.First)
	}
	if r.Target == "" {
		r.Target = "sip:" + p.To
	}
	a, err := c.Authorize(r.Method, r.Target, p.User, password)
	if err != nil {
		return fmt.Errorf("siptest: %w", err)
	}
	r.Header = append(r.Header, "Authorization: "+a)
	r.Seq = 0
	return nil
}

// Ack acknowledges the final response to an INVITE.
func (p *Phone) Ack(r *Request, final *Message) {
	_, tag, _ := strings.Cut(final.Header.Get("To"), "tag=")
	ack := &Request{Method: "ACK", Target: r.Target, CallID: r.CallID, FromTag: r.FromTag, ToTag: tag, Seq: r.Seq}
	text := p.Text(ack)
	if final.Status() >= 300 { // of the same transaction
		text = strings.Replace(text, ack.Branch, r.Branch, 1)
	}
	_ = p.Write([]byte(text))
}

// Within makes a request in the dialog that an INVITE and its final response have made.
func (p *Phone) Within(r *Request, final *Message, method string) *Request {
	_, tag, _ := strings.Cut(final.Header.Get("To"), "tag=")
	return &Request{Method: method, Target: r.Target, CallID: r.CallID, FromTag: r.FromTag, ToTag: tag}
}

// Answer answers a request.
func (p *Phone) Answer(m *Message, status int, reason, tag, kind, body string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	for _, v := range m.Header.Values("Via") {
		fmt.Fprintf(&b, "Via: %s\r\n", v)
	}
	to := m.Header.Get("To")
	if tag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:%s@%s>\r\n", m.Header.Get("From"), to, m.Header.Get("Call-Id"), m.Header.Get("Cseq"), p.User, p.Addr())
	if kind != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", kind)
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	_ = p.Write([]byte(b.String()))
}

// SDP describes the phone's audio: formats as in "0 8 101".
func (p *Phone) SDP(formats string) string {
	host, port, _ := net.SplitHostPort(p.media.LocalAddr().String())
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %s RTP/AVP %s\r\na=rtpmap:101 telephone-event/8000\r\n", host, port, formats)
}

// AudioPort reads the port out of a session description; 0 if there is none.
func AudioPort(sdp string) int {
	_, rest, _ := strings.Cut(sdp, "m=audio ")
	n, _ := strconv.Atoi(strings.SplitN(rest, " ", 2)[0])
	return n
}
