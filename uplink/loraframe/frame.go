// Package loraframe is an alert in 39 bytes, for a LoRa modem in transparent mode,
// and the receiver's side of it.
//
// # Layout
//
// Numbers are big endian.
//
//	0      version 1 in the high half; bit 0 says that the clock was set
//	1-2    gateway's number
//	3-6    counter, which grows with each frame of the gateway
//	7-22   alert's ULID
//	23     kind, see Kinds
//	24     severity, 1 to 4
//	25-28  when it was detected, Unix seconds
//	29-30  the first two bytes of the SHA-256 of the device's id
//	31-38  the first eight bytes of HMAC-SHA-256 over bytes 0-30
//
// # On the line
//
// Transparent mode has no frames, and a receiver may hear the second half of one
// first. A frame is therefore encoded by COBS (Cheshire and Baker, Consistent
// Overhead Byte Stuffing, 1999), with a zero before and behind: 42 bytes.
//
// # What it is worth
//
// The MAC and the counter keep strangers from making alerts up and from playing
// old ones again; eight bytes leave a forger one chance in 2^64 a try. The content
// can be read by anybody, and nobody says that a frame has arrived: it is sent
// several times, each time with a counter of its own and the same ULID.
package loraframe

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Sizes in bytes.
const (
	Size     = 39       // of a frame
	LineSize = Size + 3 // with COBS and zeros
	MinKey   = 16       // of a key, at least
)

const (
	version = 1
	macAt   = 31
)

// Errors of a receiver.
var (
	ErrForm   = errors.New("not a frame")
	ErrMAC    = errors.New("a frame with a wrong MAC")
	ErrReplay = errors.New("a frame that was received before, or is too old to tell")
)

// Frame is one alert.
type Frame struct {
	Gateway  uint16
	Counter  uint32
	Alert    [16]byte // ULID
	Kind     byte     // see Kinds
	Severity byte     // 1, the gravest, to 4
	Detected time.Time
	Synced   bool // the gateway's clock was set
	Device   [2]byte
}

// Kinds returns the codes of kinds of alerts. 0 is any other. Codes are never
// given anew.
func Kinds() map[string]byte {
	return map[string]byte{
		"motion": 1, "intrusion": 2, "line_crossing": 3, "loitering": 4, "thrown_object": 5, "gathering": 6,
		"abandoned_object": 7, "tamper": 8, "test": 9,
	}
}

// DeviceTag returns what a frame has of a device's id.
func DeviceTag(id string) [2]byte {
	sum := sha256.Sum256([]byte(id))
	return [2]byte(sum[:2])
}

// Marshal returns the frame with its MAC by a key of at least MinKey bytes.
func (f *Frame) Marshal(key []byte) ([]byte, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("a key of %d bytes, at least %d", len(key), MinKey)
	}
	unix := f.Detected.Unix()
	if f.Severity < 1 || f.Severity > 4 || unix < 0 || unix > 1<<32-1 {
		return nil, fmt.Errorf("severity %d at %v: %w", f.Severity, f.Detected, ErrForm)
	}
	b := make([]byte, macAt, Size)
	b[0] = version << 4
	if f.Synced {
		b[0] |= 1
	}
	binary.BigEndian.PutUint16(b[1:], f.Gateway)
	binary.BigEndian.PutUint32(b[3:], f.Counter)
	copy(b[7:], f.Alert[:])
	b[23], b[24] = f.Kind, f.Severity
	binary.BigEndian.PutUint32(b[25:], uint32(unix))
	copy(b[29:], f.Device[:])
	return append(b, mac(key, b)...), nil
}

func mac(key, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)[:Size-macAt]
}

// Line returns the frame as it goes to the modem.
func (f *Frame) Line(key []byte) ([]byte, error) {
	b, err := f.Marshal(key)
	if err != nil {
		return nil, err
	}
	return append(append([]byte{0}, stuff(b)...), 0), nil
}

// Unmarshal reads a frame. key returns the key of a gateway, nil if it is not
// known. What an error comes with must not be used.
func Unmarshal(b []byte, key func(gateway uint16) []byte) (Frame, error) {
	if len(b) != Size || b[0]>>4 != version || b[0]&0x0e != 0 || b[24] < 1 || b[24] > 4 {
		return Frame{}, ErrForm
	}
	f := Frame{
		Gateway: binary.BigEndian.Uint16(b[1:]), Counter: binary.BigEndian.Uint32(b[3:]), Alert: [16]byte(b[7:23]),
		Kind: b[23], Severity: b[24], Detected: time.Unix(int64(binary.BigEndian.Uint32(b[25:])), 0),
		Synced: b[0]&1 != 0, Device: [2]byte(b[29:31]),
	}
	k := key(f.Gateway)
	if len(k) < MinKey || !hmac.Equal(b[macAt:], mac(k, b[:macAt])) {
		return Frame{}, ErrMAC
	}
	return f, nil
}

// stuff encodes fewer than 254 bytes by COBS: each zero becomes the distance to
// the next.
func stuff(b []byte) []byte {
	out := []byte{0}
	at := 0 // of the distance
	for _, c := range b {
		if c == 0 {
			out[at] = byte(len(out) - at)
			at = len(out)
		}
		out = append(out, c)
	}
	out[at] = byte(len(out) - at)
	return out
}

// unstuff decodes fewer than 256 bytes by COBS.
func unstuff(b []byte) ([]byte, error) {
	if len(b) == 0 || len(b) > 254 || bytes.IndexByte(b, 0) >= 0 {
		return nil, ErrForm
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		n := int(b[i])
		if i+n > len(b) {
			return nil, ErrForm
		}
		if i > 0 {
			out = append(out, 0)
		}
		out = append(out, b[i+1:i+n]...)
		i += n
	}
	return out, nil
}
