package sms

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// openPty makes a pseudo terminal in raw mode: what a serial port is to a
// program.
func openPty(t testing.TB) (master, port *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	tio, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	port = os.NewFile(uintptr(fd), "pts")
	t.Cleanup(func() { _ = port.Close() })
	return master, port
}

// simulated is a modem on a pty.
type simulated struct {
	t testing.TB
	// answer replaces the answer to a command; "" leaves the usual one.
	answer func(cmd string) string
	// taken says what comes of a message.
	taken func(Submit) string
	// pieces has each byte come 20 ms after the one before.
	pieces bool

	mu       sync.Mutex
	messages []Submit // guarded by mu: all that it was given
}

// start runs the modem and returns our end.
func (s *simulated) start() Port {
	near, far := newLine()
	s.attach(near, far)
	return near
}

func (s *simulated) attach(near, far io.ReadWriteCloser) {
	var wg sync.WaitGroup
	wg.Go(func() { s.run(far) })
	s.t.Cleanup(func() { _ = near.Close(); _ = far.Close(); wg.Wait() })
}

// line is one end of a serial line in synctest's time: what is written waits until it is read.
type line struct{ in, out *wire }

func newLine() (near, far *line) {
	a, b := &wire{more: make(chan struct{}, 1)}, &wire{more: make(chan struct{}, 1)}
	return &line{a, b}, &line{b, a}
}

func (l *line) Read(b []byte) (int, error)  { return l.in.read(b) }
func (l *line) Write(b []byte) (int, error) { return l.out.write(b) }

func (l *line) Close() error {
	l.in.close()
	l.out.close()
	return nil
}

// wire is one direction.
type wire struct {
	more chan struct{} // holds a token when there is something to be read

	mu     sync.Mutex
	bytes  []byte // guarded by mu
	closed bool   // guarded by mu
}

func (w *wire) tell() {
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *wire) write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, os.ErrClosed
	}
	w.bytes = append(w.bytes, b...)
	w.tell()
	return len(b), nil
}

func (w *wire) read(b []byte) (int, error) {
	for {
		w.mu.Lock()
		n := copy(b, w.bytes)
		w.bytes = w.bytes[n:]
		if len(w.bytes) > 0 || w.closed {
			w.tell()
		}
		closed := w.closed
		w.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		if closed {
			return 0, os.ErrClosed
		}
		<-w.more
	}
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.tell()
}

var cmgs = regexp.MustCompile(`^AT\+CMGS=(\d+)$`)

func (s *simulated) run(m io.ReadWriter) {
	r, echo := bufio.NewReader(m), true
	say := func(text string) {
		if !s.pieces {
			_, _ = io.WriteString(m, text)
			return
		}
		for i := range text {
			time.Sleep(20 * time.Millisecond)
			_, _ = io.WriteString(m, text[i:i+1])
		}
	}
	say("\r\nRDY\r\n\r\n+CFUN: 1\r\n") // as many do when they wake
	for {
		cmd, err := r.ReadString('\r')
		if err != nil {
			return
		}
		cmd = strings.Trim(cmd, "\x1b\r\n")
		if cmd == "" {
			continue
		}
		if echo {
			say(cmd + "\r\n")
		}
		if s.answer != nil {
			if a := s.answer(cmd); a != "" {
				say(a)
				continue
			}
		}
		switch {
		case cmd == "ATE0":
			echo = false
			say("\r\nOK\r\n")
		case cmd == "AT+CMEE?":
			say("\r\n+CMEE: 1\r\n\r\nOK\r\n")
		case cmd == "AT+CPIN?":
			say("\r\n+CPIN: READY\r\n\r\nOK\r\n")
		case cmd == "AT+CREG?":
			say("\r\n+CREG: 0,1\r\n\r\nOK\r\n")
		case cmgs.MatchString(cmd):
			s.message(r, cmgs.FindStringSubmatch(cmd)[1], say)
		case strings.HasPrefix(cmd, "AT"):
			say("\r\nOK\r\n")
		default:
			say("\r\nERROR\r\n")
		}
	}
}

func (s *simulated) message(r *bufio.Reader, length string, say func(string)) {
	say("\r\n> ")
	text, err := r.ReadString('\x1a')
	if err != nil {
		return
	}
	pdu, err := hex.DecodeString(strings.TrimSuffix(text, "\x1a"))
	if err != nil || fmt.Sprint(len(pdu)-1) != length {
		say("\r\n+CMS ERROR: 304\r\n") // invalid PDU mode parameter
		return
	}
	msg, err := Unmarshal(pdu)
	if err != nil {
		say("\r\n+CMS ERROR: 304\r\n")
		return
	}
	s.mu.Lock()
	s.messages = append(s.messages, msg)
	s.mu.Unlock()
	if s.taken != nil {
		if a := s.taken(msg); a != "" {
			say(a)
			return
		}
	}
	say("\r\n+CMTI: \"SM\",3\r\n\r\n+CMGS: 17\r\n\r\nRING\r\n\r\nOK\r\n")
}

