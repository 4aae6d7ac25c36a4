package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Port is a serial line. Read may return 0 bytes with no error or io.EOF when
// nothing came for a while; Close ends it.
type Port io.ReadWriteCloser

// Errors of a modem that stand for what it says of itself.
var (
	ErrNoAnswer  = errors.New("the modem does not answer")
	ErrNoNetwork = errors.New("the modem has no network")
	ErrSIM       = errors.New("the SIM card is missing or locked")
	ErrSIMBusy   = errors.New("the SIM card is not ready yet")
)

// Unsure means that a message was handed over and the modem did not say what
// became of it: it may have been sent.
type Unsure struct{ Err error }

func (u *Unsure) Error() string { return "it may have been sent: " + u.Err.Error() }

// Unwrap returns why.
func (u *Unsure) Unwrap() error { return u.Err }

// Refusal is an ERROR, +CMS ERROR (3GPP TS 27.005, 3.2.5) or +CME ERROR (3GPP TS
// 27.007, 9.2) in answer to a command.
type Refusal struct {
	Command string // its name alone
	Class   string // CMS, CME, or empty
	Code    int
}

func (r *Refusal) Error() string {
	if r.Class == "" {
		return "the modem refuses " + r.Command
	}
	return fmt.Sprintf("the modem refuses %s: +%s ERROR: %d", r.Command, r.Class, r.Code)
}

// Temporary reports whether the same message may go through later. What the
// network says of the number itself (3GPP TS 24.011, E.2) stays.
func (r *Refusal) Temporary() bool {
	if r.Class != "CMS" {
		return true
	}
	switch r.Code {
	case 1, 8, 10, 21, 28, 30, 50, 69, 81, 95, 96, 97, 99, 111, 304, 305:
		return false
	}
	return true
}

// Timing is how long a modem has. Zero fields have the defaults, which are above what the manuals of
// common modules name: 9 s for the state of the SIM card and of the network, and 120 s for a message.
type Timing struct {
	Answer time.Duration // to a command; 10 s
	Send   time.Duration // to a message, which the network has to take; 130 s
}

// Modem is a dialogue with a modem. Its methods are for one goroutine at a time.
type Modem struct {
	port   Port
	timing Timing
	lines  chan string // ended when the port has
	quit   chan struct{}
	late   bool // the answer to a command that was given up may still come
}

// prompt stands for the modem's "> ", which no end of line follows.
const prompt = "> "

