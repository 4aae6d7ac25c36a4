package ebyte

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

const (
	settle    = 100 * time.Millisecond // a module changes its mode within 50 ms, and is deaf meanwhile
	answerIn  = time.Second            // 10 bytes take 10 ms at 9600 baud, and the flash some
	questions = 3
	writeTime = 5 * time.Second
)

var errNoAnswer = errors.New("the module does not answer")

// byHand says that nobody but a technician can set the module's mode.
func (d *Driver) byHand() bool { return d.cfg.Switch == nil && d.cfg.ModeCommand == 0 }

// configure compares the module with its configuration and writes what differs.
// verified is false if it is not in the mode for that, or not there.
func (d *Driver) configure(ctx context.Context) (verified bool, err error) {
	defer func() {
		if d.byHand() {
			return
		}
		// The context may be over, and the mode must not stay.
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
		defer cancel()
		err = errors.Join(err, d.mode(back, false), pause(ctx, settle))
	}()
	if !d.byHand() {
		if err := d.mode(ctx, true); err != nil {
			return false, err
		}
		if err := pause(ctx, settle); err != nil {
			return false, err
		}
	}
	err = d.with(ctx, d.cfg.OpenConfig, func(p port.Port) error { return d.verify(ctx, p) })
	if errors.Is(err, errNoAnswer) || errors.Is(err, errGarbled) {
		return false, nil
	}
	return err == nil, err
}

// mode sets the module's mode: for configuring, or transparent.
func (d *Driver) mode(ctx context.Context, config bool) error {
	if s := d.cfg.Switch; s != nil {
		_, both := d.cfg.Module.(E32) // an E22 is configured with M1 alone
		if err := s.Set(ctx, config && both, config); err != nil {
			return fmt.Errorf("setting M0 and M1: %w", err)
		}
		return nil
	}
	open, number := d.cfg.OpenConfig, byte(0)
	if config {
		open, number = d.cfg.Open, d.cfg.ModeCommand
	}
	return d.with(ctx, open, func(p port.Port) error { return write(p, []byte{0xc0, 0xc1, 0xc2, 0xc3, 2, number}) })
}

// with opens a line for a moment.
func (d *Driver) with(ctx context.Context, open port.Open, use func(port.Port) error) error {
	p, err := open(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer func() {
		stop()
		_ = p.Close()
	}()
	return use(p)
}

// verify works on a line to a module that may be in the mode for it.
func (d *Driver) verify(ctx context.Context, p port.Port) error {
	m := d.cfg.Module
	value, mask, err := m.encode()
	if err != nil {
		return driver.Permanent(err)
	}
	have, err := ask(p, m, questions)
	if err != nil {
		return err
	}
	d.identify(p)
	want := merge(have, value, mask)
	if bytes.Equal(have, want) {
		return nil
	}
	d.cfg.Log.Info("a LoRa module is configured", "module", m.name(), "from", fmt.Sprintf("% X", have), "to", fmt.Sprintf("% X", want))
	if err := write(p, m.write(have, want)); err != nil {
		return err
	}
	// Its confirmation is of no interest: what it has kept is asked for.
	if err := pause(ctx, settle); err != nil {
		return err
	}
	now, err := reread(p, m, want)
	if err == nil && !bytes.Equal(now, want) && m.reset() != nil {
		if err := write(p, m.reset()); err != nil {
			return err
		}
		if err := pause(ctx, answerIn); err != nil {
			return err
		}
		now, err = reread(p, m, want)
	}
	if err != nil {
		return fmt.Errorf("reading back: %w", err)
	}
	if !bytes.Equal(now, want) {
		return driver.Permanent(fmt.Errorf("the %s was set to % X and has % X", m.name(), want, now))
	}
	return nil
}

// reread asks until the answer is the one wanted, and not for ever: answers have no
// checksum, and noise may have changed one.
func reread(p port.Port, m Module, want []byte) (now []byte, err error) {
	for range questions {
		if now, err = ask(p, m, questions); err != nil || bytes.Equal(now, want) {
			break
		}
	}
	return now, err
}

// identify tells technicians what the module says it is. Not all say it.
func (d *Driver) identify(p port.Port) {
	question, head, size := d.cfg.Module.which()
	port.Discard(p)
	if write(p, question) != nil || p.SetReadDeadline(time.Now().Add(answerIn/2)) != nil {
		return
	}
	b := make([]byte, len(head)+size)
	n, err := io.ReadAtLeast(p, b, 3) // a refusal is that long
	if err == nil && n < len(b) && bytes.HasPrefix(b, head) {
		_, err = io.ReadFull(p, b[n:])
	}
	if err == nil && bytes.HasPrefix(b, head) {
		d.cfg.Log.Info("a LoRa module answers", "module", d.cfg.Module.name(), "information", fmt.Sprintf("% X", b[len(head):]))
	}
}

// merge takes the bits of mask from value, and the others from have.
func merge(have, value, mask []byte) []byte {
	out := bytes.Clone(have)
	for i := range out {
		out[i] = have[i]&^mask[i] | value[i]&mask[i]
	}
	return out
}

// ask reads the registers.
func ask(p port.Port, m Module, tries int) ([]byte, error) {
	reason := errNoAnswer
	for range tries {
		port.Discard(p)
		if err := write(p, m.question()); err != nil {
			return nil, err
		}
		got, err := receive(p, m)
		if err == nil {
			return got, nil
		}
		if !errors.Is(err, errNoAnswer) && !errors.Is(err, errGarbled) && !errors.Is(err, errRefused) {
			return nil, err
		}
		reason = err
	}
	if errors.Is(reason, errRefused) { // it is there, and understands nothing: on another speed perhaps
		reason = errGarbled
	}
	return nil, reason
}

// receive waits for an answer.
func receive(p port.Port, m Module) ([]byte, error) {
	if err := p.SetReadDeadline(time.Now().Add(answerIn)); err != nil {
		return nil, err
	}
	buf := make([]byte, 0, 256)
	for {
		n, err := p.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if len(buf) > 0 {
				return nil, errGarbled
			}
			return nil, errNoAnswer
		}
		if err != nil {
			return nil, err
		}
		got, err := m.answer(buf)
		if !errors.Is(err, errShort) {
			return bytes.Clone(got), err
		}
	}
}

func write(p port.Port, b []byte) error {
	if err := p.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := p.Write(b)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
