package lora

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// Sizes in bytes.
const (
	MaxPayload = MaxLine - lineOverhead - overhead
	MaxFrame   = MaxPayload + overhead
	MaxLine    = 240 // of an encoded frame: the longest sub-packet of an E22
	MinKey     = 16

	head         = 9
	macSize      = 8
	crcSize      = 2
	overhead     = head + macSize + crcSize
	lineOverhead = 3 // a zero, COBS, a zero
)

const version = 2 << 4

// Errors of what was received. What comes with them must not be used.
var (
	ErrForm    = errors.New("not a frame")
	ErrUnknown = errors.New("a frame of a device without a key here")
	ErrMAC     = errors.New("a frame with a wrong MAC")
	ErrReplay  = errors.New("a frame that was received before, or is too old to tell")
)

// Frame is what a sensor says.
type Frame struct {
	Device  uint32
	Counter uint32
	Event   bool // something has happened; else it was only time to report
	Payload []byte
}

// Append appends the frame with its MAC and CRC to dst, as it goes where packets
// have borders. key has at least MinKey bytes.
func (f *Frame) Append(dst, key []byte) ([]byte, error) {
	if len(key) < MinKey {
		return dst, fmt.Errorf("a key of %d bytes, at least %d", len(key), MinKey)
	}
	if len(f.Payload) > MaxPayload {
		return dst, fmt.Errorf("a payload of %d bytes, at most %d", len(f.Payload), MaxPayload)
	}
	at := len(dst)
	first := byte(version)
	if f.Event {
		first |= 1
	}
	dst = append(dst, first)
	dst = binary.BigEndian.AppendUint32(dst, f.Device)
	dst = binary.BigEndian.AppendUint32(dst, f.Counter)
	dst = append(dst, f.Payload...)
	h := hmac.New(sha256.New, key)
	h.Write(dst[at:])
	dst = append(dst, h.Sum(nil)[:macSize]...)
	return binary.BigEndian.AppendUint16(dst, crc16(dst[at:])), nil
}

// AppendLine appends the frame as it goes to a module in transparent mode.
func (f *Frame) AppendLine(dst, key []byte) ([]byte, error) {
	b, err := f.Append(nil, key)
	if err != nil {
		return dst, err
	}
	return append(stuff(append(dst, 0), b), 0), nil
}

// whole says whether b has the form and the CRC of a frame.
func whole(b []byte) bool {
	n := len(b) - crcSize
	return len(b) >= overhead && len(b) <= MaxFrame && b[0]&^1 == version && crc16(b[:n]) == binary.BigEndian.Uint16(b[n:])
}

// Peek reads a frame without its MAC: anybody can have sent it. It returns ErrForm if b is
// none. The payload is part of b.
func Peek(b []byte) (Frame, error) {
	if !whole(b) {
		return Frame{}, ErrForm
	}
	return Frame{
		Device: binary.BigEndian.Uint32(b[1:]), Counter: binary.BigEndian.Uint32(b[5:]), Event: b[0]&1 != 0,
		Payload: b[head : len(b)-macSize-crcSize],
	}, nil
}

// open reads a frame with the HMAC of its device, which mac returns, nil for a device
// that is not known. The payload is part of b.
func open(b []byte, mac func(device uint32) hash.Hash) (Frame, error) {
	f, err := Peek(b)
	if err != nil {
		return Frame{}, err
	}
	h := mac(f.Device)
	if h == nil {
		return Frame{}, ErrUnknown
	}
	h.Reset()
	signed := b[:len(b)-macSize-crcSize]
	h.Write(signed)
	var sum [sha256.Size]byte
	if !hmac.Equal(h.Sum(sum[:0])[:macSize], b[len(signed):len(b)-crcSize]) {
		return Frame{}, ErrMAC
	}
	return f, nil
}

// crc16 is CRC-16/CCITT-FALSE.
func crc16(b []byte) uint16 {
	crc := uint16(0xffff)
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
