package rak

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/lora"
	"sentrybox/drivers/port"
)

const (
	answerIn  = 5 * time.Second // most answer within 50 ms; the line may be that of a serial server
	bootIn    = 6 * time.Second
	quiet     = 500 * time.Millisecond // after a module's banner
	leaveIn   = 15 * time.Second       // for a packet, at the slowest data rate
	checkIdle = time.Minute
	absentFor = 3 * time.Second
	writeTime = 5 * time.Second
)

// Driver reads one module. It is a driver.Sender.
type Driver struct {
	driver.Tracker
	driver.Life

	cfg    Config
	intake *lora.Intake
	emit   func(driver.Message) // of Run alone

	mu      sync.Mutex
	session *session // guarded by mu; nil while none runs
}

// New checks the configuration.
func New(cfg Config) (*Driver, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	d := &Driver{cfg: cfg}
	if d.intake, err = lora.NewIntake(cfg.Devices, &d.Tracker, cfg.Log); err != nil {
		return nil, err
	}
	return d, nil
}

// Run reads the module until ctx ends.
func (d *Driver) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	d.emit = emit
	keeping, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.intake.Run(keeping) })
	err = port.Keep(ctx, d.cfg.Open, &d.Tracker, d.talk)
	cancel()
	wg.Wait()
	return d.Ended(err)
}

// talk is what is done on an open line.
func (d *Driver) talk(ctx context.Context, p port.Port) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{d: d, port: p, in: make(chan string), broken: make(chan error, 1), requests: make(chan request), done: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() { s.read(ctx) })
	d.mu.Lock()
	d.session = s
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.session = nil
		d.mu.Unlock()
		close(s.done)
		cancel()
		_ = p.Close()
		wg.Wait()
	}()
	for {
		err := s.setup(ctx)
		if err == nil {
			d.Enter(driver.Silent, "the module listens, nothing heard yet")
			err = s.listen(ctx)
		}
		switch {
		case errors.Is(err, errRestarted):
			d.cfg.Log.Warn("a LoRa module has restarted, and is configured again")
			d.Enter(driver.Silent, "the module has restarted")
			err = s.drain(ctx)
		case errors.Is(err, errNoAnswer): // to open the line again would not help
			d.Enter(driver.Unplugged, err.Error())
			err = s.absent(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// Send sends m.Data as a packet to everybody who hears the module.
func (d *Driver) Send(ctx context.Context, m driver.Message) error {
	if len(m.Data) == 0 || len(m.Data) > maxPayload {
		return fmt.Errorf("a packet of %d bytes: want 1 to %d", len(m.Data), maxPayload)
	}
	d.mu.Lock()
	s := d.session
	d.mu.Unlock()
	if s == nil {
		return driver.ErrNotRunning
	}
	r := request{data: m.Data, done: make(chan error, 1)}
	select {
	case s.requests <- r:
	case <-s.done:
		return driver.ErrNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-s.done:
		return driver.ErrNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
}

type request struct {
	data []byte
	done chan error // buffered
}

// session is an open line. What is not a channel is for one goroutine.
type session struct {
	d        *Driver
	port     port.Port
	in       chan string // lines
	broken   chan error  // what ended them
	requests chan request
	done     chan struct{} // closed when it is over

	header *line // of a packet whose payload is to come
	idle   bool  // the module does not listen any more
	left   bool  // a packet has left
	precv  string
	blind  bool // it cannot be asked whether it listens
	owed   int  // answers to commands that were given up, which may still come
}

// read makes lines of what the module writes.
func (s *session) read(ctx context.Context) {
	var l lines
	var noise uint64
	buf := make([]byte, 1024)
	for {
		n, err := s.port.Read(buf)
		l.write(buf[:n], func(text string) {
			select {
			case s.in <- text:
			case <-ctx.Done():
			}
		})
		if lost := l.noise - noise; lost > 0 {
			noise = l.noise
			s.d.Count(func(c *driver.Counts) { c.Noise += lost })
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			s.broken <- err
			return
		}
	}
}

// take does what an event is about, and returns other lines.
func (s *session) take(text string) line {
	l := parse(text)
	switch l.kind {
	case packet:
		s.d.intake.Take(l.data, &l.rssi, &l.snr, s.d.emit)
	case header:
		s.header = &l
	case payload:
		if h := s.header; h != nil {
			s.d.intake.Take(l.data, &h.rssi, &h.snr, s.d.emit)
		} else {
			s.d.intake.Take(l.data, nil, nil, s.d.emit)
		}
		s.header = nil
	case garbled:
		s.d.Count(func(c *driver.Counts) { c.Rejected++ })
		s.header = nil
	case timeout:
		s.idle = true
	case sent:
		s.left = true
	}
	return l
}

var (
	errRestarted = errors.New("the module has restarted")
	errNoAnswer  = fmt.Errorf("the module does not answer within %v: another speed of the line, or none there", answerIn)
)

// refusal is a command that the module did not carry out.
type refusal struct{ command, code string }

func (r *refusal) Error() string {
	return fmt.Sprintf("the module answers %s to %s", r.code, r.command)
}

// command has a command carried out and returns its value, if it has one.
func (s *session) command(ctx context.Context, cmd string) (string, error) {
	if err := s.port.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return "", err
	}
	if _, err := s.port.Write([]byte(cmd + "\r\n")); err != nil {
		return "", err
	}
	value := ""
	timer := time.NewTimer(answerIn)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case err := <-s.broken:
			return "", err
		case <-timer.C:
			s.d.Count(func(c *driver.Counts) { c.Timeouts++ })
			s.owed++
			return "", errNoAnswer
		case text := <-s.in:
			switch l := s.take(text); l.kind {
			case ok:
				if value == "" && s.owed > 0 && strings.HasSuffix(cmd, "=?") {
					s.owed-- // the end of an answer to something else
					continue
				}
				return value, nil
			case failed:
				return "", &refusal{cmd, l.text}
			case banner:
				return "", errRestarted
			default:
				if l.kind == plain && l.text != cmd { // no echo
					value = strings.TrimPrefix(l.text, strings.TrimSuffix(cmd, "=?")+"=")
				}
			}
		}
	}
}

// drain waits until the module is quiet, and not for ever.
func (s *session) drain(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < 10*quiet; {
		timer := time.NewTimer(quiet)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case err := <-s.broken:
			timer.Stop()
			return err
		case text := <-s.in:
			timer.Stop()
			s.take(text)
		case <-timer.C:
			return nil
		}
	}
	return nil
}

// absent waits before a module that does not answer is tried again.
func (s *session) absent(ctx context.Context) error {
	timer := time.NewTimer(absentFor)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.broken:
			return err
		case text := <-s.in:
			s.take(text)
		case r := <-s.requests:
			r.done <- driver.ErrNotRunning
		case <-timer.C:
			return nil
		}
	}
}

// send has a packet sent.
func (s *session) send(ctx context.Context, data []byte) error {
	if s.precv == listenOnly { // it must stop listening
		if _, err := s.command(ctx, "AT+PRECV=0"); err != nil {
			return err
		}
		defer func() { s.idle = true }()
	}
	s.left = false
	if _, err := s.command(ctx, "AT+PSEND="+strings.ToUpper(hex.EncodeToString(data))); err != nil {
		return err
	}
	timer := time.NewTimer(leaveIn)
	defer timer.Stop()
	for !s.left {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.broken:
			return err
		case <-timer.C:
			return errors.New("the packet has not left")
		case text := <-s.in:
			if s.take(text).kind == banner {
				return errRestarted
			}
		}
	}
	return nil
}
