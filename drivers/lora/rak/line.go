package rak

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
)

// kind is what a line of a module is.
type kind int

const (
	plain   kind = iota // a value, an echo, part of a banner
	ok                  // a command was carried out
	failed              // it was not: text is the code, such as AT_PARAM_ERROR
	packet              // a packet was heard
	header              // one was heard, and its payload follows in an event of its own
	payload             // that
	sent                // a packet has left
	timeout             // receiving has ended without a packet
	garbled             // a packet was heard and could not be read, or an event makes no sense
	banner              // the module has started
	other               // another event
)

// line is a line of a module.
type line struct {
	kind kind
	text string
	data []byte
	rssi float64 // dBm
	snr  float64 // dB
}

// maxPayload is what a module receives at most, in bytes.
const maxPayload = 256

// parse reads a line without its end.
func parse(s string) line {
	event, is := strings.CutPrefix(s, eventMark)
	switch {
	case is:
		return parseEvent(event)
	case s == "OK":
		return line{kind: ok}
	case strings.HasPrefix(s, "AT_") && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "":
		return line{kind: failed, text: s}
	case strings.Contains(s, "Current Work Mode"), strings.HasPrefix(s, "RAKwireless RAK"), strings.HasPrefix(s, "LoRa (R) is a registered"):
		return line{kind: banner, text: s}
	}
	return line{kind: plain, text: s}
}

// parseEvent reads what follows +EVT:.
func parseEvent(s string) line {
	p2p, is := strings.CutPrefix(s, "RXP2P")
	switch {
	case is && strings.Contains(p2p, "TIMEOUT"):
		return line{kind: timeout}
	case is && strings.Contains(p2p, "ERROR"):
		return line{kind: garbled}
	case is && strings.HasPrefix(p2p, ":"):
		return parsePacket(p2p[1:])
	case is:
		return parseHeader(p2p)
	case strings.HasPrefix(s, "TXP2P"):
		return line{kind: sent}
	}
	if data, ok := parseHex(s); ok {
		return line{kind: payload, data: data}
	}
	return line{kind: other, text: s}
}

// parsePacket reads RSSI:SNR:payload.
func parsePacket(s string) line {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return line{kind: garbled}
	}
	l, ok := signal(packet, parts[0], parts[1])
	if !ok {
		return line{kind: garbled}
	}
	if l.data, ok = parseHex(parts[2]); !ok {
		return line{kind: garbled}
	}
	return l
}

// parseHeader reads `, RSSI n, SNR n`.
func parseHeader(s string) line {
	rssi, snr, both := strings.Cut(strings.TrimPrefix(s, ", RSSI "), ", SNR ")
	if l, ok := signal(header, rssi, snr); both && ok {
		return l
	}
	return line{kind: garbled}
}

func signal(k kind, rssi, snr string) (line, bool) {
	r, err := strconv.Atoi(rssi)
	s, err2 := strconv.Atoi(snr)
	if err != nil || err2 != nil || r < -200 || r > 50 || s < -50 || s > 50 {
		return line{}, false
	}
	return line{kind: k, rssi: float64(r), snr: float64(s)}, true
}

func parseHex(s string) ([]byte, bool) {
	if s == "" || len(s) > 2*maxPayload {
		return nil, false
	}
	b, err := hex.DecodeString(s)
	return b, err == nil
}

// lines takes lines out of what a module writes. Of what is longer than any line
// of a module's, the end is kept: an event may stand there.
type lines struct {
	buf   []byte
	noise uint64 // bytes dropped
}

// maxLine has room for the longest packet.
const maxLine = 2*maxPayload + 64

const eventMark = "+EVT:"

// write takes bytes and calls got for each line, without its end, that they
// complete. An event that stands behind something else, because an end was lost or
// the module was interrupted, is a line of its own.
func (l *lines) write(p []byte, got func(string)) {
	for _, c := range p {
		if c == '\r' || c == '\n' {
			l.end(got)
			continue
		}
		if len(l.buf) == maxLine {
			l.shorten()
		}
		l.buf = append(l.buf, c)
	}
}

// shorten drops what stands before the last event, or else all but what may be the
// beginning of one.
func (l *lines) shorten() {
	keep := len(eventMark) - 1
	if i := bytes.LastIndex(l.buf, []byte(eventMark)); i > 0 {
		keep = len(l.buf) - i
	}
	n := len(l.buf) - keep
	l.noise += uint64(n)
	l.buf = append(l.buf[:0], l.buf[n:]...)
}

func (l *lines) end(got func(string)) {
	rest := l.buf
	l.buf = l.buf[:0]
	for len(rest) > 0 {
		part := rest
		if i := bytes.Index(rest[1:], []byte(eventMark)); i >= 0 {
			part = rest[:i+1]
		}
		rest = rest[len(part):]
		if s := string(bytes.TrimSpace(part)); s != "" {
			got(s)
		}
	}
}
