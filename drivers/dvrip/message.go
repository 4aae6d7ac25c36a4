package dvrip

import (
	"bytes"
	"crypto/md5" // the protocol's
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Port is where devices listen for DVRIP, by TCP.
const Port = 34567

// The messages that a session is made of. An answer's number is its request's plus one.
const (
	IDLogin     = 1000
	IDKeepAlive = 1006
	IDStart     = 1410 // of live video
	IDMedia     = 1412
	IDClaim     = 1413 // of a channel
	IDSetTime   = 1450
	IDSearch    = 1530 // by UDP broadcast
)

// What Ret says in an answer.
const (
	RetOK            = 100
	RetNotPermitted  = 103
	RetLoggedIn      = 104 // the user is logged in elsewhere, and may be once
	RetWrong         = 106 // user or password
	RetForbidden     = 107 // the user may not
	RetNoUser        = 113
	RetWrongPassword = 203
	RetIllegalUser   = 204
	RetLocked        = 205
	RetBanned        = 206 // blacklisted
	RetInUse         = 207
	RetUpgraded      = 515 // is well, too
)

const (
	headerLen = 20
	magic     = 0xff
	// maxMessage bounds the body of a message. Devices send pictures in pieces of
	// 8 to 64 KiB.
	maxMessage = 1 << 20
)

// Message is one message of the protocol: a header of 20 bytes, and a body that
// is JSON or a piece of the media stream.
type Message struct {
	Session, Sequence uint32
	ID                uint16
	Body              []byte
}

// Append appends the message's bytes to b.
func (m Message) Append(b []byte) []byte {
	var h [headerLen]byte
	h[0] = magic
	binary.LittleEndian.PutUint32(h[4:], m.Session)
	binary.LittleEndian.PutUint32(h[8:], m.Sequence)
	binary.LittleEndian.PutUint16(h[14:], m.ID)
	binary.LittleEndian.PutUint32(h[16:], uint32(len(m.Body)))
	return append(append(b, h[:]...), m.Body...)
}

// ReadMessage reads one message. Its error is io.EOF only before the first byte.
func ReadMessage(r io.Reader) (Message, error) {
	var h [headerLen]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return Message{}, err
	}
	m, size, err := parseHeader(h[:])
	if err != nil {
		return Message{}, err
	}
	// The buffer grows with what arrives: a header may promise anything.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Message{}, err
	}
	m.Body = body.Bytes()
	return m, nil
}

func parseHeader(h []byte) (m Message, size int, err error) {
	if len(h) < headerLen || h[0] != magic {
		return m, 0, errors.New("not a DVRIP message")
	}
	m.Session = binary.LittleEndian.Uint32(h[4:])
	m.Sequence = binary.LittleEndian.Uint32(h[8:])
	m.ID = binary.LittleEndian.Uint16(h[14:])
	n := binary.LittleEndian.Uint32(h[16:])
	if n > maxMessage {
		return m, 0, fmt.Errorf("a message of %d bytes, at most %d are taken", n, maxMessage)
	}
	return m, int(n), nil
}

// JSON makes a message's body: JSON, a line feed and a zero, as devices send and want it.
func JSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of types of ours
	}
	return append(b, '\n', 0)
}

// unmarshal reads a JSON body. Devices end it with any of line feeds and zeros.
func unmarshal(body []byte, v any) error {
	return json.Unmarshal(bytes.TrimRight(body, "\x00\r\n \t"), v)
}

// Hash is how a password goes over the line: "Sofia hash", eight characters made of
// the pairs of its MD5's bytes, so that about 47 bits are left of it.
func Hash(password string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := md5.Sum([]byte(password)) // the protocol's
	hash := make([]byte, 0, len(sum)/2)
	for i := 0; i < len(sum); i += 2 {
		hash = append(hash, alphabet[(int(sum[i])+int(sum[i+1]))%len(alphabet)])
	}
	return string(hash)
}