// Open begins a dialogue: it wakes the modem, and has it report errors by number
// and take PDUs. Close ends it.
func Open(ctx context.Context, port Port, timing Timing) (*Modem, error) {
	if timing.Answer <= 0 {
		timing.Answer = 10 * time.Second
	}
	if timing.Send <= 0 {
		timing.Send = 130 * time.Second
	}
	m := &Modem{port: port, timing: timing, lines: make(chan string, 64), quit: make(chan struct{})}
	go m.read() // ends with the port, which Close closes
	if err := m.start(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Modem) start(ctx context.Context) error {
	// ESC ends a message that an earlier dialogue has left open; the first AT may
	// be lost to the finding of the speed.
	if err := m.write("\x1b\r"); err != nil {
		return err
	}
	var err error
	for range 3 {
		// Any OK is a sign of life, also a late one.
		if _, err = m.ask(ctx, "AT", m.timing.Answer/2); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	for _, c := range []string{"ATE0", "AT+CMEE=1", "AT+CMGF=0"} {
		if _, err := m.command(ctx, c, m.timing.Answer); err != nil {
			return err
		}
	}
	return m.unlocked(ctx)
}

// simBusy is +CME ERROR: SIM busy (27.007, 9.2.1): just after the modem has started, for some seconds.
const simBusy = 14

// unlocked returns nil if the SIM card is there, and waits for no PIN.
func (m *Modem) unlocked(ctx context.Context) error {
	pin, err := m.command(ctx, "AT+CPIN?", m.timing.Answer)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Class == "CME" && refusal.Code == simBusy:
		return fmt.Errorf("%w: %w", ErrSIMBusy, err)
	case errors.As(err, &refusal):
		return fmt.Errorf("%w: %w", ErrSIM, err)
	case err != nil:
		return err
	case !strings.Contains(strings.Join(pin, " "), "READY"):
		return ErrSIM
	}
	return nil
}

// Close ends the dialogue and closes the port.
func (m *Modem) Close() error {
	close(m.quit)
	return m.port.Close()
}

// maxLine is how long a line of a modem is at most; the rest is cut off.
const maxLine = 1024

// read takes the port apart into lines until it ends.
func (m *Modem) read() {
	defer close(m.lines)
	buf, line := make([]byte, 256), make([]byte, 0, maxLine)
	emit := func(s string) bool {
		select {
		case m.lines <- s:
			return true
		case <-m.quit:
			return false
		}
	}
	for {
		n, err := m.port.Read(buf)
		for _, c := range buf[:n] {
			if c == '\r' || c == '\n' {
				if s := strings.TrimSpace(string(line)); s != "" && !emit(s) {
					return
				}
				line = line[:0]
				continue
			}
			if len(line) < maxLine {
				line = append(line, c)
			}
			if string(line) == prompt {
				if !emit(prompt) {
					return
				}
				line = line[:0]
			}
		}
		if err != nil && (n > 0 || !errors.Is(err, io.EOF)) {
			return
		}
		if n == 0 {
			select {
			case <-m.quit:
				return
			case <-time.After(5 * time.Millisecond): // a port that does not block
			}
		}
	}
}

func (m *Modem) write(s string) error {
	if _, err := io.WriteString(m.port, s); err != nil {
		return fmt.Errorf("write to the modem: %w", err)
	}
	return nil
}

// drain forgets what came without being asked for.
func (m *Modem) drain() {
	for {
		select {
		case _, ok := <-m.lines:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// command sends a command and returns the lines of its answer up to OK, once no answer to another is awaited.
func (m *Modem) command(ctx context.Context, cmd string, within time.Duration) ([]string, error) {
	if err := m.settle(ctx); err != nil {
		return nil, err
	}
	return m.ask(ctx, cmd, within)
}

// settle waits until the answers to commands that were given up have come: nothing tells them from those
// to the next. It asks for something whose answer shows that it is that; a modem answers in order.
func (m *Modem) settle(ctx context.Context) error {
	if !m.late {
		return nil
	}
	const cmd, mark = "AT+CMEE?", "+CMEE:"
	if err := m.write(cmd + "\r"); err != nil {
		return err
	}
	begun := time.Now()
	for {
		lines, err := m.answer(ctx, cmd, m.timing.Answer-time.Since(begun), "OK")
		var refusal *Refusal
		switch {
		case errors.Is(err, ErrNoAnswer) || slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, mark) }):
			m.late = false
			return nil // what was lost does not come
		case err != nil && !errors.As(err, &refusal):
			return err
		}
	}
}

// ask is command, whatever may still come.
func (m *Modem) ask(ctx context.Context, cmd string, within time.Duration) ([]string, error) {
	m.drain()
	if err := m.write(cmd + "\r"); err != nil {
		return nil, err
	}
	lines, err := m.answer(ctx, cmd, within, "OK")
	m.late = m.late || errors.Is(err, ErrNoAnswer)
	return lines, err
}

var refused = regexp.MustCompile(`^\+(CMS|CME) ERROR: *([0-9]{1,5})$`)

// answer collects lines until end comes. Lines that nobody asked for, such as
// RING or +CREG: 1, are among them.
func (m *Modem) answer(ctx context.Context, cmd string, within time.Duration, end string) (got []string, err error) {
	name, _, _ := strings.Cut(cmd, "=")
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for len(got) < 256 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout.C:
			return nil, fmt.Errorf("%s: %w within %v", name, ErrNoAnswer, within)
		case line, ok := <-m.lines:
			switch f := refused.FindStringSubmatch(line); {
			case !ok:
				return nil, fmt.Errorf("%s: %w: the port has ended", name, ErrNoAnswer)
			case line == end:
				return got, nil
			case f != nil:
				code, _ := strconv.Atoi(f[2])
				return nil, &Refusal{name, f[1], code}
			case line == "ERROR":
				return nil, &Refusal{Command: name}
			case line != cmd: // its echo
				got = append(got, line)
			}
		}
	}
	return nil, fmt.Errorf("%s: %w: nothing but noise", name, ErrNoAnswer)
}

var registration = regexp.MustCompile(`^\+C(?:E|G)?REG: *[0-9] *, *([0-9]+)`)

// Registered returns nil if the modem has a network, ErrNoNetwork if it has none.
// Some are registered for packets alone, over which a message goes too.
func (m *Modem) Registered(ctx context.Context) error {
	for _, cmd := range []string{"AT+CREG?", "AT+CEREG?"} {
		lines, err := m.command(ctx, cmd, m.timing.Answer)
		var refusal *Refusal
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		for _, l := range lines {
			// 1 and 5 are at home and abroad, 6 and 7 for short messages alone.
			if f := registration.FindStringSubmatch(l); f != nil && strings.Contains(" 1 5 6 7 ", " "+f[1]+" ") {
				return nil
			}
		}
	}
	return ErrNoNetwork
}

// Send hands one message to the network. An *Unsure error means that it may have
// taken it all the same; a *Refusal, that it did not.
func (m *Modem) Send(ctx context.Context, s Submit) error {
	pdu, length, err := s.Marshal()
	if err != nil {
		return err
	}
	cmd := fmt.Sprintf("AT+CMGS=%d", length)
	if err := m.settle(ctx); err != nil {
		return err
	}
	m.drain()
	if err := m.write(cmd + "\r"); err != nil {
		return err
	}
	if _, err := m.answer(ctx, cmd, m.timing.Answer, prompt); err != nil {
		// A prompt that comes late must not take the next command for a message.
		m.late = true
		return errors.Join(err, m.write("\x1b"))
	}
	if err := m.write(upper(pdu) + "\x1a"); err != nil {
		return &Unsure{err}
	}
	lines, err := m.answer(ctx, cmd, m.timing.Send, "OK")
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return err
	case err != nil:
		m.late = true
		return &Unsure{err}
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "+CMGS:") {
			return nil
		}
	}
	return &Unsure{errors.New("OK without a reference")}
}
