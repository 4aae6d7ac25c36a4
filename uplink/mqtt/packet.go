package mqtt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Control packet types, MQTT 3.1.1, table 2.1, as the high half of the first
// byte.
const (
	typeConnack     = 0x20
	typePublish     = 0x30
	typePuback      = 0x40
	typeSubscribe   = 0x80
	typeSuback      = 0x90
	typeUnsubscribe = 0xa0
	typeUnsuback    = 0xb0
	typePingreq     = 0xc0
	typePingresp    = 0xd0
	typeDisconnect  = 0xe0
)

// maxTopic is the longest topic that is taken from a broker, in bytes. Messages
// on longer ones, of up to 65,535, are acknowledged and dropped.
const maxTopic = 1024

// errProtocol means that a broker broke MQTT 3.1.1.
var errProtocol = errors.New("the broker breaks the protocol")

// A broker of MQTT 3.1.1 has no DISCONNECT to send, but those that know MQTT 5 send one all the same,
// some with the reason (MQTT 5, 3.14.2.1).
var (
	errDismissed = errors.New("the broker ends the connection")
	errTakenOver = fmt.Errorf("%w: another client has this one's id", errDismissed)
)

const sessionTakenOver = 0x8e

func violation(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errProtocol}, args...)...)
}

// byteReader is what a packet is read from.
type byteReader interface {
	io.Reader
	io.ByteReader
	Discard(n int) (int, error)
}

// packet is one control packet from a broker. The zero value of what its type
// does not have means nothing.
type packet struct {
	raw   []byte // as it came; nil if it was too long to keep
	kind  byte
	id    uint16
	qos   byte
	codes []byte // of a SUBACK
}

// readPacket reads one packet that a broker may send to a client with clean
// session and subscriptions at QoS 1. A PUBLISH whose payload is longer than
// longest is read to its end and comes back without raw.
func readPacket(r byteReader, longest int) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	header, length, err := readLength(r, first)
	if err != nil {
		return packet{}, unexpected(err)
	}
	p := packet{kind: first & 0xf0}
	switch p.kind {
	case typePublish:
		return readPublish(r, p, header, length, longest)
	case typeConnack, typePuback, typeUnsuback:
		if first&0x0f != 0 || length != 2 {
			return packet{}, violation("type %#x with %d bytes", first, length)
		}
	case typeSuback:
		if first&0x0f != 0 || length < 3 || length > 2+256 {
			return packet{}, violation("type %#x with %d bytes", first, length)
		}
	case typePingresp:
		if first&0x0f != 0 || length != 0 {
			return packet{}, violation("type %#x with %d bytes", first, length)
		}
	case typeDisconnect:
		return packet{}, readDisconnect(r, length)
	default:
		return packet{}, violation("unexpected type %#x", first)
	}
	p.raw = append(header, make([]byte, length)...)
	body := p.raw[len(header):]
	if _, err := io.ReadFull(r, body); err != nil {
		return packet{}, unexpected(err)
	}
	switch p.kind {
	case typeConnack: // 3.2.2.3: codes above 5 are reserved
		if body[0] > 1 || body[1] > 5 {
			return packet{}, violation("CONNACK %#x", body)
		}
	case typePuback, typeUnsuback:
		p.id = binary.BigEndian.Uint16(body)
	case typeSuback:
		p.id, p.codes = binary.BigEndian.Uint16(body), body[2:]
	}
	return p, nil
}

// readDisconnect returns why a broker ends the connection.
func readDisconnect(r byteReader, length int) error {
	if length == 0 {
		return errDismissed
	}
	switch code, err := r.ReadByte(); {
	case err != nil:
		return unexpected(err)
	case code == sessionTakenOver:
		return errTakenOver
	default:
		return fmt.Errorf("%w: reason code %#x", errDismissed, code)
	}
}

