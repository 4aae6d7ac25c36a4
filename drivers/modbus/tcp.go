package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// tcp is a link over a connection that speaks Modbus TCP (Messaging on TCP/IP, 3.1.3):
// transaction, protocol 0, length, unit.
type tcp struct {
	p       port.Port
	tracker *driver.Tracker
	number  uint16 // of the last transaction
	buf     []byte
	got     []byte // received, and not yet a whole frame
}

const (
	headerTCP = 7
	// maxPDU is the longest PDU (Application Protocol, 4.1).
	maxPDU = 253
)

func newTCP(p port.Port, t *driver.Tracker) *tcp {
	return &tcp{p: p, tracker: t, buf: make([]byte, 512)}
}

func (l *tcp) numbered() bool { return true }

func (l *tcp) quiet(time.Duration) error { return nil }

// frameTCP puts a PDU behind its header.
func frameTCP(number uint16, unit byte, pdu []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, number)
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), uint16(1+len(pdu)))
	return append(append(b, unit), pdu...)
}

// splitTCP takes a frame from what was received; rest is nil and err too if it is not whole. An error means that
// this is no Modbus TCP, or has lost its step, and that the connection is of no use any more.
func splitTCP(b []byte) (number uint16, pdu, rest []byte, err error) {
	if len(b) < headerTCP {
		return 0, nil, nil, nil
	}
	if protocol := binary.BigEndian.Uint16(b[2:]); protocol != 0 {
		return 0, nil, nil, fmt.Errorf("%w: protocol %d in the header, want 0", errMalformed, protocol)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < 2 || n > 1+maxPDU {
		return 0, nil, nil, fmt.Errorf("%w: length %d in the header", errMalformed, n)
	}
	if len(b) < 6+n {
		return 0, nil, nil, nil
	}
	return binary.BigEndian.Uint16(b), b[headerTCP : 6+n], b[6+n:], nil
}

// take returns the next PDU with the number, and drops all frames before it.
func (l *tcp) take(number uint16) ([]byte, error) {
	for {
		n, pdu, rest, err := splitTCP(l.got)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", port.ErrUnplugged, err)
		}
		if rest == nil {
			return nil, nil
		}
		pdu = append([]byte{}, pdu...)
		l.got = append(l.got[:0], rest...)
		if n == number {
			return pdu, nil
		}
		l.tracker.Count(func(c *driver.Counts) { c.Discarded++ })
	}
}

func (l *tcp) hear(b []byte) {
	l.got = append(l.got, b...)
	// No transaction is open: whatever is whole is late. What fails here fails in the next exchange too.
	_, _ = l.take(l.number + 1)
	if len(l.got) > headerTCP+maxPDU {
		l.got = l.got[:headerTCP+maxPDU]
	}
}

func (l *tcp) exchange(r request, think time.Duration) ([]byte, error) {
	l.number++
	if err := l.p.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return nil, err
	}
	if _, err := l.p.Write(frameTCP(l.number, r.unit, r.pdu())); err != nil {
		return nil, err
	}
	if err := l.p.SetReadDeadline(time.Now().Add(think)); err != nil {
		return nil, err
	}
	for {
		n, err := l.p.Read(l.buf)
		l.got = append(l.got, l.buf[:n]...)
		if pdu, err := l.take(l.number); err != nil || pdu != nil {
			if err == nil {
				if _, e := r.parse(pdu); errors.Is(e, errMalformed) {
					l.tracker.Count(func(c *driver.Counts) { c.Rejected++ })
					return nil, errGarbled
				}
			}
			return pdu, err
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, errTimeout
		}
		if err != nil {
			return nil, err
		}
	}
}
