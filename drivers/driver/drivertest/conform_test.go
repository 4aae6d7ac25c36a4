package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/driver/drivertest"
	"sentrybox/drivers/port"
)

// lines is the smallest driver: lines that begin with "ok ".
type lines struct {
	driver.Tracker
	driver.Life
	open port.Open
}

func (d *lines) Run(ctx context.Context, emit func(driver.Message)) error {
	ctx, end, err := d.Begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.Ended(port.Keep(ctx, d.open, &d.Tracker, func(_ context.Context, p port.Port) error {
		var held []byte
		buf := make([]byte, 64)
		for {
			n, err := p.Read(buf)
			if err != nil {
				return err
			}
			held = append(held, buf[:n]...)
			for {
				line, rest, found := bytes.Cut(held, []byte("\n"))
				if !found {
					break
				}
				held = rest
				if i := bytes.LastIndex(line, []byte("ok ")); i >= 0 {
					emit(driver.Message{Device: "1", Data: bytes.Clone(line[i:]), At: time.Now()})
					d.Heard("1")
				}
			}
		}
	}))
}

func TestConform(t *testing.T) {
	drivertest.Conform(t, func(*testing.T) drivertest.Rig {
		line := drivertest.NewLine()
		return drivertest.Rig{
			Driver: &lines{open: line.Open},
			Say:    func() { line.Write([]byte("ok 1\n")) },
			Valid:  func(m driver.Message) bool { return string(m.Data) == "ok 1" },
			Noise:  func(b []byte) { line.Write(b) },
			Unplug: line.Unplug, Replug: line.Replug,
		}
	})
}

func TestLineDeadline(t *testing.T) {
	line := drivertest.NewLine()
	p, err := line.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := line.Open(t.Context()); !errors.Is(err, port.ErrBusy) {
		t.Errorf("second Open: %v, want busy", err)
	}
	got := make(chan error)
	go func() {
		_, err := p.Read(make([]byte, 1))
		got <- err
	}()
	p.SetReadDeadline(time.Now())
	if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read past its deadline: %v", err)
	}
	p.SetReadDeadline(time.Time{})
	line.Write([]byte("x"))
	if n, err := p.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	line.Unplug()
	if _, err := p.Read(make([]byte, 8)); !errors.Is(err, port.ErrUnplugged) {
		t.Errorf("Read of an unplugged line: %v", err)
	}
}