// readLength reads the remaining length, MQTT 3.1.1, 2.2.3, and returns the
// fixed header as it came.
func readLength(r io.ByteReader, first byte) (header []byte, length int, err error) {
	header = append(make([]byte, 0, 5), first)
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return nil, 0, err
		}
		header = append(header, b)
		length |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			return header, length, nil
		}
	}
	return nil, 0, violation("a length of more than four bytes")
}

func readPublish(r byteReader, p packet, header []byte, length, longest int) (packet, error) {
	p.qos = header[0] >> 1 & 3
	if p.qos > 1 {
		return packet{}, violation("PUBLISH at QoS %d", p.qos)
	}
	fixed := 2 + 2*int(p.qos) // of the topic's length and the id
	var size [2]byte
	if length < fixed {
		return packet{}, violation("PUBLISH of %d bytes", length)
	}
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return packet{}, unexpected(err)
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n == 0 || fixed+n > length {
		return packet{}, violation("PUBLISH of %d bytes with a topic of %d", length, n)
	}
	topic := make([]byte, min(n, maxTopic))
	if _, err := io.ReadFull(r, topic); err != nil {
		return packet{}, unexpected(err)
	}
	if _, err := r.Discard(n - len(topic)); err != nil {
		return packet{}, unexpected(err)
	}
	id := make([]byte, 2*int(p.qos))
	if _, err := io.ReadFull(r, id); err != nil {
		return packet{}, unexpected(err)
	}
	if p.qos == 1 {
		if p.id = binary.BigEndian.Uint16(id); p.id == 0 {
			return packet{}, violation("PUBLISH with id 0")
		}
	}
	payload := length - fixed - n
	if payload > longest || n > maxTopic || !validTopic(topic) {
		_, err := r.Discard(payload)
		return p, unexpected(err)
	}
	p.raw = slices.Concat(header, size[:], topic, id)
	head := len(p.raw)
	p.raw = append(p.raw, make([]byte, payload)...)
	_, err := io.ReadFull(r, p.raw[head:])
	return p, unexpected(err)
}

// validTopic reports whether a topic is a name by MQTT 3.1.1, 1.5.3 and 3.3.2.1.
// The standard has a client close on some that are not. But not every broker
// checks what a stranger publishes, and one that also keeps it would then keep
// us away for ever with a single message; the packet's bounds are sound.
func validTopic(topic []byte) bool {
	return utf8.Valid(topic) && !bytes.ContainsAny(topic, "+#\x00")
}

// unexpected makes of an end in the middle of a packet what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// outgoing is what has to be known of a packet of ours to judge the answer.
type outgoing struct {
	kind    byte
	id      uint16
	filters int // of a SUBSCRIBE
}

// parseOutgoing reads a PUBLISH at QoS 1, a SUBSCRIBE or an UNSUBSCRIBE that paho
// has written, and returns the zero value for all others.
func parseOutgoing(b []byte) outgoing {
	if len(b) < 2 {
		return outgoing{}
	}
	kind, qos := b[0]&0xf0, b[0]>>1&3
	if kind != typeSubscribe && kind != typeUnsubscribe && (kind != typePublish || qos == 0) {
		return outgoing{}
	}
	b = b[1:]
	for len(b) > 0 && b[0]&0x80 != 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return outgoing{}
	}
	b = b[1:]
	if kind == typePublish {
		_, rest, ok := cutString(b)
		if !ok || len(rest) < 2 {
			return outgoing{}
		}
		return outgoing{kind: kind, id: binary.BigEndian.Uint16(rest)}
	}
	if len(b) < 2 {
		return outgoing{}
	}
	o := outgoing{kind: kind, id: binary.BigEndian.Uint16(b)}
	if kind == typeUnsubscribe {
		return o
	}
	for b = b[2:]; len(b) > 0; o.filters++ {
		_, rest, ok := cutString(b)
		if !ok || len(rest) < 1 {
			return outgoing{}
		}
		b = rest[1:]
	}
	return o
}

// cutString splits off a string with its length before it, MQTT 3.1.1, 1.5.3.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}