func (s *simulated) open(t *testing.T) *Modem {
	t.Helper()
	m, err := Open(t.Context(), s.start(), Timing{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestSend(t *testing.T) {
	sim := &simulated{t: t}
	master, port := openPty(t)
	sim.attach(port, master)
	m, err := Open(t.Context(), port, Timing{Answer: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if err := m.Registered(t.Context()); err != nil {
		t.Error(err)
	}
	all, err := Split("+8613800138000", strings.Repeat("东门有人闯入。", 20), 7)
	if err != nil || len(all) != 3 {
		t.Fatalf("%d parts, %v", len(all), err)
	}
	for _, s := range all {
		if err := m.Send(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	sim.mu.Lock()
	defer sim.mu.Unlock()
	if len(sim.messages) != 3 || sim.messages[1] != all[1] {
		t.Errorf("the modem has %+v", sim.messages)
	}
}

// TestAnswers holds what comes of each way in which a modem may fail.
func TestAnswers(t *testing.T) {
	msg := Submit{Number: "+8613800138000", Text: "x"}
	for _, c := range []struct {
		name            string
		answer          func(string) string
		taken           func(Submit) string
		open            error // of Open
		network         error
		unsure, refused bool
		temporary       bool
	}{
		{name: "no SIM", answer: on("AT+CPIN?", "\r\n+CME ERROR: 10\r\n"), open: ErrSIM},
		{name: "a SIM that is not ready", answer: on("AT+CPIN?", "\r\n+CME ERROR: 14\r\n"), open: ErrSIMBusy},
		{name: "locked SIM", answer: on("AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"), open: ErrSIM},
		{name: "no PDUs", answer: on("AT+CMGF=0", "\r\nERROR\r\n"), open: &Refusal{Command: "AT+CMGF"}},
		{name: "mute", answer: on("AT", "\r\n"), open: ErrNoAnswer},
		{name: "no network", answer: on("AT+CREG?", "\r\n+CREG: 0,2\r\n\r\nOK\r\n"), network: ErrNoNetwork},
		{name: "registration denied", answer: on("AT+CREG?", "\r\n+CREG: 2,3,\"1A2B\",\"01\"\r\n\r\nOK\r\n"), network: ErrNoNetwork},
		{name: "unsolicited registration is no answer", answer: on("AT+CREG?", "\r\n+CREG: 1\r\n\r\n+CREG: 0,0\r\n\r\nOK\r\n"), network: ErrNoNetwork},
		{name: "CMGS refused", answer: on("AT+CMGS=17", "\r\n+CMS ERROR: 330\r\n"), refused: true, temporary: true},
		{name: "no prompt", answer: on("AT+CMGS=17", "\r\n\r\n")},
		{name: "network timeout", taken: func(Submit) string { return "\r\n+CMS ERROR: 332\r\n" }, refused: true, temporary: true},
		{name: "no such number", taken: func(Submit) string { return "\r\n+CMS ERROR: 1\r\n" }, refused: true},
		{name: "plain ERROR", taken: func(Submit) string { return "\r\nERROR\r\n" }, refused: true, temporary: true},
		{name: "no word of it", taken: func(Submit) string { return "\r\n^RSSI: 12\r\n" }, unsure: true},
		{name: "OK alone", taken: func(Submit) string { return "\r\nOK\r\n" }, unsure: true},
	} {
		bubble(t, c.name, func(t *testing.T) {
			sim := &simulated{t: t, answer: c.answer, taken: c.taken}
			m, err := Open(t.Context(), sim.start(), Timing{})
			if c.open != nil {
				var want, got *Refusal
				if errors.As(c.open, &want) && (!errors.As(err, &got) || *got != *want) || want == nil && !errors.Is(err, c.open) {
					t.Errorf("Open: %v, want %v", err, c.open)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if c.network != nil {
				sim.answer = func(cmd string) string {
					if cmd == "AT+CEREG?" {
						return "\r\nERROR\r\n"
					}
					return c.answer(cmd)
				}
				if err := m.Registered(t.Context()); !errors.Is(err, c.network) {
					t.Errorf("Registered: %v, want %v", err, c.network)
				}
				return
			}
			err = m.Send(t.Context(), msg)
			var unsure *Unsure
			var refusal *Refusal
			if errors.As(err, &unsure) != c.unsure || errors.As(err, &refusal) != c.refused || c.refused && refusal.Temporary() != c.temporary {
				t.Errorf("Send: %v", err)
			}
			sim.answer, sim.taken = nil, nil
		})
	}
}

// bubble runs a test in synctest's time.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func on(cmd, answer string) func(string) string {
	return func(got string) string {
		if got == cmd {
			return answer
		}
		return ""
	}
}

// TestAfterNoPrompt holds that a message goes through after one whose prompt did
// not come.
func TestAfterNoPrompt(t *testing.T) { synctest.Test(t, afterNoPrompt) }

func afterNoPrompt(t *testing.T) {
	late := true
	sim := &simulated{t: t}
	sim.answer = func(cmd string) string {
		if late && cmgs.MatchString(cmd) {
			late = false
			return "\r\n"
		}
		return ""
	}
	m := sim.open(t)
	msg := Submit{Number: "+8613800138000", Text: "x"}
	if err := m.Send(t.Context(), msg); !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("no prompt: %v", err)
	}
	if err := m.Send(t.Context(), msg); err != nil {
		t.Fatalf("after it: %v", err)
	}
}

// TestSlowModem has a modem that takes its time after it was started, or in between, and talks of other things
// meanwhile: an answer that comes after it was given up is never taken for that to the next command.
func TestSlowModem(t *testing.T) {
	late := func(of string, n int, by time.Duration) func(string) string {
		left := n
		return func(cmd string) string {
			if cmd == of && left > 0 {
				left--
				time.Sleep(by)
			}
			return ""
		}
	}
	lost := false
	for name, answer := range map[string]func(string) string{
		"the first is lost": func(cmd string) string {
			if first := !lost; cmd == "AT" && first {
				lost = true
				return "\r\n"
			}
			return ""
		},
		"while it starts":        late("AT", 2, 6*time.Second),
		"at the first command":   late("ATE0", 1, 9*time.Second),
		"at a question":          late("AT+CPIN?", 1, 9*time.Second),
		"in one-byte pieces":     func(string) string { return "" },
		"with talk in an answer": on("AT+CREG?", "\r\n+CREG: 2\r\n\r\n^RSSI:12\r\n\r\n+CREG: 0,1\r\n\r\nRING\r\n\r\nOK\r\n\r\n+CMTI: \"SM\",3\r\n"),
	} {
		bubble(t, name, func(t *testing.T) {
			sim := &simulated{t: t, answer: answer, pieces: strings.Contains(name, "pieces")}
			m, err := Open(t.Context(), sim.start(), Timing{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if err := m.Registered(t.Context()); err != nil {
				t.Error(err)
			}
			if err := m.Send(t.Context(), Submit{Number: "+8613800138000", Text: "x"}); err != nil {
				t.Error(err)
			}
		})
	}
	bubble(t, "in between", func(t *testing.T) {
		sim := &simulated{t: t, answer: late("AT+CREG?", 1, 12*time.Second)}
		m := sim.open(t)
		if err := m.Registered(t.Context()); !errors.Is(err, ErrNoAnswer) {
			t.Fatalf("an answer that comes late: %v", err)
		}
		if err := m.Registered(t.Context()); err != nil { // with the first one's OK, it would know of no network
			t.Error(err)
		}
	})
}

// TestUnplugged holds that nothing hangs when the port goes away.
func TestUnplugged(t *testing.T) {
	master, port := openPty(t)
	go func() {
		buf := make([]byte, 10)
		_, _ = master.Read(buf)
		_ = master.Close()
	}()
	if m, err := Open(context.Background(), port, Timing{Answer: 100 * time.Millisecond}); err == nil {
		_ = m.Close()
		t.Error("a modem that was unplugged is open")
	}
}

// FuzzAnswers feeds a modem's side with anything: no answer makes the dialogue
// hang or panic.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		"\r\nOK\r\n", "AT\r\r\nOK\r\n", "\r\n> ", "\r\n+CMS ERROR: 500\r\n", "+CME ERROR: 99999999999\r\n", "+CREG: 0,1\r\n\r\nOK\r\n",
		strings.Repeat("x", 5000), "> > > ", "\x00\xff\r\n", "\r\n+CMGS: \r\n\r\nOK\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		p := &feeder{answer: answer}
		m, err := Open(t.Context(), p, Timing{Answer: 2 * time.Millisecond, Send: 2 * time.Millisecond})
		if err != nil {
			return
		}
		_ = m.Registered(t.Context())
		_ = m.Send(t.Context(), Submit{Number: "+8613800138000", Text: "x"})
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// feeder is a port that answers every write with the same.
type feeder struct {
	answer []byte
	mu     sync.Mutex
	out    []byte // guarded by mu
	closed bool   // guarded by mu
}

func (p *feeder) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, p.answer...)
	return len(b), nil
}

func (p *feeder) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, os.ErrClosed
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

func (p *feeder) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}
