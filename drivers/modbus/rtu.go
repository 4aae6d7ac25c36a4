package modbus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"sentrybox/drivers/driver"
	"sentrybox/drivers/port"
)

// What an exchange fails with, besides an Exception and the port's own errors.
var (
	errTimeout = errors.New("no answer")
	errGarbled = errors.New("no valid answer, only noise")
)

// link carries requests to units and answers back. It is used by one goroutine.
type link interface {
	// exchange sends a request and returns the PDU of its answer, which must have begun within think.
	exchange(r request, think time.Duration) ([]byte, error)
	// hear takes what was read while nothing was asked.
	hear(b []byte)
	// quiet waits until the line has been silent for so long.
	quiet(long time.Duration) error
	// numbered tells whether a late answer is known by its number.
	numbered() bool
}

// CRC returns the checksum of an RTU frame (Serial Line, 6.2.2).
func CRC(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, x := range b {
		crc ^= uint16(x)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// frameRTU puts a PDU into an RTU frame.
func frameRTU(unit byte, pdu []byte) []byte {
	b := append([]byte{unit}, pdu...)
	return binary.LittleEndian.AppendUint16(b, CRC(b))
}

// findRTU looks for the answer to a request anywhere in what was received: after noise, after another's
// late answer. It returns where it begins, and its PDU; -1 if it is not there.
func findRTU(b []byte, r request) (at int, pdu []byte) {
	fn := r.function()
	for i := range b {
		if b[i] != r.unit || i+1 >= len(b) {
			continue
		}
		n := 0
		switch b[i+1] {
		case fn:
			n = 1 + r.answerLength() + 2
		case fn | 0x80:
			n = 5
		}
		if n == 0 || i+n > len(b) {
			continue
		}
		frame := b[i : i+n]
		if CRC(frame[:n-2]) != binary.LittleEndian.Uint16(frame[n-2:]) {
			continue
		}
		if _, err := r.parse(frame[1 : n-2]); !errors.Is(err, errMalformed) {
			return i, frame[1 : n-2]
		}
	}
	return -1, nil
}

// rtu is a link over a serial line.
type rtu struct {
	p        port.Port
	tracker  *driver.Tracker
	charTime time.Duration
	buf      []byte
	got      []byte
	last     time.Time // when the last byte was heard or sent
	// echoes is a line on which we hear what we send.
	echoes bool
}

const (
	minSilence   = 2 * time.Millisecond // between frames: 1.75 ms above 19200 baud (Serial Line, 2.5.1.1)
	writeTimeout = 5 * time.Second
	maxHeard     = 2048 // bytes heard while waiting for an answer, after which there is only noise
)

func newRTU(p port.Port, t *driver.Tracker, charTime time.Duration) *rtu {
	return &rtu{p: p, tracker: t, charTime: charTime, buf: make([]byte, 512)}
}

func (l *rtu) numbered() bool { return false }

func (l *rtu) hear(b []byte) {
	l.last = time.Now()
	l.noise(len(b))
}

func (l *rtu) noise(n int) {
	if n > 0 {
		l.tracker.Count(func(c *driver.Counts) { c.Noise += uint64(n) })
	}
}

func (l *rtu) exchange(r request, think time.Duration) ([]byte, error) {
	if wait := time.Until(l.last.Add(max(minSilence, 7*l.charTime/2))); wait > 0 {
		time.Sleep(wait)
	}
	l.noise(port.Discard(l.p))
	frame := frameRTU(r.unit, r.pdu())
	if err := l.p.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return nil, err
	}
	if _, err := l.p.Write(frame); err != nil {
		return nil, err
	}
	// What was written may still be on its way.
	carry := time.Duration(len(frame)+1+r.answerLength()+2) * l.charTime
	if err := l.p.SetReadDeadline(time.Now().Add(think + carry)); err != nil {
		return nil, err
	}
	pdu, err := l.await(frame, r)
	l.last = time.Now()
	return pdu, err
}

// await reads until the answer is there.
func (l *rtu) await(frame []byte, r request) ([]byte, error) {
	l.got = l.got[:0]
	for {
		n, err := l.p.Read(l.buf)
		l.got = append(l.got, l.buf[:n]...)
		heard := l.got
		// The answer to a write of one value is the request once more, so an echo must not pass for it.
		at := bytes.Index(heard, frame)
		echoed := at >= 0 && (l.echoes || r.write == nil || r.many)
		if echoed {
			l.echoes = true
			heard = heard[at+len(frame):]
		}
		if i, pdu := findRTU(heard, r); i >= 0 {
			l.noise(len(heard) - (1 + len(pdu) + 2))
			return pdu, nil
		}
		switch {
		case err == nil && len(l.got) < maxHeard:
			continue
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case len(heard) == 0:
			return nil, errTimeout
		}
		l.noise(len(heard))
		return nil, errGarbled
	}
}

func (l *rtu) quiet(long time.Duration) error {
	for {
		if err := l.p.SetReadDeadline(time.Now().Add(long)); err != nil {
			return err
		}
		n, err := l.p.Read(l.buf)
		if n > 0 {
			l.hear(l.buf[:n])
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		return err
	}
}
